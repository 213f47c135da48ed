/*
 * Programs for user mode on riscv64; user_code.h says what each does.
 *
 * System calls: A7 is the number, A0 to A5 are arguments, and A0 is the result; nothing is lost.
 */
#include "testing/user_code/user_code.h"

    .option norvc
    .section .rodata.user_code, "a", @progbits
    .balign 16
    .globl user_code_start
user_code_start:

    .globl user_code_load
    .globl user_code_load_access
user_code_load:
user_code_load_access:
    lbu a1, 0(a0)
    li a7, USER_CODE_DONE
    ecall
    unimp

    .globl user_code_store
    .globl user_code_store_access
user_code_store:
    li a1, USER_CODE_STORED
user_code_store_access:
    sb a1, 0(a0)
    li a7, USER_CODE_DONE
    ecall
    unimp

    .globl user_code_execute
user_code_execute:
    li a7, USER_CODE_DONE
    jr a0

    .globl user_code_landing
user_code_landing:
    ecall
    unimp
    .globl user_code_landing_end
user_code_landing_end:

    .globl user_code_spin
user_code_spin:
    j user_code_spin

    .globl user_code_calls
user_code_calls:
    li a7, USER_CODE_DONE
    ecall
    j user_code_calls

    .globl user_code_arguments
user_code_arguments:
    mv a7, a0
    addi a0, a7, 1
    addi a1, a7, 2
    addi a2, a7, 3
    addi a3, a7, 4
    addi a4, a7, 5
    addi a5, a7, 6
    ecall
    li a7, USER_CODE_DONE
    ecall
    unimp

    /* Every register but x0, the base A0 (x10) and the count S11 (x27). */
    .macro EACH_REGISTER operation
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28, 29, 30, 31
    \operation \n
    .endr
    .endm

    .macro FILL n
    addi x\n, a0, \n
    .endm

    /* Holds the register against A0 + its number and leaves it as it was. */
    .macro EXPECT n
    addi x\n, x\n, -\n
    bne x\n, a0, 9f
    addi x\n, x\n, \n
    .endm

    .globl user_code_registers
user_code_registers:
    EACH_REGISTER FILL
1:  FILL 17
    li s11, 500
2:  EACH_REGISTER EXPECT
    addi s11, s11, -1
    bnez s11, 2b
    li a7, USER_CODE_ROUND
    ecall
    j 1b
9:  li a7, USER_CODE_WRONG
    ecall
    unimp

    /* A forbidden program without preparation. */
    .macro FORBIDDEN name, instruction:vararg
forbidden_\name:
culprit_\name:
    \instruction
    unimp
    .endm

    FORBIDDEN read_sstatus, csrr a0, sstatus
    FORBIDDEN write_sstatus, csrw sstatus, a0
    FORBIDDEN read_satp, csrr a0, satp
    FORBIDDEN write_satp, csrw satp, a0
    FORBIDDEN write_stvec, csrw stvec, a0
    FORBIDDEN write_sie, csrw sie, zero
    FORBIDDEN read_sscratch, csrr a0, sscratch
    FORBIDDEN read_scause, csrr a0, scause
    FORBIDDEN write_scounteren, csrw scounteren, a0
    FORBIDDEN write_senvcfg, csrw 0x10a, a0
    FORBIDDEN read_mstatus, csrr a0, mstatus
    FORBIDDEN write_mtvec, csrw mtvec, a0
    FORBIDDEN read_mhartid, csrr a0, mhartid
    FORBIDDEN write_pmp, csrw pmpcfg0, a0
    FORBIDDEN sret, sret
    FORBIDDEN mret, mret
    FORBIDDEN sfence, sfence.vma
    FORBIDDEN read_cycle, csrr a0, cycle
    FORBIDDEN read_instret, csrr a0, instret
    FORBIDDEN write_cycle, csrw cycle, a0
    FORBIDDEN no_register, csrr a0, 0x5ff
    FORBIDDEN breakpoint, ebreak
    FORBIDDEN undefined, unimp
    FORBIDDEN zeros, .word 0
    FORBIDDEN floating_point, .word 0x02a50553 /* fadd.d fa0, fa0, fa0 */
    FORBIDDEN floating_load, .word 0x00053507  /* fld fa0, 0(a0) */
    FORBIDDEN floating_state, .word 0x00302573 /* frcsr a0 */
    FORBIDDEN vectors, .word 0x0c007057        /* vsetvli zero, zero, e8 */

forbidden_not_canonical:
    li a1, 1
    slli a1, a1, 63
culprit_not_canonical:
    sb a0, 0(a1)
    unimp

    .globl user_code_end
user_code_end:

    .section .rodata.user_code_tables, "a", @progbits
    .balign 8
    .globl user_code_forbidden
user_code_forbidden:
    .macro ROW name
    .quad forbidden_\name, culprit_\name, 3f
    .pushsection .rodata.user_code_names, "a", @progbits
3:  .asciz "\name"
    .popsection
    .endm
    .irp name, read_sstatus, write_sstatus, read_satp, write_satp, write_stvec, write_sie, read_sscratch, read_scause
    ROW \name
    .endr
    .irp name, write_scounteren, write_senvcfg, read_mstatus, write_mtvec, read_mhartid, write_pmp, sret, mret, sfence
    ROW \name
    .endr
    .irp name, read_cycle, read_instret, write_cycle, no_register, breakpoint, undefined, zeros, floating_point
    ROW \name
    .endr
    .irp name, floating_load, floating_state, vectors, not_canonical
    ROW \name
    .endr
user_code_forbidden_end:
    .globl user_code_forbidden_count
user_code_forbidden_count:
    .quad (user_code_forbidden_end - user_code_forbidden) / 24

    /* User code has no state beyond its registers. */
    .globl user_code_odd
user_code_odd:
    .globl user_code_odd_count
user_code_odd_count:
    .quad 0

    .section .note.GNU-stack, "", @progbits
