/*
 * User code of user_mode_aarch64_properties.c. Each piece is copied to a page of its own and runs from its start.
 */
    .section .rodata.user_code, "a", %progbits
    .balign 8

/* Instructions that are not the user's, one each. */
    .globl user_code_forbidden
user_code_forbidden:
    msr daifset, #15
    msr daifclr, #2
    msr daif, x0
    mrs x0, daif
    msr spsel, #1
    mrs x0, currentel
    eret
    hvc #0
    smc #0
    hlt #0xf000 /* semihosting: it would end the machine */
    wfi
    mrs x0, sctlr_el1
    msr sctlr_el1, x0
    msr tcr_el1, x0
    mrs x0, ttbr0_el1
    msr ttbr0_el1, x0
    msr ttbr1_el1, x0
    msr mair_el1, x0
    msr vbar_el1, x0
    msr cpacr_el1, x0
    mrs x0, tpidr_el1
    msr tpidr_el1, x0
    msr tpidrro_el0, x0
    msr sp_el0, x0
    mrs x0, elr_el1
    mrs x0, spsr_el1
    mrs x0, esr_el1
    mrs x0, mpidr_el1
    tlbi vmalle1
    tlbi vmalle1is
    tlbi aside1is, x0
    tlbi vae1is, x0
    ic iallu
    ic ialluis
    dc ivac, x0
    dc isw, x0
    dc cisw, x0
    dc zva, x0
    at s1e0r, x0
    at s1e1w, x0
    mrs x0, par_el1
    mrs x0, cntvct_el0 /* clocks, timers, counters */
    mrs x0, cntpct_el0
    mrs x0, cntfrq_el0
    mrs x0, cntv_ctl_el0
    msr cntv_ctl_el0, x0
    msr cntv_cval_el0, x0
    msr cntp_ctl_el0, x0
    msr cntkctl_el1, x0
    mrs x0, pmccntr_el0
    mrs x0, pmcr_el0
    msr pmcr_el0, x0
    msr pmuserenr_el0, x0
    mrs x0, pmevcntr0_el0
    mrs x0, mdscr_el1 /* debugging; not MDCCSR_EL0, which QEMU lets through and has no debugger behind */
    msr mdscr_el1, x0
    mrs x0, dbgdtrrx_el0
    msr dbgdtr_el0, x0
    msr dbgbcr0_el1, x0
    msr dbgbvr0_el1, x0
    msr oslar_el1, x0
    drps
    mrs x0, s3_0_c12_c12_0 /* the interrupt controller */
    msr s3_0_c12_c11_5, x0
    msr s3_0_c4_c6_0, x0
    .inst 0xd500419f /* msr pan, #1 */
    .arch_extension fp
    fmov d0, xzr /* floating point and vectors */
    mrs x0, fpcr
    msr fpsr, x0
    .arch_extension simd
    movi v0.16b, #255
    ldr q0, [sp]
    .inst 0x04e0e3e0 /* cntd x0 */
    .inst 0xd503437f /* smstart sm */
    .globl user_code_forbidden_end
user_code_forbidden_end:

/* A call at once, with whatever the registers had. */
    .globl user_code_call
user_code_call:
    svc #0
    b user_code_call

/* Two registers that only the system can clear, into x9 and x10; then its own is set to x0. */
    .globl user_code_thread
user_code_thread:
    mrs x9, tpidr_el0
    mrs x10, tpidrro_el0
    msr tpidr_el0, x0
    svc #0
    b user_code_thread

/* Reads where x0 points, writes there, goes there. */
    .globl user_code_read
user_code_read:
    ldr x1, [x0]
    svc #0
    .globl user_code_write
user_code_write:
    str x1, [x0]
    svc #0
    .globl user_code_go
user_code_go:
    br x0

/* Until it is interrupted. */
    .globl user_code_spin
user_code_spin:
    add x0, x0, #1
    b user_code_spin

/* Writes the instruction in x1 over the one at x0, makes it code, and runs it: a call. x2 shows that it ran. */
    .globl user_code_write_code
user_code_write_code:
    str w1, [x0]
    dc cvau, x0
    dsb ish
    ic ivau, x0
    dsb ish
    isb
    mov x2, #0
    blr x0
    svc #0
    .globl user_code_end
user_code_end:

    .section .note.GNU-stack, "", %progbits
