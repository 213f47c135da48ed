/*
 * What protects the kernel from user code, as CPUID offers it and as the control registers have it.
 */
#include "arch/cpu_features.h"

#include "base/compiler.h"
#include "processor.h"
#include "registers.h"

enum { FEATURE_NX, FEATURE_SMEP, FEATURE_SMAP, FEATURE_UMIP, FEATURE_COUNT };

static cpu_feature_t features[FEATURE_COUNT] = {
    [FEATURE_NX] = {.name = "nx"},
    [FEATURE_SMEP] = {.name = "smep"},
    [FEATURE_SMAP] = {.name = "smap"},
    [FEATURE_UMIP] = {.name = "umip"},
};

static void note(unsigned feature, bool is_offered, bool is_on)
{
    features[feature].is_offered = is_offered;
    features[feature].is_on = is_on;
}

void cpu_features_find(void)
{
    const cpuid_result_t more = cpuid_read(CPUID_LEAF_MORE, 0);
    const uint64_t control = cr4_read();

    note(FEATURE_NX, (cpuid_read(CPUID_LEAF_EXTENDED, 0).edx & CPUID_EXTENDED_EDX_NX) != 0,
         (msr_read(MSR_EFER) & EFER_NO_EXECUTE) != 0);
    note(FEATURE_SMEP, (more.ebx & CPUID_MORE_EBX_SMEP) != 0, (control & CR4_SMEP) != 0);
    note(FEATURE_SMAP, (more.ebx & CPUID_MORE_EBX_SMAP) != 0, (control & CR4_SMAP) != 0);
    note(FEATURE_UMIP, (more.ecx & CPUID_MORE_ECX_UMIP) != 0, (control & CR4_UMIP) != 0);
}

const cpu_feature_t *cpu_features(size_t *count)
{
    *count = ARRAY_COUNT(features);
    return features;
}
