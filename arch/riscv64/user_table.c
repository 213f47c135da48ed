/*
 * What user page tables need of this machine (arch/shared/user_page_table.h): the mode's format, satp, and telling other CPUs.
 *
 * No address space identifiers: all tables have number 0, and a CPU forgets everything when it changes its table. So it
 * remembers nothing of tables that it does not have in use, and `active_cpus` names exactly the CPUs that must be told of a
 * change. They are told by firmware (SBI 2.0, chapter 8), which gets through to a CPU that masks interrupts.
 *
 * A CPU may remember that an entry was invalid, or see a store to a table late: it then faults, and tries again (user.c).
 *
 * Instructions are fetched past the data cache (Unprivileged ISA, "Zifencei"): a CPU executes FENCE.I after code was written
 * and before it runs. `code_count` counts such writes; who is in user mode is told, everybody else looks before he enters it.
 */
#include "user_table.h"

#include <stdatomic.h>

#include "address_map.h"
#include "arch/kernel_window.h"
#include "arch/shared/user_page_table.h"
#include "base/check.h"
#include "page_table.h"
#include "processor.h"
#include "registers.h"
#include "sbi.h"

/* For more pages than these everything is forgotten at once. */
#define FLUSH_PAGES_MAX 16

static _Atomic uint64_t code_count = 1;

const radix_format_t *user_table_format(void)
{
    return page_table_user_format();
}

void user_table_adopt(user_page_table_t *table)
{
    const uint64_t *const kernel_root = kernel_page_table.table.root;

    for (size_t index = RADIX_ENTRIES / 2; index < RADIX_ENTRIES; index++) {
        table->root[index] = kernel_root[index];
    }
}

void user_table_publish(void)
{
    __asm__ volatile("fence rw, rw" ::: "memory");
}

void user_table_retire(user_page_table_t *table)
{
    CHECK(atomic_load_explicit(&table->active_cpus, memory_order_acquire) == 0, "page table in use");
}

static void flush_here(uintptr_t address, uint64_t size)
{
    if (size > FLUSH_PAGES_MAX * PAGE_SIZE) {
        tlb_flush();
        return;
    }
    for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
        __asm__ volatile("sfence.vma %0, zero" ::"r"(address + at) : "memory");
    }
}

void user_page_table_flush(user_page_table_t *table, uintptr_t address, uint64_t size)
{
    const uint64_t self = UINT64_C(1) << cpu_current()->index;

    atomic_thread_fence(memory_order_seq_cst); /* a CPU that is not in the mask yet will see the table as it is */
    const uint64_t cpus = atomic_load_explicit(&table->active_cpus, memory_order_seq_cst);
    if ((cpus & self) != 0) {
        flush_here(address, size);
    }
    processors_flush(cpus & ~self, address, size);
}

kernel_window_t kernel_window(void)
{
    return (kernel_window_t){ADDRESS_WINDOW, ADDRESS_WINDOW_SIZE};
}

void kernel_window_flush(uintptr_t address, uint64_t size)
{
    const uint64_t all = cpu_count() == 64 ? UINT64_MAX : (UINT64_C(1) << cpu_count()) - 1;

    flush_here(address, size);
    processors_flush(all & ~(UINT64_C(1) << cpu_current()->index), address, size);
}

void user_page_table_activate(user_page_table_t *table)
{
    const interrupt_state_t interrupts = interrupts_save();
    processor_t *const processor = processor_current();
    user_page_table_t *const before = processor->user_table;
    const uint64_t self = UINT64_C(1) << processor->cpu.index;

    if (table != before) {
        uint64_t satp = page_table_satp();
        if (table != NULL) {
            /* Known before the first walk, so that whoever changes the table from now on tells us. */
            atomic_fetch_or_explicit(&table->active_cpus, self, memory_order_seq_cst);
            satp = (satp & ~SATP_ROOT) | page_of_physical(pointer_to_physical(table->root)).value;
        }
        fence_all();
        CSR_WRITE(satp, satp);
        tlb_flush();
        processor->user_table = table;
        if (before != NULL) {
            atomic_fetch_and_explicit(&before->active_cpus, ~self, memory_order_release);
        }
    }
    interrupts_restore(interrupts);
}

void user_table_write_code(user_page_table_t *table, physical_address_t physical, uint64_t size)
{
    (void)physical;
    (void)size;
    const uint64_t self = UINT64_C(1) << cpu_current()->index;

    atomic_fetch_add_explicit(&code_count, 1, memory_order_seq_cst);
    fence_all();
    processors_fetch_code(atomic_load_explicit(&table->active_cpus, memory_order_seq_cst) & ~self);
}

void user_table_fetch_new_code(void)
{
    processor_t *const processor = processor_current();
    const uint64_t count = atomic_load_explicit(&code_count, memory_order_seq_cst);

    if (processor->code_count != count) {
        processor->code_count = count;
        fetch_anew();
    }
}
