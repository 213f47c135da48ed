/*
 * What protects the kernel from user code, as the boot CPU's registers have it. All of it is part of supervisor mode, so that
 * every CPU offers it; being switched on is a matter of bits that are clear.
 */
#include "cpu_features.h"

#include "arch/cpu_features.h"
#include "base/compiler.h"
#include "registers.h"

enum { FEATURE_SUM, FEATURE_MXR, FEATURE_FS, FEATURE_VS, FEATURE_COUNTERS };

static cpu_feature_t features[] = {
    [FEATURE_SUM] = {.name = "sum_clear", .is_offered = true},             /* no access to user pages */
    [FEATURE_MXR] = {.name = "mxr_clear", .is_offered = true},             /* executable is not readable */
    [FEATURE_FS] = {.name = "fs_off", .is_offered = true},                 /* no floating-point registers */
    [FEATURE_VS] = {.name = "vs_off", .is_offered = true},                 /* no vector registers */
    [FEATURE_COUNTERS] = {.name = "scounteren_clear", .is_offered = true}, /* no clocks for user code */
};

void cpu_features_find(void)
{
    const uint64_t status = CSR_READ(sstatus);

    features[FEATURE_SUM].is_on = (status & SSTATUS_SUM) == 0;
    features[FEATURE_MXR].is_on = (status & SSTATUS_MXR) == 0;
    features[FEATURE_FS].is_on = (status & SSTATUS_FS) == 0;
    features[FEATURE_VS].is_on = (status & SSTATUS_VS) == 0;
    features[FEATURE_COUNTERS].is_on = CSR_READ(scounteren) == 0;
}

const cpu_feature_t *cpu_features(size_t *count)
{
    *count = ARRAY_COUNT(features);
    return features;
}
