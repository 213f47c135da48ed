/*
 * jump_save and jump_restore: the registers that a callee must preserve (Procedure Call Standard for AArch64, 6.1.1),
 * and the way back.
 *
 *   words   0 to 9      10   11   12                   13           14
 *           x19 to x28  x29  x30  stack pointer in use  its number  SP_EL1
 *
 * Threads run on SP_EL0 and handlers on SP_EL1 (stacks.h). A jump out of an exception handler goes from one to the other,
 * and leaves nothing on the stack that it comes from.
 */
    .text

    .globl jump_save
    .type jump_save, @function
jump_save:
    stp x19, x20, [x0, #0]
    stp x21, x22, [x0, #16]
    stp x23, x24, [x0, #32]
    stp x25, x26, [x0, #48]
    stp x27, x28, [x0, #64]
    stp x29, x30, [x0, #80]
    mov x1, sp
    mrs x2, spsel
    stp x1, x2, [x0, #96]
    msr spsel, #1
    mov x3, sp
    msr spsel, x2
    str x3, [x0, #112]
    mov x0, xzr
    ret
    .size jump_save, . - jump_save

    .globl jump_restore
    .type jump_restore, @function
jump_restore:
    ldp x1, x2, [x0, #96]
    ldr x3, [x0, #112]
    msr spsel, #1
    mov sp, x3
    msr spsel, x2
    mov sp, x1
    ldp x19, x20, [x0, #0]
    ldp x21, x22, [x0, #16]
    ldp x23, x24, [x0, #32]
    ldp x25, x26, [x0, #48]
    ldp x27, x28, [x0, #64]
    ldp x29, x30, [x0, #80]
    mov x0, #1
    ret
    .size jump_restore, . - jump_restore

    .section .note.GNU-stack, "", @progbits
