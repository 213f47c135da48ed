/*
 * The page table of one user address space, as the machine walks it.
 *
 * Below the address space (mm/address_space.h), which decides what may be mapped, this only records it for the
 * machine. Page tables come from a source that the caller brings, through the direct map. The caller serializes
 * changes to one table; several CPUs may run in it meanwhile. On the host the table is walked by software.
 *
 * All functions may be called from thread context with locks held. Ranges are multiples of PAGE_SIZE and lie within
 * [USER_SPACE_START, USER_SPACE_END): anything else is a mistake of the caller's, which stops the kernel.
 */
#ifndef ARCH_USER_PAGE_TABLE_H
#define ARCH_USER_PAGE_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/machine.h"
#include "arch/page_access.h"
#include "base/compiler.h"
#include "base/status.h"
#include "base/units.h"

/*
 * The same addresses on every machine, so that programs and traces are too: 64 KiB, below which nothing is ever
 * mapped (null pointers with offsets fault), to 256 GiB, the user half of the smallest machine (RISC-V privileged
 * ISA, Sv39, 4.4).
 */
#define USER_SPACE_START UINT64_C(0x10000)
#define USER_SPACE_END   UINT64_C(0x4000000000)

/* The size of a large page, where user_page_table_map() may use one. */
#define USER_LARGE_PAGE_SIZE MIB(2)

typedef struct user_page_table {
    uint64_t *root; /* the rest is the port's */
    uint64_t tag;
    _Atomic uint64_t active_cpus; /* bit i: CPU i may hold translations of this table */
} user_page_table_t;

/*
 * One translation: [address, address + size) to `physical`, all of it present. Of the rights a user's mapping has
 * PAGE_ACCESS_WRITE and PAGE_ACCESS_EXECUTE or not; PAGE_ACCESS_USER goes without saying, and is not reported.
 * With PAGE_ACCESS_HIDDEN user code can't use it at all, every access faults, and no other right counts or is reported.
 */
typedef struct user_leaf {
    uintptr_t address;
    physical_address_t physical;
    uint64_t size; /* PAGE_SIZE or USER_LARGE_PAGE_SIZE */
    page_access_t access;
} user_leaf_t;

/*
 * Makes a table that maps nothing of the user's space and all of the kernel's. Returns STATUS_NO_MEMORY with nothing
 * taken.
 */
MUST_USE status_t user_page_table_create(user_page_table_t *table, machine_page_source_t source, void *context);

/*
 * Gives every page of the table itself to release(). No CPU runs in it, and the frames that it mapped are the
 * caller's business.
 */
void user_page_table_destroy(user_page_table_t *table, void (*release)(void *page, void *context), void *context);

/*
 * Maps [address, address + size) to [physical, physical + size) for the user with `access`, in large pages where
 * `address`, `physical` and the rest of the size allow. Nothing there is mapped yet. Returns STATUS_NO_MEMORY when
 * `source` ran dry: nothing new is then mapped, tables that were made stay for later. No CPU needs telling of
 * translations that did not exist.
 */
MUST_USE status_t user_page_table_map(user_page_table_t *table, uintptr_t address, physical_address_t physical,
                                      uint64_t size, page_access_t access, machine_page_source_t source, void *context);

/*
 * Sees to it that no large page reaches across `address`. STATUS_NO_MEMORY, with nothing changed, when `source` ran
 * dry. After this at both ends of a range, the two functions below need no memory and can't fail.
 *
 * Code that runs in the large page meanwhile may fault on some machines, though nothing is amiss: who looks then finds
 * the translation there, and repeats the instruction.
 */
MUST_USE status_t user_page_table_split(user_page_table_t *table, uintptr_t address, machine_page_source_t source,
                                        void *context);

/*
 * Gives what is present in [address, address + size) these rights; no large page reaches across either end. The old
 * rights may be in use until user_page_table_flush().
 */
void user_page_table_protect(user_page_table_t *table, uintptr_t address, uint64_t size, page_access_t access);

/*
 * Takes translations from *address on, up to `end`, out of the table, and stores them in leaves[0 .. capacity), in
 * ascending order; no large page reaches across *address or `end`. *address moves past what was looked at: to `end`
 * when all is done. Returns how many were stored. The frames may be in use until user_page_table_flush().
 */
MUST_USE size_t user_page_table_unmap(user_page_table_t *table, uintptr_t *address, uintptr_t end, user_leaf_t *leaves,
                                      size_t capacity);

/*
 * Finds the first translation that reaches beyond `address` and starts below `end`. Returns false when there is none.
 */
MUST_USE bool user_page_table_next(const user_page_table_t *table, uintptr_t address, uintptr_t end, user_leaf_t *leaf);

/*
 * Gives the tables that serve addresses of [address, end) only to release(), when no CPU walks them any more. Nothing
 * is mapped in the range, which best reaches to the neighbouring mappings, or to the ends of user space. Without this,
 * tables stay for later use; where one is left, user_page_table_map() does not use large pages. Flushes as below.
 */
void user_page_table_trim(user_page_table_t *table, uintptr_t address, uintptr_t end,
                          void (*release)(void *page, void *context), void *context);

/*
 * Makes every CPU forget what it remembers of [address, address + size); when it returns, all have. Locks may be held
 * and interrupts masked, here and on the other CPUs.
 */
void user_page_table_flush(user_page_table_t *table, uintptr_t address, uint64_t size);

/*
 * Has the calling CPU use `table`, or none when it is NULL: user space is then empty on this CPU. Interrupts may be
 * enabled.
 */
void user_page_table_activate(user_page_table_t *table);

#endif
