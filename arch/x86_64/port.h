/*
 * x86_64: the operations of arch/inline.h, in the few instructions that they take.
 *
 * Relies on GS base pointing at the calling CPU's cpu_t whenever kernel code runs (trap_entry.S sees to it).
 */
#ifndef X86_64_PORT_H
#define X86_64_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address_map.h"
#include "arch/cpu_local.h"
#include "arch/shared/direct_map.h"
#include "base/compiler.h"
#include "base/units.h"

/* RFLAGS as interrupts_save() found it. */
typedef uint64_t interrupt_state_t;

#define PORT_RFLAGS_INTERRUPT_ENABLE (UINT64_C(1) << 9)

/* Where the two words of a frame's record are from what its frame pointer names: there (SysV ABI, 3.2.2). */
#define PORT_FRAME_RECORD_OFFSET 0

/*
 * Loads relative to GS are ordinary loads to the compiler: it may keep what it read until the next call. That is sound,
 * because a thread stays on its CPU between two calls, and an interrupt puts back what it swapped.
 */
static ALWAYS_INLINE cpu_t *cpu_current(void)
{
    return *(cpu_t * __seg_gs *)offsetof(cpu_t, self);
}

static ALWAYS_INLINE struct allocation_context *allocation_context_current(void)
{
    return *(struct allocation_context * __seg_gs *)offsetof(cpu_t, allocation_context);
}

static ALWAYS_INLINE void cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

static ALWAYS_INLINE interrupt_state_t interrupts_save(void)
{
    interrupt_state_t state;
    __asm__ volatile("pushfq\n\tpopq %0\n\tcli" : "=r"(state)::"memory");
    return state;
}

/*
 * Only the interrupt flag matters; POPF would cost more than the branch (and would restore the arithmetic flags as
 * well).
 */
static ALWAYS_INLINE void interrupts_restore(interrupt_state_t state)
{
    if ((state & PORT_RFLAGS_INTERRUPT_ENABLE) != 0) {
        __asm__ volatile("sti" ::: "memory");
    } else {
        __asm__ volatile("cli" ::: "memory");
    }
}

static ALWAYS_INLINE void interrupts_enable(void)
{
    __asm__ volatile("sti" ::: "memory");
}

static ALWAYS_INLINE bool interrupts_are_enabled(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags));
    return (flags & PORT_RFLAGS_INTERRUPT_ENABLE) != 0;
}

/*
 * Not ordered with the instructions around it (Intel SDM vol. 2, RDTSC): good for costs of many operations, not of
 * one.
 */
static ALWAYS_INLINE uint64_t cycle_counter(void)
{
    uint32_t low;
    uint32_t high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return ((uint64_t)high << 32) | low;
}

_Static_assert((int64_t)ADDRESS_DIRECT_MAP >> ADDRESS_DIRECT_MAP_SHIFT == -2, "arch/shared/direct_map.h relies on it");
_Static_assert(((int64_t)ADDRESS_DIRECT_MAP >> PAGE_SHIFT) * 8 == (int64_t)ADDRESS_PAGE_WORDS,
               "the shift leads from the map's base to the window's");

#endif
