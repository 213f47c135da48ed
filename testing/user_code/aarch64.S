/*
 * Programs for user mode on aarch64; user_code.h says what each does.
 *
 * System calls: X8 is the number, X0 to X5 are arguments, and X0 is the result; nothing is lost.
 */
#include "testing/user_code/user_code.h"

    .section .rodata.user_code, "a", @progbits
    .balign 16
    .globl user_code_start
user_code_start:

    .globl user_code_load
    .globl user_code_load_access
user_code_load:
user_code_load_access:
    ldrb w1, [x0]
    mov x8, #USER_CODE_DONE
    svc #0
    udf #0

    .globl user_code_store
    .globl user_code_store_access
user_code_store:
    mov w1, #USER_CODE_STORED
user_code_store_access:
    strb w1, [x0]
    mov x8, #USER_CODE_DONE
    svc #0
    udf #0

    .globl user_code_execute
user_code_execute:
    mov x8, #USER_CODE_DONE
    br x0

    .globl user_code_landing
user_code_landing:
    svc #0
    udf #0
    .globl user_code_landing_end
user_code_landing_end:

    .globl user_code_spin
user_code_spin:
    b .

    .globl user_code_calls
user_code_calls:
    mov x8, #USER_CODE_DONE
    svc #0
    b user_code_calls

    .globl user_code_arguments
user_code_arguments:
    mov x8, x0
    add x0, x8, #1
    add x1, x8, #2
    add x2, x8, #3
    add x3, x8, #4
    add x4, x8, #5
    add x5, x8, #6
    svc #0
    mov x8, #USER_CODE_DONE
    svc #0
    udf #0

    /* Every register but the base X0, the count X29 and SP. */
    .macro EACH_REGISTER operation
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 30
    \operation x\n, \n
    .endr
    .endm

    .macro FILL register, n
    add \register, x0, #\n
    .endm

    /* Holds the register against X0 + `n` and leaves it as it was. */
    .macro EXPECT register, n
    sub \register, \register, #\n
    cmp \register, x0
    b.ne 9f
    add \register, \register, #\n
    .endm

    .globl user_code_registers
user_code_registers:
    EACH_REGISTER FILL
    FILL sp, 31
1:  FILL x8, 8
    mov x29, #500
2:  EACH_REGISTER EXPECT
    EXPECT sp, 31
    subs x29, x29, #1
    b.ne 2b
    mov x8, #USER_CODE_ROUND
    svc #0
    b 1b
9:  mov x8, #USER_CODE_WRONG
    svc #0
    udf #0

    /* The row of a forbidden program. */
    .macro ROW name
    .pushsection .rodata.user_code_tables, "a", @progbits
    .quad forbidden_\name, culprit_\name, 3f
    .popsection
    .pushsection .rodata.user_code_names, "a", @progbits
3:  .asciz "\name"
    .popsection
    .endm

    /* A forbidden program without preparation. */
    .macro FORBIDDEN name, instruction:vararg
forbidden_\name:
culprit_\name:
    \instruction
    udf #0
    ROW \name
    .endm

    .pushsection .rodata.user_code_tables, "a", @progbits
    .balign 8
    .globl user_code_forbidden
user_code_forbidden:
    .popsection

    FORBIDDEN read_sctlr, mrs x0, sctlr_el1
    FORBIDDEN write_sctlr, msr sctlr_el1, x0
    FORBIDDEN write_tcr, msr tcr_el1, x0
    FORBIDDEN write_mair, msr mair_el1, x0
    FORBIDDEN read_ttbr0, mrs x0, ttbr0_el1
    FORBIDDEN write_ttbr0, msr ttbr0_el1, x0
    FORBIDDEN write_ttbr1, msr ttbr1_el1, x0
    FORBIDDEN write_vbar, msr vbar_el1, x0
    FORBIDDEN write_cpacr, msr cpacr_el1, x0
    FORBIDDEN read_esr, mrs x0, esr_el1
    FORBIDDEN read_far, mrs x0, far_el1
    FORBIDDEN read_elr, mrs x0, elr_el1
    FORBIDDEN write_elr, msr elr_el1, x0
    FORBIDDEN write_spsr, msr spsr_el1, x0
    FORBIDDEN write_sp_el0, msr sp_el0, x0
    FORBIDDEN read_tpidr_el1, mrs x0, tpidr_el1
    FORBIDDEN write_tpidr_el1, msr tpidr_el1, x0
    FORBIDDEN write_tpidrro, msr tpidrro_el0, x0
    FORBIDDEN read_current_el, mrs x0, currentel
    FORBIDDEN select_stack, msr spsel, #1
    FORBIDDEN access_user, .inst 0xd500409f /* msr pan, #0 */
    FORBIDDEN mask, msr daifset, #2
    FORBIDDEN unmask, msr daifclr, #2
    FORBIDDEN read_mask, mrs x0, daif
    FORBIDDEN write_mask, msr daif, x0
    FORBIDDEN read_mpidr, mrs x0, mpidr_el1
    FORBIDDEN write_timer, msr cntkctl_el1, x0
    FORBIDDEN read_virtual_counter, mrs x0, cntvct_el0
    FORBIDDEN read_physical_counter, mrs x0, cntpct_el0
    FORBIDDEN read_frequency, mrs x0, cntfrq_el0
    FORBIDDEN virtual_timer, msr cntv_ctl_el0, x0
    FORBIDDEN virtual_timer_value, msr cntv_cval_el0, x0
    FORBIDDEN physical_timer, msr cntp_ctl_el0, x0
    FORBIDDEN read_cycles, mrs x0, pmccntr_el0
    FORBIDDEN read_events, mrs x0, pmevcntr0_el0
    FORBIDDEN read_monitors, mrs x0, pmcr_el0
    FORBIDDEN write_monitors, msr pmcr_el0, x0
    FORBIDDEN open_monitors, msr pmuserenr_el0, x0
    FORBIDDEN read_debug, mrs x0, mdscr_el1 /* not MDCCSR_EL0, which QEMU lets through, with no debugger behind */
    FORBIDDEN write_debug, msr mdscr_el1, x0
    FORBIDDEN debug_channel, msr dbgdtr_el0, x0
    FORBIDDEN set_breakpoint, msr dbgbcr0_el1, x0
    FORBIDDEN set_watchpoint, msr dbgwcr0_el1, x0
    FORBIDDEN lock_debug, msr oslar_el1, x0
    FORBIDDEN leave_debug, drps
    FORBIDDEN take_interrupt, mrs x0, s3_0_c12_c12_0 /* ICC_IAR1_EL1 */
    FORBIDDEN send_interrupt, msr s3_0_c12_c11_5, x0 /* ICC_SGI1R_EL1 */
    FORBIDDEN flush_translations, tlbi vmalle1
    FORBIDDEN flush_everywhere, tlbi vmalle1is
    FORBIDDEN flush_number, tlbi aside1is, x0
    FORBIDDEN invalidate_code, ic iallu
    FORBIDDEN invalidate_data, dc ivac, x0
    FORBIDDEN clean_by_set, dc csw, x0
    FORBIDDEN zero_block, dc zva, x0
    FORBIDDEN translate, at s1e1r, x0
    FORBIDDEN translate_own, at s1e0r, x0
    FORBIDDEN wait_for_interrupt, wfi
    FORBIDDEN eret, eret
    FORBIDDEN hypervisor, hvc #0
    FORBIDDEN secure_monitor, smc #0
    FORBIDDEN breakpoint, brk #0
    FORBIDDEN halt, hlt #0
    FORBIDDEN semihosting, hlt #0xf000 /* it would end the machine */
    FORBIDDEN undefined, udf #0
    FORBIDDEN floating_point, .inst 0x9e6703e0 /* fmov d0, xzr */
    FORBIDDEN floating_state, mrs x0, s3_3_c4_c4_0 /* FPCR */
    FORBIDDEN vectors, .inst 0x4e208400          /* add v0.16b, v0.16b, v0.16b */
    FORBIDDEN load_vector, .inst 0x3dc003e0      /* ldr q0, [sp] */
    FORBIDDEN scalable_vectors, .inst 0x04a00000 /* add z0.s, z0.s, z0.s */
    FORBIDDEN matrices, .inst 0xd503437f         /* smstart sm */

forbidden_not_canonical:
    mov x1, #0x4000000000000000
culprit_not_canonical:
    strb w0, [x1]
    udf #0
    ROW not_canonical

    /* ---- odd: then a call, and a wait for an interrupt ---- */

odd_flags:
    mov x1, #0xf0000000
    msr nzcv, x1
    mov x8, #USER_CODE_DONE
    svc #0
    mrs x2, nzcv
    mov x1, #0xf0000000
    cmp x1, x2
    b.ne 2f
1:  b 1b
2:  udf #0

    /* The register that says where thread-local storage is: user code's own, and the kernel's for nothing. */
odd_thread_pointer:
    mov x1, #-1
    msr tpidr_el0, x1
    mov x8, #USER_CODE_DONE
    svc #0
1:  b 1b

    /* An open reservation. */
odd_reservation:
    sub x1, sp, #64
    ldaxr x2, [x1]
    mov x8, #USER_CODE_DONE
    svc #0
    ldaxr x2, [x1]
1:  b 1b

    .globl user_code_end
user_code_end:

    .section .rodata.user_code_tables, "a", @progbits
user_code_forbidden_end:
    .globl user_code_forbidden_count
user_code_forbidden_count:
    .quad (user_code_forbidden_end - user_code_forbidden) / 24

    .globl user_code_odd
user_code_odd:
    .quad odd_flags, odd_thread_pointer, odd_reservation
user_code_odd_end:
    .globl user_code_odd_count
user_code_odd_count:
    .quad (user_code_odd_end - user_code_odd) / 8

    .section .note.GNU-stack, "", @progbits
