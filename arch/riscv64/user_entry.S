/*
 * Into user mode and back: user_enter(trap_frame_t *frame) loads the frame's registers, and returns when the CPU has left user
 * mode, with what it found there in the frame (RISC-V Privileged Architecture 1.12, 3.1.6.1 and 4.1).
 *
 * Called with interrupts masked. What the kernel goes on with is on its stack, whose address the CPU's processor_t keeps.
 * Traps from user mode come here, because stvec says so while the CPU is there: so trap_entry.S sees traps of the kernel only.
 * The stack is then empty but for the caller's frames, and no interrupt is lost: it stays pending until the caller lets it in.
 */
#include "processor.h"

#define FRAME(n)     (8 * (n))
#define FRAME_SEPC   FRAME(32)
#define FRAME_STATUS FRAME(33)
#define FRAME_CAUSE  FRAME(34)
#define FRAME_VALUE  FRAME(35)

#define SSTATUS_SPIE          0x20
#define SSTATUS_ALL_USER_OFF  0xc6700 /* SPP; FS, VS; SUM, MXR */

/* cpu_t's assembly_scratch, as in trap_entry.S. */
#define SCRATCH_T0 40

    .macro EACH_SAVED_REGISTER operation
    \operation ra, 0(sp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    \operation s\n, 8 + 8 * \n(sp)
    .endr
    .endm

    /* All but x0, tp (x4), t0 (x5) and a0 (x10), by way of which the others go. */
    .macro EACH_USER_REGISTER operation base
    .irp n, 1, 2, 3, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    \operation x\n, FRAME(\n)(\base)
    .endr
    .endm

    .text
    .globl user_enter
    .type user_enter, @function
user_enter:
    addi sp, sp, -112
    EACH_SAVED_REGISTER sd
    sd sp, PROCESSOR_KERNEL_STACK(tp)
    sd a0, PROCESSOR_USER_FRAME(tp)

    li t0, SSTATUS_ALL_USER_OFF
    csrc sstatus, t0
    li t0, SSTATUS_SPIE
    csrs sstatus, t0
    ld t0, FRAME_SEPC(a0)
    csrw sepc, t0
    lla t0, user_trap
    csrw stvec, t0

    /* A reservation of ours or of another thread's must not make an SC of this one succeed. x0's place is free. */
    sc.d zero, zero, (a0)
    EACH_USER_REGISTER ld, a0
    ld x4, FRAME(4)(a0)
    ld x5, FRAME(5)(a0)
    ld x10, FRAME(10)(a0)
    sret
    .size user_enter, . - user_enter

    /* In user mode sscratch alone knows the CPU's structure. */
    .balign 4
    .type user_trap, @function
user_trap:
    csrrw tp, sscratch, tp
    sd t0, SCRATCH_T0(tp)
    ld t0, PROCESSOR_USER_FRAME(tp)
    EACH_USER_REGISTER sd, t0
    sd x10, FRAME(10)(t0)
    ld t1, SCRATCH_T0(tp)
    sd t1, FRAME(5)(t0)
    csrrw t1, sscratch, tp
    sd t1, FRAME(4)(t0)
    csrr t1, sepc
    sd t1, FRAME_SEPC(t0)
    csrr t1, sstatus
    sd t1, FRAME_STATUS(t0)
    csrr t1, scause
    sd t1, FRAME_CAUSE(t0)
    csrr t1, stval
    sd t1, FRAME_VALUE(t0)

    lla t1, trap_entry
    csrw stvec, t1
    li gp, 0
    ld sp, PROCESSOR_KERNEL_STACK(tp)
    EACH_SAVED_REGISTER ld
    addi sp, sp, 112
    ret
    .size user_trap, . - user_trap

    .section .note.GNU-stack, "", @progbits
