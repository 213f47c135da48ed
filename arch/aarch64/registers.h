/*
 * aarch64: single instructions that the port's own files share: system registers, barriers, cache and TLB maintenance,
 * device registers.
 */
#ifndef AARCH64_REGISTERS_H
#define AARCH64_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* `name` is a register as the assembler spells it, S3_0_C12_C12_0 and the like included. */
#define SYSTEM_REGISTER_READ(name)                                                   \
    ({                                                                               \
        uint64_t system_register_value_;                                             \
        __asm__ volatile("mrs %0, " #name : "=r"(system_register_value_)::"memory"); \
        system_register_value_;                                                      \
    })

#define SYSTEM_REGISTER_WRITE(name, value) __asm__ volatile("msr " #name ", %0" ::"r"((uint64_t)(value)) : "memory")

/* A field of an identification register. */
static inline unsigned register_field(uint64_t value, unsigned shift)
{
    return (unsigned)(value >> shift) & 15;
}

static inline void instruction_barrier(void)
{
    __asm__ volatile("isb" ::: "memory");
}

/* Everything before is complete, for all observers, before anything after begins. */
static inline void data_barrier(void)
{
    __asm__ volatile("dsb sy" ::: "memory");
}

/*
 * Device registers: one plain load or store each. Written out, since the compiler's own choice may be one with writeback,
 * which hypervisors can't emulate (Arm ARM, D17.2.37, ISV).
 */
static inline uint32_t device_read_32(volatile void *base, size_t offset)
{
    uint32_t value;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"((uintptr_t)base + offset) : "memory");
    return value;
}

static inline void device_write_32(volatile void *base, size_t offset, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" ::"r"(value), "r"((uintptr_t)base + offset) : "memory");
}

static inline void device_write_8(volatile void *base, size_t offset, uint8_t value)
{
    __asm__ volatile("strb %w0, [%1]" ::"r"((uint32_t)value), "r"((uintptr_t)base + offset) : "memory");
}

static inline uint64_t device_read_64(volatile void *base, size_t offset)
{
    uint64_t value;
    __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"((uintptr_t)base + offset) : "memory");
    return value;
}

static inline void device_write_64(volatile void *base, size_t offset, uint64_t value)
{
    __asm__ volatile("str %0, [%1]" ::"r"(value), "r"((uintptr_t)base + offset) : "memory");
}

/* Writes [start, start + size) back to where a CPU with its caches off reads it (Arm ARM, D7.5, point of coherency). */
static inline void cache_clean(const void *start, size_t size)
{
    const uintptr_t line = (uintptr_t)4 << register_field(SYSTEM_REGISTER_READ(ctr_el0), 16);
    const uintptr_t end = (uintptr_t)start + size;

    for (uintptr_t at = (uintptr_t)start & ~(line - 1); at < end; at += line) {
        __asm__ volatile("dc cvac, %0" ::"r"(at) : "memory");
    }
    data_barrier();
}

/* Masks everything and stops this CPU for good. */
NORETURN static inline void cpu_halt_forever(void)
{
    for (;;) {
        __asm__ volatile("msr daifset, #15\n\twfi" ::: "memory");
    }
}

#endif
