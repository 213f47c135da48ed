/*
 * jump_save and jump_restore: the registers that a callee must preserve (RISC-V ELF psABI, "Register Convention"), and the
 * way back.
 *
 *   words   0    1    2 to 13
 *           ra   sp   s0 to s11
 */
    .macro EACH_SAVED_REGISTER operation
    \operation ra, 0(a0)
    \operation sp, 8(a0)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    \operation s\n, 16 + 8 * \n(a0)
    .endr
    .endm

    .text

    .globl jump_save
    .type jump_save, @function
jump_save:
    EACH_SAVED_REGISTER sd
    li a0, 0
    ret
    .size jump_save, . - jump_save

    .globl jump_restore
    .type jump_restore, @function
jump_restore:
    EACH_SAVED_REGISTER ld
    li a0, 1
    ret
    .size jump_restore, . - jump_restore

    .section .note.GNU-stack, "", @progbits
