/*
 * User page tables in use, for ports without address space identifiers whose roots have the kernel's half in their upper
 * one: implements activation and flushing of arch/user_page_table.h, and user_table_adopt() and user_table_retire() of
 * user_page_table.h. The port brings what is below.
 */
#ifndef ARCH_SHARED_USER_TABLE_UNTAGGED_H
#define ARCH_SHARED_USER_TABLE_UNTAGGED_H

#include <stdint.h>

/*
 * Has the calling CPU walk from `root` on, from the kernel's own if it is NULL, and forget all that it remembers. Interrupts
 * are masked.
 */
void user_table_use(const uint64_t *root);

/*
 * Has the CPUs whose bits are set in `cpus`, the caller's perhaps among them, forget what they remember of
 * [address, address + size); when it returns, all have. Locks may be held and interrupts masked on either side.
 */
void user_table_tell(uint64_t cpus, uintptr_t address, uint64_t size);

#endif
