/*
 * What a CPU needs a stack for; arch/shared/stacks.h has the rest.
 */
#ifndef RISCV64_STACKS_H
#define RISCV64_STACKS_H

#include "arch/shared/stacks.h"

/* By lane (address_map.h). Exceptions stay on the stack that they interrupt, if it has room for them. */
typedef enum stack_kind {
    STACK_THREAD,
    STACK_INTERRUPT,
    STACK_OVERFLOW, /* for exceptions on a stack that is full */
    STACK_KIND_COUNT
} stack_kind_t;

#endif
