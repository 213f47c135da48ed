/*
 * The local APIC, in both its ways of access: registers in memory (xAPIC), or model-specific registers (x2APIC) where
 * the CPU offers them.
 *
 * All CPUs are in the same mode: each asks its own CPUID, and a machine offers x2APIC on all or none.
 */
#include "local_apic.h"

#include <stddef.h>

#include "arch/inline.h"
#include "base/log.h"
#include "interrupts.h"
#include "page_table.h"
#include "registers.h"

/* Registers, as offsets in the xAPIC page; an x2APIC's are at MSR 0x800 + offset / 16 (table 10-6). */
#define APIC_ID              0x020
#define APIC_TASK_PRIORITY   0x080
#define APIC_END             0x0b0
#define APIC_SPURIOUS        0x0f0
#define APIC_ERROR_STATUS    0x280
#define APIC_COMMAND         0x300
#define APIC_COMMAND_HIGH    0x310
#define APIC_LVT_TIMER       0x320
#define APIC_LVT_LINT0       0x350
#define APIC_LVT_LINT1       0x360
#define APIC_LVT_ERROR       0x370
#define APIC_TIMER_INITIAL   0x380
#define APIC_TIMER_CURRENT   0x390
#define APIC_TIMER_DIVIDE    0x3e0
#define APIC_REGISTERS_BYTES 0x400

#define APIC_BASE_X2APIC  (UINT64_C(1) << 10)
#define APIC_BASE_ENABLE  (UINT64_C(1) << 11)
#define APIC_BASE_ADDRESS UINT64_C(0x000ffffffffff000)

#define SPURIOUS_ENABLE      (1u << 8)
#define LVT_MASKED           (1u << 16)
#define LVT_PERIODIC         (1u << 17)
#define TIMER_DIVIDE_BY_16   3u
#define COMMAND_FIXED        (0u << 8)
#define COMMAND_NMI          (4u << 8)
#define COMMAND_INIT         (5u << 8)
#define COMMAND_STARTUP      (6u << 8)
#define COMMAND_PENDING      (1u << 12)
#define COMMAND_LEVEL_ASSERT (1u << 14)

#define CPUID_EDX_APIC   (1u << 9)
#define CPUID_ECX_X2APIC (1u << 21)

/* A message leaves within microseconds; a read of the register takes some ten nanoseconds. */
#define COMMAND_POLLS 100000u

static bool is_present;
static bool is_x2apic;
static volatile uint32_t *registers; /* xAPIC mode */

static uint32_t apic_read(uint32_t offset)
{
    if (is_x2apic) {
        return (uint32_t)msr_read(MSR_X2APIC_BASE + offset / 16);
    }
    return registers[offset / sizeof(uint32_t)];
}

static void apic_write(uint32_t offset, uint32_t value)
{
    if (is_x2apic) {
        msr_write(MSR_X2APIC_BASE + offset / 16, value);
    } else {
        registers[offset / sizeof(uint32_t)] = value;
    }
}

bool local_apic_is_present(void)
{
    return is_present;
}

bool local_apic_has_wide_ids(void)
{
    return is_x2apic;
}

uint32_t local_apic_id(void)
{
    if (!is_present) {
        return 0;
    }
    return is_x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
}

/* Decides on the mode, once, on the boot CPU. */
static void find(void)
{
    const cpuid_result_t features = cpuid_read(1, 0);

    if ((features.edx & CPUID_EDX_APIC) == 0) {
        return;
    }
    is_x2apic = (features.ecx & CPUID_ECX_X2APIC) != 0;
    if (!is_x2apic) {
        const physical_address_t base = physical_address(msr_read(MSR_APIC_BASE) & APIC_BASE_ADDRESS);
        registers = device_map(base, APIC_REGISTERS_BYTES);
        if (registers == NULL) {
            return;
        }
    }
    is_present = true;
}

void local_apic_init_cpu(void)
{
    static bool was_sought;

    if (!was_sought) {
        was_sought = true;
        find();
    }
    if (!is_present) {
        return;
    }
    msr_write(MSR_APIC_BASE, msr_read(MSR_APIC_BASE) | APIC_BASE_ENABLE | (is_x2apic ? APIC_BASE_X2APIC : 0));
    apic_write(APIC_LVT_TIMER, LVT_MASKED);
    apic_write(APIC_LVT_LINT0, LVT_MASKED); /* the 8259s, which are masked as well */
    apic_write(APIC_LVT_LINT1, LVT_MASKED);
    apic_write(APIC_LVT_ERROR, LVT_MASKED);
    apic_write(APIC_TASK_PRIORITY, 0);
    apic_write(APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
}

void local_apic_end_of_interrupt(void)
{
    apic_write(APIC_END, 0);
}

/*
 * Waits until the last message has left; false when it does not. An x2APIC takes a message in one write and needs
 * no wait.
 */
static bool command_is_idle(void)
{
    for (unsigned poll = 0; poll < COMMAND_POLLS; poll++) {
        if ((apic_read(APIC_COMMAND) & COMMAND_PENDING) == 0) {
            return true;
        }
    }
    return false;
}

static void send(uint32_t id, uint32_t command)
{
    if (!is_present) {
        return;
    }
    if (is_x2apic) {
        /*
         * Writing the MSR does not wait for earlier stores: what the receiver is to see goes first (SDM vol. 3,
         * 10.12.3).
         */
        __asm__ volatile("mfence\n\tlfence" ::: "memory");
        msr_write(MSR_X2APIC_BASE + APIC_COMMAND / 16, (uint64_t)id << 32 | command);
        return;
    }
    /* Two writes that belong together. */
    const interrupt_state_t interrupts = interrupts_save();
    if (command_is_idle()) {
        apic_write(APIC_COMMAND_HIGH, id << 24);
        apic_write(APIC_COMMAND, command);
    }
    interrupts_restore(interrupts);
}

void local_apic_send_interrupt(uint32_t id, uint8_t vector)
{
    send(id, COMMAND_FIXED | COMMAND_LEVEL_ASSERT | vector);
}

void local_apic_send_nmi(uint32_t id)
{
    send(id, COMMAND_NMI | COMMAND_LEVEL_ASSERT);
}

void local_apic_send_init(uint32_t id)
{
    send(id, COMMAND_INIT | COMMAND_LEVEL_ASSERT);
}

void local_apic_send_startup(uint32_t id, uint8_t page)
{
    send(id, COMMAND_STARTUP | COMMAND_LEVEL_ASSERT | page);
}

void local_apic_timer_start(uint32_t count, bool is_periodic, uint8_t vector)
{
    if (!is_present) {
        return;
    }
    apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_16);
    apic_write(APIC_LVT_TIMER, count == 0 ? LVT_MASKED : vector | (is_periodic ? LVT_PERIODIC : 0));
    apic_write(APIC_TIMER_INITIAL, count);
}

uint32_t local_apic_timer_current(void)
{
    return is_present ? apic_read(APIC_TIMER_CURRENT) : 0;
}
