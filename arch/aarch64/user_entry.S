/*
 * Into user mode and back (Arm ARM, D1.3): unsigned user_enter(trap_frame_t *frame) loads the frame's registers, and
 * returns the kind of vector by which the CPU left user mode, with what it found there in the frame.
 *
 * Called on a thread's stack (SP_EL0), which then holds what the kernel goes on with; cpu_t's scratch knows where. Comes
 * back with everything masked. An interrupt is still pending then: the caller lets it in, as one of the kernel.
 *
 *   thread stack   0   16 to 95    96
 *                  x29 x30  x19 to x28  the frame
 */
#include "trap_frame.h"

#define SAVED_FRAME 96
#define SAVED_BYTES 112

    .text
    .globl user_enter
    .type user_enter, @function
user_enter:
    msr daifset, #15 /* nothing comes between: the registers below serve exceptions of the kernel, too */
    stp x29, x30, [sp, #-SAVED_BYTES]!
    mov x29, sp
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    str x0, [sp, #SAVED_FRAME]
    mov x1, sp
    str x1, [x18, #CPU_USER_STACK]
    msr spsel, #1
    ldp x1, x2, [x0, #FRAME_SP]
    ldr x3, [x0, #FRAME_SPSR]
    ldr x4, [x0, #FRAME_THREAD]
    msr sp_el0, x1
    msr elr_el1, x2
    msr spsr_el1, x3
    msr tpidr_el0, x4
    msr tpidrro_el0, xzr /* trap_entry.S left something of the kernel's there */
    ldp x2, x3, [x0, #16]
    ldp x4, x5, [x0, #32]
    ldp x6, x7, [x0, #48]
    ldp x8, x9, [x0, #64]
    ldp x10, x11, [x0, #80]
    ldp x12, x13, [x0, #96]
    ldp x14, x15, [x0, #112]
    ldp x16, x17, [x0, #128]
    ldp x18, x19, [x0, #144]
    ldp x20, x21, [x0, #160]
    ldp x22, x23, [x0, #176]
    ldp x24, x25, [x0, #192]
    ldp x26, x27, [x0, #208]
    ldp x28, x29, [x0, #224]
    ldr x30, [x0, #FRAME_X30]
    ldp x0, x1, [x0]
    eret
    dsb nsh /* nothing behind is begun on a guess */
    isb
    .size user_enter, . - user_enter

/* From the vectors of user mode: x1 their kind, x0 and x1 on SP_EL1, which was at its top. */
    .globl user_leave
    .type user_leave, @function
user_leave:
    mrs x0, tpidr_el1
    ldr x0, [x0, #CPU_USER_STACK]
    ldr x0, [x0, #SAVED_FRAME]
    stp x2, x3, [x0, #16]
    stp x4, x5, [x0, #32]
    stp x6, x7, [x0, #48]
    stp x8, x9, [x0, #64]
    stp x10, x11, [x0, #80]
    stp x12, x13, [x0, #96]
    stp x14, x15, [x0, #112]
    stp x16, x17, [x0, #128]
    stp x18, x19, [x0, #144]
    stp x20, x21, [x0, #160]
    stp x22, x23, [x0, #176]
    stp x24, x25, [x0, #192]
    stp x26, x27, [x0, #208]
    stp x28, x29, [x0, #224]
    mrs x2, sp_el0
    stp x30, x2, [x0, #FRAME_X30]
    mrs x2, elr_el1
    mrs x3, spsr_el1
    stp x2, x3, [x0, #FRAME_ELR]
    mrs x2, esr_el1
    mrs x3, far_el1
    stp x2, x3, [x0, #FRAME_ESR]
    mrs x2, tpidr_el0
    str x2, [x0, #FRAME_THREAD]
    ldp x2, x3, [sp], #16
    stp x2, x3, [x0]

    mov w0, w1
    mrs x18, tpidr_el1
    ldr x1, [x18, #CPU_USER_STACK]
    msr spsel, #0
    mov sp, x1
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp x29, x30, [sp], #SAVED_BYTES
    ret
    .size user_leave, . - user_leave

    .section .note.GNU-stack, "", @progbits
