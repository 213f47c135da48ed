/*
 * A user program's first instruction, and its system calls: number in X8, arguments in X0 to X5, the result in X0.
 */
    .section .text._start, "ax", %progbits
    .globl _start
    .type _start, %function
_start:
    mov x29, xzr /* the outermost frame */
    mov x30, xzr
    bl quarry_start
    brk #0
    .size _start, . - _start

    .section .text.quarry_call, "ax", %progbits
    .globl quarry_call
    .type quarry_call, %function
quarry_call:
    mov x8, x0
    mov x0, x1
    mov x1, x2
    mov x2, x3
    mov x3, x4
    mov x4, x5
    mov x5, x6
    svc #0
    ret
    .size quarry_call, . - quarry_call

    .section .note.GNU-stack, "", %progbits
