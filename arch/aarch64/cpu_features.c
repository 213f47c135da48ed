/*
 * What protects the kernel from user code: switched on for each CPU, and shown (arch/cpu_features.h).
 *
 * User code has its integer registers and TPIDR_EL0, and may write back code that it wrote (DC CVAU, IC IVAU, CTR_EL0).
 * Floating point, clocks, counters, debug registers and waiting for interrupts trap.
 */
#include "arch/cpu_features.h"

#include "arch/memory_tags.h"
#include "base/compiler.h"
#include "control.h"
#include "processor.h"
#include "registers.h"

/* Where identification registers have it, in fields of four bits. */
#define MMFR1_PAN  20
#define MMFR2_E0PD 60
#define DFR0_PMU   8
#define PFR0_AMU   44

#define PMU_IMPLEMENTATION_DEFINED 15

#define CPACR_TRACE UINT64_C(1 << 28) /* trace registers trap; floating point and the like do with zeros */
#define MDSCR_TDCC  UINT64_C(1 << 12) /* the debugger's channel traps */

enum { FEATURE_PXN, FEATURE_UXN, FEATURE_PAN, FEATURE_E0PD, FEATURE_MTE };

static cpu_feature_t features[] = {
    [FEATURE_PXN] = {.name = "pxn", .is_offered = true, .is_on = true}, /* in each entry but the kernel's code */
    [FEATURE_UXN] = {.name = "uxn", .is_offered = true, .is_on = true}, /* in each entry but the user's code */
    [FEATURE_PAN] = {.name = "pan"},
    [FEATURE_E0PD] = {.name = "e0pd"},
    [FEATURE_MTE] = {.name = "mte", .is_by_choice = true},
};

static void note(unsigned feature, bool is_offered)
{
    if (processor_current() == &boot_processor) {
        features[feature].is_offered = is_offered;
        features[feature].is_on = is_offered && !features[feature].is_by_choice;
    }
}

/* What user code might find open, by whatever ran here before. */
static void close_to_user(void)
{
    const unsigned counters = register_field(SYSTEM_REGISTER_READ(id_aa64dfr0_el1), DFR0_PMU);

    SYSTEM_REGISTER_WRITE(cpacr_el1, CPACR_TRACE);
    SYSTEM_REGISTER_WRITE(cntkctl_el1, 0);
    SYSTEM_REGISTER_WRITE(mdscr_el1, MDSCR_TDCC);
    if (counters != 0 && counters != PMU_IMPLEMENTATION_DEFINED) {
        SYSTEM_REGISTER_WRITE(pmuserenr_el0, 0);
    }
    if (register_field(SYSTEM_REGISTER_READ(id_aa64pfr0_el1), PFR0_AMU) != 0) {
        SYSTEM_REGISTER_WRITE(S3_3_C13_C2_3, 0); /* AMUSERENR_EL0 */
    }
}

void processor_protect(void)
{
    const bool has_pan = register_field(SYSTEM_REGISTER_READ(id_aa64mmfr1_el1), MMFR1_PAN) != 0;
    const bool has_e0pd = register_field(SYSTEM_REGISTER_READ(S3_0_C0_C7_2), MMFR2_E0PD) != 0;
    const uint64_t translation = SYSTEM_REGISTER_READ(tcr_el1) & ~(uint64_t)TCR_SIZE_LOW;

    close_to_user();
    SYSTEM_REGISTER_WRITE(sctlr_el1, (SCTLR_ON | SCTLR_USER) & ~(uint64_t)(has_pan ? SCTLR_SPAN : 0));
    SYSTEM_REGISTER_WRITE(tcr_el1, translation | (64 - USER_ADDRESS_BITS) | (has_e0pd ? TCR_E0PD1 : 0));
    instruction_barrier();
    if (has_pan) {
        __asm__ volatile(".arch_extension pan\n\tmsr pan, #1" ::: "memory");
    }
    /* What these registers say may be cached with translations (Arm ARM, D8.13). */
    __asm__ volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" ::: "memory");
    note(FEATURE_PAN, has_pan);
    note(FEATURE_E0PD, has_e0pd);
    note(FEATURE_MTE, memory_tags_are_offered());
    processor_check_tags();
}

void processor_note_tags(void)
{
    features[FEATURE_MTE].is_on = true;
}

const cpu_feature_t *cpu_features(size_t *count)
{
    *count = ARRAY_COUNT(features);
    return features;
}
