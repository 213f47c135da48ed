/*
 * A user thread's registers, as user_state_t holds them. For C and assembly.
 */
#ifndef X86_64_USER_FRAME_H
#define X86_64_USER_FRAME_H

/* What stands in the frame's `vector` after SYSCALL, which has none. */
#define VECTOR_SYSCALL 256

#define USER_FRAME_DS 184
#define USER_FRAME_ES 186
#define USER_FRAME_FS 188
#define USER_FRAME_GS 190

/* Where, in a processor_t, user_entry.S finds its way back; the first three are cpu_t's assembly_scratch. */
#define PROCESSOR_KERNEL_STACK 32  /* user_enter()'s stack pointer */
#define PROCESSOR_USER_FRAME   40  /* the frame of the thread that runs */
#define PROCESSOR_USER_STACK   48  /* the user's stack pointer, for some instructions */
#define PROCESSOR_TRAP_STACK   132 /* the task state's RSP0 */

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

#include "arch/user.h"
#include "processor.h"
#include "trap_frame.h"

typedef struct user_frame {
    trap_frame_t trap;
    uint64_t fault_address;
    uint16_t ds, es, fs, gs;
} user_frame_t;

_Static_assert(sizeof(user_frame_t) <= sizeof(user_state_t), "a state holds a frame");
_Static_assert(_Alignof(user_frame_t) <= _Alignof(user_state_t), "a state holds a frame");
_Static_assert(offsetof(user_frame_t, ds) == USER_FRAME_DS, "assembly relies on it");
_Static_assert(offsetof(user_frame_t, gs) == USER_FRAME_GS, "assembly relies on it");
_Static_assert(offsetof(processor_t, cpu.assembly_scratch) == PROCESSOR_KERNEL_STACK, "assembly relies on it");
_Static_assert(offsetof(processor_t, task_state.privilege_stacks) == PROCESSOR_TRAP_STACK, "assembly relies on it");

/* Goes to user mode, and returns when that is left, with *frame as it was then. Interrupts are masked. */
void user_enter(user_frame_t *frame);

#endif

#endif
