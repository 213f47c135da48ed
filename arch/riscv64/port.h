/*
 * riscv64: the operations of arch/inline.h, in the few instructions that they take.
 *
 * Relies on tp pointing at the calling CPU's cpu_t whenever kernel code runs (trap_entry.S sees to it).
 */
#ifndef RISCV64_PORT_H
#define RISCV64_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/cpu_local.h"
#include "base/compiler.h"

/*
 * Where the direct map is: in a paging mode with addresses of b bits it starts at -2^(b-1) and has 2^(b-2) bytes. Set once at
 * boot (page_table.c).
 */
typedef struct port_direct_map {
    uintptr_t base;
    uint32_t shift;
} port_direct_map_t;

extern port_direct_map_t port_direct_map;

#define ADDRESS_DIRECT_MAP       port_direct_map.base
#define ADDRESS_DIRECT_MAP_SHIFT port_direct_map.shift

#include "arch/shared/direct_map.h"

/* SSTATUS_SIE as interrupts_save() found it. */
typedef uint64_t interrupt_state_t;

#define PORT_SSTATUS_SIE 2u

/* Where the two words of a frame's record are from what its frame pointer names: below (psABI, "Frame Pointer Convention"). */
#define PORT_FRAME_RECORD_OFFSET (-16)

/*
 * The compiler knows tp as a variable, which nothing assigns: what it reads through it, it may keep until the next call.
 * That is sound, because a thread stays on its CPU between two calls, and an interrupt puts back what it swapped.
 */
register cpu_t *port_cpu __asm__("tp");

static ALWAYS_INLINE cpu_t *cpu_current(void)
{
    return port_cpu;
}

static ALWAYS_INLINE struct allocation_context *allocation_context_current(void)
{
    return port_cpu->allocation_context;
}

/* Zihintpause's PAUSE, a FENCE that does nothing elsewhere (RISC-V Unprivileged ISA, chapter "Zihintpause"). */
static ALWAYS_INLINE void cpu_relax(void)
{
    __asm__ volatile(".insn i 0x0f, 0, x0, x0, 0x010" ::: "memory");
}

static ALWAYS_INLINE interrupt_state_t interrupts_save(void)
{
    interrupt_state_t state;
    __asm__ volatile("csrrci %0, sstatus, %1" : "=r"(state) : "i"(PORT_SSTATUS_SIE) : "memory");
    return state & PORT_SSTATUS_SIE;
}

static ALWAYS_INLINE void interrupts_restore(interrupt_state_t state)
{
    if (state != 0) {
        __asm__ volatile("csrsi sstatus, %0" ::"i"(PORT_SSTATUS_SIE) : "memory");
    } else {
        __asm__ volatile("csrci sstatus, %0" ::"i"(PORT_SSTATUS_SIE) : "memory");
    }
}

static ALWAYS_INLINE void interrupts_enable(void)
{
    __asm__ volatile("csrsi sstatus, %0" ::"i"(PORT_SSTATUS_SIE) : "memory");
}

static ALWAYS_INLINE bool interrupts_are_enabled(void)
{
    uint64_t status;
    __asm__ volatile("csrr %0, sstatus" : "=r"(status));
    return (status & PORT_SSTATUS_SIE) != 0;
}

/*
 * The cycle counter, which firmware opens to us (SBI firmware sets mcounteren). QEMU under -icount counts instructions with
 * it, exactly; `time` would count every hundredth.
 */
static ALWAYS_INLINE uint64_t cycle_counter(void)
{
    uint64_t cycles;
    __asm__ volatile("rdcycle %0" : "=r"(cycles));
    return cycles;
}

#endif
