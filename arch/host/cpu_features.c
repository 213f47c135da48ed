/*
 * What protects the kernel on the host: nothing of the machine's, as there is no user mode.
 */
#include "arch/cpu_features.h"

const cpu_feature_t *cpu_features(size_t *count)
{
    static const cpu_feature_t none;

    *count = 0;
    return &none;
}
