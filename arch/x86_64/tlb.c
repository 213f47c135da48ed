/*
 * Flushing translations, here and on other CPUs.
 *
 * One CPU at a time asks: it writes down the range, sets a bit for every CPU that has to forget it, sends each an NMI,
 * and waits until all bits are clear. An NMI because the other CPU may be waiting, with interrupts masked, for a lock
 * that the asking one holds. CPUs that wait for their turn to ask answer meanwhile for the same reason. Each bit is
 * cleared by one NMI, and the next is set only after that, so no NMI is ever in excess.
 */
#include "tlb.h"

#include <stdatomic.h>

#include "arch/cpu.h"
#include "arch/shared/running_cpus.h"
#include "arch/timer.h"
#include "base/check.h"
#include "local_apic.h"
#include "registers.h"

/* From so many pages on forgetting everything costs less than page by page. */
#define FLUSH_PAGES_MAX 32

/*
 * How long an answer may take: an NMI waits for no lock, but an emulator's CPU may wait for its turn. Without a clock,
 * in looks.
 */
#define ANSWER_NANOSECONDS UINT64_C(30000000000)
#define ANSWER_LOOKS       UINT64_C(10000000000)

static _Atomic uint32_t is_asking;
static uintptr_t asked_address;
static uint64_t asked_size;
static _Atomic uint64_t asked_cpus; /* those that have not answered yet */

static void flush_here(uintptr_t address, uint64_t size)
{
    if (size > FLUSH_PAGES_MAX * PAGE_SIZE) {
        cr3_write(cr3_read()); /* there are no global pages */
        return;
    }
    for (uint64_t done = 0; done < size; done += PAGE_SIZE) {
        tlb_flush_page(address + done);
    }
}

bool tlb_flush_was_asked(void)
{
    const uint64_t self = UINT64_C(1) << cpu_current()->index;

    if ((atomic_load_explicit(&asked_cpus, memory_order_acquire) & self) == 0) {
        return false;
    }
    flush_here(asked_address, asked_size);
    atomic_fetch_and_explicit(&asked_cpus, ~self, memory_order_release);
    return true;
}

/* Waits for all answers; false when one stays away. */
static bool wait_for_answers(void)
{
    const uint64_t start = timer_nanoseconds();

    for (uint64_t look = 0; atomic_load_explicit(&asked_cpus, memory_order_acquire) != 0; look++) {
        cpu_relax();
        if (timer_nanoseconds() - start > ANSWER_NANOSECONDS || look > ANSWER_LOOKS) {
            return false;
        }
    }
    return true;
}

/* Asks the others; false when one of them does not answer. */
static bool flush_others(uint64_t cpus, uintptr_t address, uint64_t size)
{
    while (atomic_exchange_explicit(&is_asking, 1, memory_order_acquire) != 0) {
        cpu_relax();
    }
    asked_address = address;
    asked_size = size;
    atomic_store_explicit(&asked_cpus, cpus, memory_order_release);
    for (uint32_t index = 0; index < cpu_count(); index++) {
        if ((cpus >> index & 1) != 0) {
            local_apic_send_nmi(cpu_by_index(index)->hardware_id);
        }
    }
    const bool all_answered = wait_for_answers();
    atomic_store_explicit(&is_asking, 0, memory_order_release);
    return all_answered;
}

static uint64_t cpus_that_can_answer(void)
{
    uint64_t cpus = 0;

    for (uint32_t index = 0; index < cpu_count(); index++) {
        cpus |= running_cpus_is_stopped(index) ? 0 : UINT64_C(1) << index;
    }
    return cpus;
}

void tlb_flush(uint64_t cpus, uintptr_t address, uint64_t size)
{
    const uint64_t self = UINT64_C(1) << cpu_current()->index;
    const interrupt_state_t interrupts = interrupts_save();
    bool all_answered = true;

    if ((cpus & self) != 0) {
        flush_here(address, size);
    }
    if ((cpus & ~self) != 0) {
        const uint64_t others = cpus & ~self & cpus_that_can_answer();
        all_answered = others == 0 || flush_others(others, address, size);
    }
    interrupts_restore(interrupts);
    CHECK(all_answered, "a CPU does not forget translations");
}
