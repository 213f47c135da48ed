/*
 * Where the other CPUs start: supervisor mode, no paging, a0 the hart's number, a1 the physical address of an smp_start_t
 * (SBI 2.0, 9.1). Paging goes on as in boot/entry.S.
 */
#include "smp.h"

#define SSTATUS_ALL_WE_CLEAR 0xc6602 /* SIE; FS, VS; SUM, MXR */

    .option norvc
    .text
    .balign 4
    .globl smp_entry
    .type smp_entry, @function
smp_entry:
    csrw sie, zero
    li t0, SSTATUS_ALL_WE_CLEAR
    csrc sstatus, t0
#ifdef __riscv_zbb
    /* Not all CPUs of a machine need have it. */
    lla t0, smp_silent
    csrw stvec, t0
    ctz t0, t0
#endif
    ld a0, SMP_START_SATP(a1)
    ld tp, SMP_START_PROCESSOR(a1)
    ld sp, SMP_START_STACK(a1)
    lla t0, smp_paged_address
    ld a1, (t0)
    call paging_on

    /* Came back: this CPU does not know the boot CPU's paging mode. smp.c will report that it stays silent. */
    .balign 4
smp_silent:
    csrw sie, zero
    wfi
    j smp_silent

    .balign 4
smp_paged:
    li s0, 0 /* the outermost frame */
    li ra, 0
    mv a0, tp
    tail smp_secondary_start
    .size smp_entry, . - smp_entry

    .section .rodata
    .balign 8
smp_paged_address:
    .dword smp_paged

    .section .note.GNU-stack, "", @progbits
