/*
 * aarch64: the operations of arch/inline.h, in the few instructions that they take.
 *
 * Relies on X18 pointing at the calling CPU's cpu_t whenever kernel code runs: the build keeps compilers off it
 * (-ffixed-x18), and trap_entry.S loads it from TPIDR_EL1.
 */
#ifndef AARCH64_PORT_H
#define AARCH64_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address_map.h"
#include "arch/cpu_local.h"
#include "arch/shared/direct_map.h"
#include "base/compiler.h"
#include "base/units.h"

/* DAIF as interrupts_save() found it. */
typedef uint64_t interrupt_state_t;

#define PORT_DAIF_INTERRUPT (UINT64_C(1) << 7)

/* Where the two words of a frame's record are from what its frame pointer names: there (AAPCS64, 6.4.6). */
#define PORT_FRAME_RECORD_OFFSET 0

/* A general register and not TPIDR_EL1 itself, so that a field of cpu_t is one load away and not two instructions. */
register cpu_t *port_cpu __asm__("x18");

static ALWAYS_INLINE cpu_t *cpu_current(void)
{
    return port_cpu;
}

/* An ordinary load: an interrupt puts back what it swapped. */
static ALWAYS_INLINE struct allocation_context *allocation_context_current(void)
{
    return cpu_current()->allocation_context;
}

static ALWAYS_INLINE void cpu_relax(void)
{
    __asm__ volatile("yield" ::: "memory");
}

/* Masks IRQ alone: FIQ is what stops a CPU that spins with interrupts masked, where the machine lets us have it. */
static ALWAYS_INLINE interrupt_state_t interrupts_save(void)
{
    interrupt_state_t state;
    __asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(state)::"memory");
    return state;
}

static ALWAYS_INLINE void interrupts_restore(interrupt_state_t state)
{
    __asm__ volatile("msr daif, %0" ::"r"(state) : "memory");
}

static ALWAYS_INLINE void interrupts_enable(void)
{
    __asm__ volatile("msr daifclr, #2" ::: "memory");
}

static ALWAYS_INLINE bool interrupts_are_enabled(void)
{
    uint64_t state;
    __asm__ volatile("mrs %0, daif" : "=r"(state));
    return (state & PORT_DAIF_INTERRUPT) == 0;
}

/*
 * The virtual counter of the generic timer, at a frequency of some MHz: good for costs of many operations, not of one.
 * The barrier keeps the CPU from reading ahead of time (Arm ARM, D11.2.2).
 */
static ALWAYS_INLINE uint64_t cycle_counter(void)
{
    uint64_t count;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(count)::"memory");
    return count;
}

_Static_assert((int64_t)ADDRESS_DIRECT_MAP >> ADDRESS_DIRECT_MAP_SHIFT == -2, "arch/shared/direct_map.h relies on it");
_Static_assert(((int64_t)ADDRESS_DIRECT_MAP >> PAGE_SHIFT) * 8 == (int64_t)ADDRESS_PAGE_WORDS,
               "the shift leads from the map's base to the window's");

#endif
