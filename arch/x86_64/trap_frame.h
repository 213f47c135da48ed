/*
 * What trap_entry.S leaves on the stack: the registers of the interrupted code.
 */
#ifndef X86_64_TRAP_FRAME_H
#define X86_64_TRAP_FRAME_H

#include <stddef.h>
#include <stdint.h>

/*
 * From the lowest address up: pushed by the common code, then by the vector's entry, then by the CPU (Intel SDM vol. 3, figure
 * 6-9).
 */
typedef struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector;
    uint64_t error_code;
    uint64_t rip, cs, rflags, rsp, ss;
} trap_frame_t;

_Static_assert(sizeof(trap_frame_t) == 22 * 8, "trap_entry.S relies on it");
_Static_assert(offsetof(trap_frame_t, vector) == 120, "trap_entry.S relies on it");
_Static_assert(offsetof(trap_frame_t, rip) == 136, "trap_entry.S relies on it");

/* From the entry code, with the frame on the stack: vectors 0 to 31, and the others. */
void exception_dispatch(const trap_frame_t *frame);
void interrupt_dispatch(const trap_frame_t *frame);

#endif
