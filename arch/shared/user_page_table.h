/*
 * User page tables (arch/user_page_table.h) for ports whose tables are trees of 512-entry tables: user_page_table.c
 * implements all but activation and flushing. A port brings those two, and what is below.
 */
#ifndef ARCH_SHARED_USER_PAGE_TABLE_H
#define ARCH_SHARED_USER_PAGE_TABLE_H

#include "arch/shared/radix_page_table.h"
#include "arch/user_page_table.h"

/*
 * How leaves of user space are spelled, at levels 0 and 1 only. entry_changed is NULL: user_table_publish() is called
 * once for many entries. The format is the same for the whole run.
 */
const radix_format_t *user_table_format(void);

/* Completes a new table, whose root is zeroed: the kernel's half of the root, where there is one, and the tag. */
void user_table_adopt(user_page_table_t *table);

/* Makes what was written to any table count for walks that any CPU begins from now on. */
void user_table_publish(void);

/*
 * The user may execute [physical, physical + size) from now on, bytes that somebody wrote: sees to it that CPUs fetch these
 * and nothing older, whichever runs the user. Called before the entry is written. The
 * range may be none that the direct map covers: then nobody wrote anything.
 */
void user_table_write_code(user_page_table_t *table, physical_address_t physical, uint64_t size);

/* The table is about to be destroyed: sees to it that no CPU remembers anything of it, and takes the tag back. */
void user_table_retire(user_page_table_t *table);

#endif
