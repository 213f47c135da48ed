/*
 * attempt.h's functions. They use nothing that an exception does not put back, and no stack.
 */
    .text

    .globl attempt_read_32
    .type attempt_read_32, @function
attempt_read_32:
    .globl attempt_read_instruction
attempt_read_instruction:
    ldr w2, [x0]
    dsb sy /* the answer is in before anything that relies on it */
    str w2, [x1]
    mov w0, #1
    ret
    .size attempt_read_32, . - attempt_read_32

    .globl attempt_semihosting
    .type attempt_semihosting, @function
attempt_semihosting:
    .globl attempt_semihosting_instruction
attempt_semihosting_instruction:
    hlt #0xf000
    mov w0, #1
    ret
    .size attempt_semihosting, . - attempt_semihosting

    .globl attempt_refused
    .type attempt_refused, @function
attempt_refused:
    mov w0, wzr
    ret
    .size attempt_refused, . - attempt_refused

    .section .note.GNU-stack, "", @progbits
