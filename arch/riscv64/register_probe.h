/*
 * Accesses to registers that a CPU may not have; register_probe.S says how one finds out.
 */
#ifndef RISCV64_REGISTER_PROBE_H
#define RISCV64_REGISTER_PROBE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the timer's comparator of the Sstc extension can be used. */
int register_probe_comparator(void);

/* Makes senvcfg 0, if there is one: no cache-block operation for user code, which could undo what the kernel wrote. */
int register_probe_user_environment(void);

extern char register_probe_comparator_access[], register_probe_user_environment_access[];

/* Whether the illegal instruction at this address is one of these accesses. */
static inline bool register_probe_is_at(uintptr_t instruction)
{
    return instruction == (uintptr_t)register_probe_comparator_access ||
           instruction == (uintptr_t)register_probe_user_environment_access;
}

#endif
