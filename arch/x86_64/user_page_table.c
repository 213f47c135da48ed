/*
 * User page tables: what arch/shared leaves to the port. PCIDs are not used: CR3's write forgets everything.
 */
#include "arch/shared/user_page_table.h"
#include "arch/shared/user_table_untagged.h"

#include <stdatomic.h>

#include "page_table.h"
#include "registers.h"
#include "tlb.h"

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

void user_table_use(const uint64_t *root)
{
    cr3_write(root != NULL ? pointer_to_physical(root).value : page_table_root_physical().value);
}

void user_table_tell(uint64_t cpus, uintptr_t address, uint64_t size)
{
    tlb_flush(cpus, address, size);
}
