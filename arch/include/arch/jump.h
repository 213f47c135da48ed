/*
 * Leaving several calls at once: the C library's setjmp and longjmp, for kernels (C17 7.13).
 *
 * Only the check trap of tests uses it. Saves the callee-saved registers, the stack pointer and the return address.
 */
#ifndef ARCH_JUMP_H
#define ARCH_JUMP_H

#include <stdint.h>

#include "base/compiler.h"

typedef struct jump_buffer {
    uint64_t words[32];
} jump_buffer_t;

/* Returns 0 when it saves, and 1 when jump_restore() comes back through it. */
__attribute__((returns_twice)) int jump_save(jump_buffer_t *buffer);

/* Goes back to where `buffer` was saved; that function has not returned yet. */
NORETURN void jump_restore(jump_buffer_t *buffer);

#endif
