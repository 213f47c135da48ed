/*
 * x86_64: single instructions that the port's own files share: I/O ports, control registers, model-specific registers,
 * CPUID.
 */
#ifndef X86_64_REGISTERS_H
#define X86_64_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

/* Model-specific registers (Intel SDM vol. 4). */
#define MSR_APIC_BASE      0x1b
#define MSR_SYSENTER_CS    0x174
#define MSR_X2APIC_BASE    0x800
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_FMASK          0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define EFER_SYSCALL    (UINT64_C(1) << 0)
#define EFER_NO_EXECUTE (UINT64_C(1) << 11)

/* CR0 and CR4 (Intel SDM vol. 3, 2.5). */
#define CR0_MONITOR_COPROCESSOR (UINT64_C(1) << 1)
#define CR0_EMULATION           (UINT64_C(1) << 2)
#define CR0_TASK_SWITCHED       (UINT64_C(1) << 3)
#define CR0_WRITE_PROTECT       (UINT64_C(1) << 16)
#define CR4_TIME_STAMP_DISABLE  (UINT64_C(1) << 2)
#define CR4_PAE                 (UINT64_C(1) << 5)
#define CR4_MACHINE_CHECK       (UINT64_C(1) << 6)
#define CR4_UMIP                (UINT64_C(1) << 11)
#define CR4_SMEP                (UINT64_C(1) << 20)
#define CR4_SMAP                (UINT64_C(1) << 21)

/* No breakpoint and no access is watched (Intel SDM vol. 3, 17.2.4). */
#define DR7_NOTHING UINT64_C(0x400)

/* CPUID (Intel SDM vol. 2). */
#define CPUID_LEAF_FEATURES     1u
#define CPUID_LEAF_MORE         7u
#define CPUID_LEAF_EXTENDED     0x80000001u
#define CPUID_EDX_MACHINE_CHECK (1u << 7)
#define CPUID_MORE_EBX_SMEP     (1u << 7)
#define CPUID_MORE_EBX_SMAP     (1u << 20)
#define CPUID_MORE_ECX_UMIP     (1u << 2)
#define CPUID_EXTENDED_EDX_NX   (1u << 20)

static inline uint8_t port_read_8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t port_read_32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_write_8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline void port_write_16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

static inline void port_write_32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint64_t msr_read(uint32_t msr)
{
    uint32_t low;
    uint32_t high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return ((uint64_t)high << 32) | low;
}

static inline void msr_write(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

typedef struct cpuid_result {
    uint32_t eax;
    uint32_t ebx;
    uint32_t ecx;
    uint32_t edx;
} cpuid_result_t;

static inline cpuid_result_t cpuid_unchecked(uint32_t leaf, uint32_t subleaf)
{
    cpuid_result_t result;
    __asm__ volatile("cpuid"
                     : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                     : "a"(leaf), "c"(subleaf));
    return result;
}

/* A leaf of CPUID, or zeros when the CPU has no such leaf (it would answer with another one's data). */
static inline cpuid_result_t cpuid_read(uint32_t leaf, uint32_t subleaf)
{
    const uint32_t leaf_max = cpuid_unchecked(leaf & UINT32_C(0x80000000), 0).eax;
    return leaf <= leaf_max ? cpuid_unchecked(leaf, subleaf) : (cpuid_result_t){0};
}

static inline uint64_t cr0_read(void)
{
    uint64_t value;
    __asm__ volatile("movq %%cr0, %0" : "=r"(value));
    return value;
}

static inline void cr0_write(uint64_t value)
{
    __asm__ volatile("movq %0, %%cr0" ::"r"(value) : "memory");
}

static inline uint64_t cr2_read(void)
{
    uint64_t value;
    __asm__ volatile("movq %%cr2, %0" : "=r"(value));
    return value;
}

static inline uint64_t cr3_read(void)
{
    uint64_t value;
    __asm__ volatile("movq %%cr3, %0" : "=r"(value));
    return value;
}

static inline void cr3_write(uint64_t value)
{
    __asm__ volatile("movq %0, %%cr3" ::"r"(value) : "memory");
}

static inline uint64_t cr4_read(void)
{
    uint64_t value;
    __asm__ volatile("movq %%cr4, %0" : "=r"(value));
    return value;
}

static inline void cr4_write(uint64_t value)
{
    __asm__ volatile("movq %0, %%cr4" ::"r"(value) : "memory");
}

static inline void tlb_flush_page(uintptr_t address)
{
    __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory");
}

/* Masks interrupts and stops this CPU for good; an NMI only makes it go round. */
NORETURN static inline void cpu_halt_forever(void)
{
    for (;;) {
        __asm__ volatile("cli\n\thlt" ::: "memory");
    }
}

#endif
