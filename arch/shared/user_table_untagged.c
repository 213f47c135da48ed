/*
 * Which CPU uses which user page table; user_table_untagged.h says for whom.
 *
 * A CPU forgets everything as it turns from one table to the next. So it remembers nothing of tables that it does not use, and
 * `active_cpus` is exactly the CPUs that must be told of a change.
 */
#include "user_table_untagged.h"

#include <stdatomic.h>

#include "arch/cpu.h"
#include "base/check.h"
#include "kernel_page_table.h"
#include "user_page_table.h"

/* The table in use, or NULL: each CPU's own to write. */
static user_page_table_t *in_use[CPU_COUNT_MAX];

/* After boot the kernel's half changes only below the root, so that a copy of the root shares all that comes. */
void user_table_adopt(user_page_table_t *table)
{
    for (size_t index = RADIX_ENTRIES / 2; index < RADIX_ENTRIES; index++) {
        table->root[index] = kernel_page_table.table.root[index];
    }
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
    user_table_tell(atomic_load_explicit(&table->active_cpus, memory_order_seq_cst), address, size);
}

void user_page_table_activate(user_page_table_t *table)
{
    const interrupt_state_t interrupts = interrupts_save();
    const uint32_t index = cpu_current()->index;
    const uint64_t self = UINT64_C(1) << index;
    user_page_table_t *const before = in_use[index];

    if (table != before) {
        /* Active before its first use, and until its last: a flush in between finds this CPU. */
        if (table != NULL) {
            atomic_fetch_or_explicit(&table->active_cpus, self, memory_order_seq_cst);
        }
        user_table_use(table == NULL ? NULL : table->root);
        in_use[index] = table;
        if (before != NULL) {
            atomic_fetch_and_explicit(&before->active_cpus, ~self, memory_order_release);
        }
    }
    interrupts_restore(interrupts);
}
