/*
 * What a CPU needs a stack for; arch/shared/stacks.h has the rest.
 */
#ifndef X86_64_STACKS_H
#define X86_64_STACKS_H

#include "arch/shared/stacks.h"

/* All but the thread's are in the task state's interrupt stack table (Intel SDM vol. 3, 6.14.5). */
typedef enum stack_kind {
    STACK_THREAD,
    STACK_INTERRUPT,
    STACK_DOUBLE_FAULT,
    STACK_NMI,
    STACK_MACHINE_CHECK,
    STACK_DEBUG,
    STACK_KIND_COUNT
} stack_kind_t;

#endif
