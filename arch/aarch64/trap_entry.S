/*
 * Entry and return of exceptions and interrupts (Arm ARM, D1.3).
 *
 * Threads run on SP_EL0, so an exception from one finds SP_EL1 at the top of the CPU's interrupt stack, whatever state
 * the thread's stack is in. An exception from a handler goes on below that handler's frames; only if the stack has no
 * room for the frame does it begin anew on the emergency stack, whose top cpu_t knows.
 *
 * TPIDRRO_EL0 is free for a moment in here; user_entry.S clears it before user mode can read it.
 */
#include "stacks.h"
#include "trap_frame.h"

/* Every exception sets PSTATE.TCO: it is cleared where memory tags are in use, as the instruction is only there then. */
    .arch_extension memtag
    .macro CHECK_TAGS is_checked
    .if \is_checked
    msr tco, #0
    .endif
    .endm

/* From EL1 on SP_EL0, or from EL0 in AArch32, which nobody enters: x0 the interrupted stack pointer, x1 the vector's number. */
    .macro VECTOR number, is_checked
    .balign 128
    CHECK_TAGS \is_checked
    sub sp, sp, #FRAME_BYTES
    stp x0, x1, [sp]
    mrs x0, sp_el0
    mov x1, #\number
    b trap_common
    .endm

/* From EL0: user_entry.S has the rest. */
    .macro VECTOR_USER kind, is_checked
    .balign 128
    CHECK_TAGS \is_checked
    stp x0, x1, [sp, #-16]!
    mov x1, #\kind
    b user_leave
    .endm

/* From EL1 on SP_EL1. */
    .macro VECTOR_NESTED number, is_checked
    .balign 128
    CHECK_TAGS \is_checked
    sub sp, sp, #FRAME_BYTES
    msr tpidrro_el0, x0
    mov x0, sp
    and x0, x0, #(STACK_SLOT_BYTES - 1)
    sub x0, x0, #STACK_INTERRUPT_OFFSET
    cmp x0, #STACK_INTERRUPT_BYTES
    b.lo 1f
    sub x0, x0, #(STACK_EMERGENCY_OFFSET - STACK_INTERRUPT_OFFSET)
    cmp x0, #STACK_EMERGENCY_BYTES
    b.lo 1f
    mov x0, #\number
    b trap_overflow
1:  mrs x0, tpidrro_el0
    stp x0, x1, [sp]
    add x0, sp, #FRAME_BYTES
    mov x1, #\number
    b trap_common
    .endm

    .macro VECTORS is_checked
    VECTOR 0, \is_checked
    VECTOR 1, \is_checked
    VECTOR 2, \is_checked
    VECTOR 3, \is_checked
    VECTOR_NESTED 4, \is_checked
    VECTOR_NESTED 5, \is_checked
    VECTOR_NESTED 6, \is_checked
    VECTOR_NESTED 7, \is_checked
    VECTOR_USER VECTOR_KIND_SYNCHRONOUS, \is_checked
    VECTOR_USER VECTOR_KIND_IRQ, \is_checked
    VECTOR_USER VECTOR_KIND_FIQ, \is_checked
    VECTOR_USER VECTOR_KIND_SERROR, \is_checked
    VECTOR 12, \is_checked
    VECTOR 13, \is_checked
    VECTOR 14, \is_checked
    VECTOR 15, \is_checked
    .balign 128
    .endm

    .section .text.vectors, "ax", @progbits
    .balign 2048
    .globl trap_vectors
trap_vectors:
    VECTORS 0
    .globl trap_vectors_checked
trap_vectors_checked:
    VECTORS 1

/* x0: the vector's number, its own value in TPIDRRO_EL0. The stack pointer is of no use but to the report. */
    .type trap_overflow, @function
trap_overflow:
    msr sp_el0, x0 /* the thread that was interrupted first is not gone back to */
    mrs x0, tpidr_el1
    str x1, [x0, #CPU_SAVED_X1]
    add x1, sp, #FRAME_BYTES
    str x1, [x0, #CPU_LOST_STACK]
    ldr x1, [x0, #CPU_EMERGENCY_TOP]
    sub sp, x1, #FRAME_BYTES
    ldr x1, [x0, #CPU_SAVED_X1]
    mrs x0, tpidrro_el0
    stp x0, x1, [sp]
    mrs x1, sp_el0
    add x1, x1, #VECTOR_OVERFLOW
    mrs x0, tpidr_el1
    ldr x0, [x0, #CPU_LOST_STACK]
    b trap_common
    .size trap_overflow, . - trap_overflow

    .type trap_common, @function
trap_common:
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x19, [sp, #144]
    stp x20, x21, [sp, #160]
    stp x22, x23, [sp, #176]
    stp x24, x25, [sp, #192]
    stp x26, x27, [sp, #208]
    stp x28, x29, [sp, #224]
    stp x30, x0, [sp, #FRAME_X30]
    mrs x18, tpidr_el1 /* cpu_current() */
    mrs x2, elr_el1
    mrs x3, spsr_el1
    stp x2, x3, [sp, #FRAME_ELR]
    mrs x4, esr_el1
    mrs x5, far_el1
    stp x4, x5, [sp, #FRAME_ESR]
    stp x29, x2, [sp, #FRAME_RECORD]
    add x29, sp, #FRAME_RECORD
    mov x0, sp
    bl trap_dispatch

    ldp x2, x3, [sp, #FRAME_ELR]
    msr elr_el1, x2
    msr spsr_el1, x3
    ldr x30, [sp, #FRAME_X30]
    ldp x28, x29, [sp, #224]
    ldp x26, x27, [sp, #208]
    ldp x24, x25, [sp, #192]
    ldp x22, x23, [sp, #176]
    ldp x20, x21, [sp, #160]
    ldp x18, x19, [sp, #144]
    ldp x16, x17, [sp, #128]
    ldp x14, x15, [sp, #112]
    ldp x12, x13, [sp, #96]
    ldp x10, x11, [sp, #80]
    ldp x8, x9, [sp, #64]
    ldp x6, x7, [sp, #48]
    ldp x4, x5, [sp, #32]
    ldp x2, x3, [sp, #16]
    ldp x0, x1, [sp]
    add sp, sp, #FRAME_BYTES
    eret
    .size trap_common, . - trap_common

    .section .note.GNU-stack, "", @progbits
