/*
 * Control and status registers of supervisor mode (RISC-V Privileged Architecture 1.12, chapter 4), and fences.
 */
#ifndef RISCV64_REGISTERS_H
#define RISCV64_REGISTERS_H

#include <stdint.h>

#include "base/compiler.h"

/* By name, as the assembler knows them; a number names one that it does not know. */
#define CSR_READ(name)                                                    \
    ({                                                                    \
        uint64_t csr_value_;                                              \
        __asm__ volatile("csrr %0, " #name : "=r"(csr_value_)::"memory"); \
        csr_value_;                                                       \
    })
#define CSR_WRITE(name, value) __asm__ volatile("csrw " #name ", %0" ::"rK"((uint64_t)(value)) : "memory")
#define CSR_SET(name, bits)    __asm__ volatile("csrs " #name ", %0" ::"rK"((uint64_t)(bits)) : "memory")
#define CSR_CLEAR(name, bits)  __asm__ volatile("csrc " #name ", %0" ::"rK"((uint64_t)(bits)) : "memory")

#define SSTATUS_SIE (UINT64_C(1) << 1)  /* interrupts enabled */
#define SSTATUS_SPP (UINT64_C(1) << 8)  /* a trap came from supervisor mode */
#define SSTATUS_FS  (UINT64_C(3) << 13) /* floating point: off, or in some state */
#define SSTATUS_VS  (UINT64_C(3) << 9)  /* vectors, likewise */
#define SSTATUS_SUM (UINT64_C(1) << 18) /* supervisor may access user pages */
#define SSTATUS_MXR (UINT64_C(1) << 19) /* what is executable is readable */

/* sie and sip. */
#define INTERRUPT_SOFTWARE 1
#define INTERRUPT_TIMER    5
#define INTERRUPT_EXTERNAL 9
#define INTERRUPT_BIT(n)   (UINT64_C(1) << (n))

/* scause: this bit for interrupts, then one of the three above; else an exception (table 4.2). */
#define CAUSE_INTERRUPT           (UINT64_C(1) << 63)
#define CAUSE_INSTRUCTION_ACCESS  1
#define CAUSE_ILLEGAL_INSTRUCTION 2
#define CAUSE_BREAKPOINT          3
#define CAUSE_STORE_MISALIGNED    6
#define CAUSE_STORE_ACCESS        7
#define CAUSE_USER_CALL           8
#define CAUSE_INSTRUCTION_FAULT   12
#define CAUSE_LOAD_FAULT          13
#define CAUSE_STORE_FAULT         15

/* satp: the mode, and the root's page number. The mode for l levels is l + 5: Sv39 8, Sv48 9, Sv57 10. */
#define SATP_MODE_SHIFT      60
#define SATP_ROOT            ((UINT64_C(1) << 44) - 1)
#define SATP_MODE_OF(levels) ((uint64_t)(levels) + 5)

/*
 * Orders what was stored to page tables before all later walks of this CPU. By address it would leave out entries that
 * lead to tables (section 4.2.1), so it is for all.
 */
static ALWAYS_INLINE void tlb_flush(void)
{
    __asm__ volatile("sfence.vma" ::: "memory");
}

/* From now on this CPU fetches instructions as they were stored before (Unprivileged ISA, "Zifencei"). */
static ALWAYS_INLINE void fetch_anew(void)
{
    __asm__ volatile("fence.i" ::: "memory");
}

/* Orders everything, device registers included. */
static ALWAYS_INLINE void fence_all(void)
{
    __asm__ volatile("fence iorw, iorw" ::: "memory");
}

/* Device registers. Each access is one load or store, in order with all others of this CPU. */
static ALWAYS_INLINE uint8_t device_read_8(const volatile void *address)
{
    const uint8_t value = *(const volatile uint8_t *)address;
    fence_all();
    return value;
}

static ALWAYS_INLINE void device_write_8(volatile void *address, uint8_t value)
{
    fence_all();
    *(volatile uint8_t *)address = value;
}

static ALWAYS_INLINE uint32_t device_read_32(const volatile void *address)
{
    const uint32_t value = *(const volatile uint32_t *)address;
    fence_all();
    return value;
}

static ALWAYS_INLINE void device_write_32(volatile void *address, uint32_t value)
{
    fence_all();
    *(volatile uint32_t *)address = value;
}

/* Stops this CPU for good, unless it is entered anew by firmware. */
NORETURN static inline void cpu_halt_forever(void)
{
    CSR_CLEAR(sstatus, SSTATUS_SIE);
    CSR_WRITE(sie, 0);
    for (;;) {
        __asm__ volatile("wfi" ::: "memory");
    }
}

#endif
