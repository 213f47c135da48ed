/*
 * User page tables: what arch/shared/user_page_table.h leaves to the port.
 *
 * Every user's root has the kernel's upper half, copied when it is made: after boot that half only changes below the
 * root. Address spaces have no tags (no PCID), so a CPU forgets one as it turns to the next, and `active_cpus` is
 * exactly the CPUs that use the table.
 */
#include "arch/shared/user_page_table.h"

#include <stdatomic.h>

#include "arch/cpu.h"
#include "base/check.h"
#include "page_table.h"
#include "processor.h"
#include "registers.h"
#include "tlb.h"

void user_table_adopt(user_page_table_t *table)
{
    for (size_t index = RADIX_ENTRIES / 2; index < RADIX_ENTRIES; index++) {
        table->root[index] = kernel_page_table.table.root[index];
    }
}

void user_table_publish(void)
{
    /* Stores are seen in order (Intel SDM vol. 3, 8.2.2), and the CPU remembers no absence (4.10.2.3). */
    atomic_signal_fence(memory_order_seq_cst);
}

void user_table_write_code(user_page_table_t *table, physical_address_t physical, uint64_t size)
{
    (void)table; /* instructions are fetched as data is written (Intel SDM vol. 3, 11.6) */
    (void)physical;
    (void)size;
}

void user_table_retire(user_page_table_t *table)
{
    CHECK(atomic_load_explicit(&table->active_cpus, memory_order_acquire) == 0,
          "page table destroyed while it is active");
}

void user_page_table_flush(user_page_table_t *table, uintptr_t address, uint64_t size)
{
    /* After the changes: a CPU that turns to the table later walks it later. */
    atomic_thread_fence(memory_order_seq_cst);
    tlb_flush(atomic_load_explicit(&table->active_cpus, memory_order_relaxed), address, size);
}

void user_page_table_activate(user_page_table_t *table)
{
    processor_t *const processor = processor_current();
    user_page_table_t *const before = processor->user_table;
    const uint64_t self = UINT64_C(1) << processor->cpu.index;

    if (table == before) {
        return;
    }
    /* Active before its first use, and until its last: a flush in between finds this CPU. */
    if (table != NULL) {
        atomic_fetch_or_explicit(&table->active_cpus, self, memory_order_seq_cst);
    }
    const physical_address_t root = table != NULL ? pointer_to_physical(table->root) : page_table_root_physical();
    cr3_write(root.value);
    processor->user_table = table;
    if (before != NULL) {
        atomic_fetch_and_explicit(&before->active_cpus, ~self, memory_order_release);
    }
}
