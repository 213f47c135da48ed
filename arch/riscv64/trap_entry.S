/*
 * Entry and return of exceptions and interrupts (RISC-V Privileged Architecture 1.12, 4.1 and 4.4).
 *
 * In the kernel sscratch holds what tp holds, the CPU's cpu_t; in user mode it alone does. So swapping the two makes tp
 * right wherever the trap came from. Which stack:
 *
 *   interrupts   the interrupt stack; they do not nest, so it is empty
 *   exceptions   the one that was interrupted, if sp is on one of this CPU's and not in the guard below it once the
 *                frame is made; else the overflow stack. Without a look, an overflow would fault here again, and again.
 *
 * The registers are saved as a trap_frame_t, and below it a frame record of the interrupted code, so that backtraces go on
 * through it.
 */
#include "address_map.h"

/* cpu_t's assembly_scratch. */
#define SCRATCH_SP   32
#define SCRATCH_T0   40
#define SCRATCH_T1   48
#define SCRATCH_SLOT 56

#define FRAME_BYTES  288
#define RECORD_BYTES 16
#define FRAME(n)     (RECORD_BYTES + 8 * (n))
#define FRAME_SEPC   FRAME(32)
#define FRAME_STATUS FRAME(33)
#define FRAME_CAUSE  FRAME(34)
#define FRAME_VALUE  FRAME(35)

    .macro EACH_OTHER_REGISTER operation
    .irp n, 1, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    \operation x\n, FRAME(\n)(sp)
    .endr
    .endm

    .text
    .balign 4
    .globl trap_entry
    .type trap_entry, @function
trap_entry:
    csrrw tp, sscratch, tp
    sd sp, SCRATCH_SP(tp)
    sd t0, SCRATCH_T0(tp)
    sd t1, SCRATCH_T1(tp)
    ld t1, SCRATCH_SLOT(tp)
    csrr t0, scause
    bltz t0, 2f

    addi sp, sp, -(FRAME_BYTES + RECORD_BYTES)
    srai t0, sp, STACK_SLOT_SHIFT
    bne t0, t1, 1f
    slli t0, sp, 63 - STACK_GUARD_SHIFT
    bltz t0, 3f

1:  li t0, STACK_OVERFLOW_TOP - (FRAME_BYTES + RECORD_BYTES)
    slli sp, t1, STACK_SLOT_SHIFT
    add sp, sp, t0
    j 3f

2:  li t0, STACK_INTERRUPT_TOP - (FRAME_BYTES + RECORD_BYTES)
    slli sp, t1, STACK_SLOT_SHIFT
    add sp, sp, t0

3:  EACH_OTHER_REGISTER sd
    ld t0, SCRATCH_SP(tp)
    sd t0, FRAME(2)(sp)
    csrrw t0, sscratch, tp
    sd t0, FRAME(4)(sp)
    ld t0, SCRATCH_T0(tp)
    sd t0, FRAME(5)(sp)
    ld t0, SCRATCH_T1(tp)
    sd t0, FRAME(6)(sp)
    csrr t0, scause
    sd t0, FRAME_CAUSE(sp)
    csrr t0, stval
    sd t0, FRAME_VALUE(sp)
    csrr t0, sstatus
    sd t0, FRAME_STATUS(sp)
    csrr t0, sepc
    sd t0, FRAME_SEPC(sp)

    /* The ABI's record: the caller's frame pointer, then the return address; our own points above it. */
    sd s0, 0(sp)
    sd t0, 8(sp)
    addi s0, sp, RECORD_BYTES
    mv a0, s0
    call trap_dispatch

    /* The interrupted code may have been between LR and SC: its reservation must not have become a newer one of ours. */
    sc.d zero, zero, 0(sp)
    ld t0, FRAME_SEPC(sp)
    csrw sepc, t0
    ld t0, FRAME_STATUS(sp)
    csrw sstatus, t0
    EACH_OTHER_REGISTER ld
    ld tp, FRAME(4)(sp)
    ld t0, FRAME(5)(sp)
    ld t1, FRAME(6)(sp)
    ld sp, FRAME(2)(sp)
    sret
    .size trap_entry, . - trap_entry

    .section .note.GNU-stack, "", @progbits
