/*
 * What trap_entry.S leaves on the stack: the registers of the interrupted code. For C and assembly.
 */
#ifndef AARCH64_TRAP_FRAME_H
#define AARCH64_TRAP_FRAME_H

/* Offsets in trap_frame_t. */
#define FRAME_X30    240
#define FRAME_SP     248
#define FRAME_ELR    256
#define FRAME_SPSR   264
#define FRAME_ESR    272
#define FRAME_RECORD 288
#define FRAME_THREAD 288 /* in a user's, which needs no record */
#define FRAME_BYTES  304

/* Vectors: four kinds from each of four places (Arm ARM, D1.3.1.5). */
#define VECTOR_KIND_SYNCHRONOUS 0
#define VECTOR_KIND_IRQ         1
#define VECTOR_KIND_FIQ         2
#define VECTOR_KIND_SERROR      3
#define VECTOR_FROM_THREAD      0 /* EL1 on SP_EL0 */
#define VECTOR_FROM_HANDLER     4 /* EL1 on SP_EL1 */
#define VECTOR_FROM_USER        8 /* EL0, AArch64 */
#define VECTOR_FROM_USER_32     12
/* Added when the interrupt stack was at its end and the emergency stack is in use. */
#define VECTOR_OVERFLOW 16

/* Where cpu_t's assembly_scratch begins, and what each word is for. */
#define CPU_SCRATCH       32
#define CPU_SAVED_X1      (CPU_SCRATCH + 0)
#define CPU_LOST_STACK    (CPU_SCRATCH + 8)
#define CPU_EMERGENCY_TOP (CPU_SCRATCH + 16)
#define CPU_USER_STACK    (CPU_SCRATCH + 24) /* the kernel's own, while user mode runs (user_entry.S) */

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

#include "arch/trap.h"
#include "base/compiler.h"

typedef struct trap_frame {
    uint64_t x[31];
    uint64_t sp;
    uint64_t elr;
    uint64_t spsr;
    uint64_t esr;
    uint64_t far;
    union {
        uint64_t record[2]; /* frame pointer and elr: a frame record, so that backtraces go on through it */
        uint64_t thread;    /* a user's: TPIDR_EL0 */
    };
} trap_frame_t;

_Static_assert(sizeof(trap_frame_t) == FRAME_BYTES && FRAME_BYTES % 16 == 0, "trap_entry.S relies on it");
_Static_assert(offsetof(trap_frame_t, x[30]) == FRAME_X30, "trap_entry.S relies on it");
_Static_assert(offsetof(trap_frame_t, sp) == FRAME_SP, "user_entry.S relies on it");
_Static_assert(offsetof(trap_frame_t, elr) == FRAME_ELR, "trap_entry.S relies on it");
_Static_assert(offsetof(trap_frame_t, spsr) == FRAME_SPSR, "user_entry.S relies on it");
_Static_assert(offsetof(trap_frame_t, thread) == FRAME_THREAD, "user_entry.S relies on it");
_Static_assert(offsetof(trap_frame_t, esr) == FRAME_ESR, "trap_entry.S relies on it");
_Static_assert(offsetof(trap_frame_t, record) == FRAME_RECORD, "trap_entry.S relies on it");

extern const char trap_vectors[];
extern const char trap_vectors_checked[]; /* where memory tags are checked, in exceptions as well */

/* From the entry code, with the frame on the stack. */
void trap_dispatch(trap_frame_t *frame, unsigned vector);

/* What the frame of an exception by this vector tells. Its registers point into the frame. */
trap_report_t trap_report_of(const trap_frame_t *frame, unsigned vector);

/* Whether it is a system call. */
bool trap_is_user_call(const trap_frame_t *frame);

/* user_entry.S: runs user code with the frame's registers; returns a VECTOR_KIND_. Everything is masked then. */
unsigned user_enter(trap_frame_t *frame);

#endif

#endif
