/*
 * What user page tables need of this machine (arch/shared/user_page_table.h): the mode's format, satp, and telling other CPUs.
 *
 * No address space identifiers: all tables have number 0. Other CPUs are told by firmware (SBI 2.0, chapter 8), which gets
 * through to a CPU that masks interrupts.
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
#include "arch/shared/user_table_untagged.h"
#include "page_table.h"
#include "processor.h"
#include "registers.h"
#include "sbi.h"

/* For more than these everything is forgotten at once, tables on the way included: so is what trims of tables ask for. */
#define FLUSH_BYTES_MAX (16 * PAGE_SIZE)

static _Atomic uint64_t code_count = 1;

const radix_format_t *user_table_format(void)
{
    return page_table_user_format();
}

void user_table_publish(void)
{
    __asm__ volatile("fence rw, rw" ::: "memory");
}

static void flush_here(uintptr_t address, uint64_t size)
{
    if (size > FLUSH_BYTES_MAX) {
        tlb_flush();
        return;
    }
    for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
        __asm__ volatile("sfence.vma %0, zero" ::"r"(address + at) : "memory");
    }
}

void user_table_tell(uint64_t cpus, uintptr_t address, uint64_t size)
{
    const uint64_t self = UINT64_C(1) << cpu_current()->index;

    if ((cpus & self) != 0) {
        flush_here(address, size);
    }
    /* As firmware understands it, a range is one of pages, and everything has a size of its own. */
    const bool is_all = size > FLUSH_BYTES_MAX;
    processors_flush(cpus & ~self, is_all ? 0 : address, is_all ? UINT64_MAX : size);
}

void user_table_use(const uint64_t *root)
{
    const uint64_t kernel = page_table_satp();

    fence_all();
    CSR_WRITE(satp, root == NULL ? kernel : (kernel & ~SATP_ROOT) | page_of_physical(pointer_to_physical(root)).value);
    tlb_flush();
}

kernel_window_t kernel_window(void)
{
    return (kernel_window_t){ADDRESS_WINDOW, ADDRESS_WINDOW_SIZE};
}

void kernel_window_flush(uintptr_t address, uint64_t size)
{
    user_table_tell(UINT64_MAX >> (64 - cpu_count()), address, size);
}

void user_table_write_code(user_page_table_t *table, physical_address_t physical, uint64_t size)
{
    const uint64_t self = UINT64_C(1) << cpu_current()->index;

    (void)physical;
    (void)size;
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
