/*
 * What protects the kernel on this machine, as //kern/cpu/features shows it.
 */
#ifndef ARCH_CPU_FEATURES_H
#define ARCH_CPU_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct cpu_feature {
    const char *name; /* as the machine's manual has it, in lower case: "smep", "pan", "sum_clear" */
    bool is_offered;  /* by the boot CPU */
    bool is_on;
    bool is_by_choice; /* costs something, and is on only if asked for; all else that is offered is on */
} cpu_feature_t;

/* The port's list: always the same names in the same order, ended by the count. Any context, after trap_init_cpu(). */
const cpu_feature_t *cpu_features(size_t *count);

#endif
