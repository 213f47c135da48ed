/*
 * Page tables as the three machines have them: a tree whose nodes are pages of 64-bit entries, walked from the
 * address's top bits down.
 *
 * One description fits x86_64 (4 or 5 levels), AArch64 with the 4 KiB granule, and RISC-V Sv39/Sv48/Sv57: what differs
 * is the number of levels, where leaves may be, and how an entry spells an address and its rights. A port describes
 * that once, in a radix_format_t.
 *
 *   level  3          2        1        0
 *          512 GiB    1 GiB    2 MiB    4 KiB      what one entry covers: 2^(12 + 9 * level)
 *
 * Tables are reached through the direct map. The caller serializes changes to one tree, and sees to other CPUs'
 * translation caches when an entry that was in use changes. An address range never wraps.
 */
#ifndef ARCH_SHARED_RADIX_PAGE_TABLE_H
#define ARCH_SHARED_RADIX_PAGE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/machine.h"
#include "arch/page_access.h"
#include "base/compiler.h"
#include "base/status.h"
#include "base/units.h"

#define RADIX_INDEX_BITS 9
#define RADIX_ENTRIES    512

typedef struct radix_table radix_table_t;

/*
 * How a machine spells entries. What walks ask of every entry is told in numbers, which cost less than calls. All
 * functions are pure but the last two.
 */
typedef struct radix_format {
    unsigned levels;         /* the root is at level `levels` - 1 */
    unsigned leaf_level_max; /* leaves may be at levels 0 to this one */
    unsigned address_shift;  /* an address is the entry's bits of address_mask, shifted left by this */
    uint64_t address_mask;
    uint64_t present_mask; /* an entry is present when any of these bits is set */
    uint64_t leaf_mask;    /* at level 0 every present entry is a leaf; above, unless these bits are `table_bits` */
    uint64_t table_bits;
    uint64_t (*table_entry)(physical_address_t table);
    /* Linear in the page's address: that of a page further on is as much more as address_shift makes of the distance. */
    uint64_t (*leaf_entry)(physical_address_t page, unsigned level, page_access_t access);
    page_access_t (*leaf_access)(uint64_t entry); /* of a present leaf */
    /*
     * Makes the new entry for `address` count on this CPU, and, after it, new entries where there were none: a machine that
     * may remember that an entry was empty forgets it for all. NULL: somebody else does.
     */
    void (*entry_changed)(uintptr_t address);
    /*
     * Makes every CPU forget the leaf of `size` bytes that is being replaced by a table: between the two there is
     * nothing at `address`. NULL on machines that bear to remember both (all but AArch64: Arm ARM, D8.16,
     * break-before-make), and for tables that no other CPU uses.
     */
    void (*entry_broken)(const radix_table_t *table, uintptr_t address, uint64_t size);
} radix_format_t;

struct radix_table {
    const radix_format_t *format;
    uint64_t *root;
    uint64_t tag; /* for the port */
};

/* One translation. */
typedef struct radix_leaf {
    physical_address_t address; /* of the byte that was asked for */
    page_access_t access;
    unsigned level; /* the leaf's: it covers 2^(12 + 9 * level) bytes */
} radix_leaf_t;

/* How many bytes one entry at `level` covers. */
static inline uint64_t radix_span(unsigned level)
{
    return UINT64_C(1) << (PAGE_SHIFT + RADIX_INDEX_BITS * level);
}

static inline bool radix_is_present(const radix_format_t *format, uint64_t entry)
{
    return (entry & format->present_mask) != 0;
}

/* Whether a present entry at `level` is a leaf. */
static inline bool radix_is_leaf(const radix_format_t *format, uint64_t entry, unsigned level)
{
    return level == 0 || (entry & format->leaf_mask) != format->table_bits;
}

/* Where the table is that a present entry leads to. */
static inline physical_address_t radix_table_address(const radix_format_t *format, uint64_t entry)
{
    return physical_address((entry & format->address_mask) << format->address_shift);
}

/* Where a leaf at `level` leads to. A large leaf may have other things where a small one has the address's low bits. */
static inline physical_address_t radix_leaf_address(const radix_format_t *format, uint64_t entry, unsigned level)
{
    return physical_address(align_down(radix_table_address(format, entry).value, radix_span(level)));
}

/*
 * Maps [address, address + size) to [physical, physical + size), in the largest leaves that fit; all three are
 * multiples of PAGE_SIZE. Parts that are mapped to these very addresses already stay as they are.
 *
 * Returns STATUS_NO_MEMORY when `source` ran dry, STATUS_EXISTS when a part is mapped to elsewhere, STATUS_INVALID when
 * a number is no multiple of PAGE_SIZE or the range is beyond the tree. What was mapped before the failure stays
 * mapped.
 */
MUST_USE status_t radix_map(const radix_table_t *table, uintptr_t address, physical_address_t physical, uint64_t size,
                            page_access_t access, machine_page_source_t source, void *context);

/*
 * Gives every page of [address, address + size) these rights, splitting leaves that reach out of it. STATUS_NOT_FOUND
 * when a part is not mapped, else as above.
 */
MUST_USE status_t radix_protect(const radix_table_t *table, uintptr_t address, uint64_t size, page_access_t access,
                                machine_page_source_t source, void *context);

/* Looks an address up. Returns false when it is not mapped. */
MUST_USE bool radix_find(const radix_table_t *table, uintptr_t address, radix_leaf_t *leaf);

/*
 * Makes the tables that lead to the entry for `address` at `level`, where they are missing: with level 0, mapping a
 * page there needs no more memory; with the level below the root's, whoever copies the root's entries shares what comes
 * later. Returns STATUS_NO_MEMORY when `source` ran dry; tables already made stay, so that a later call gets further.
 */
MUST_USE status_t radix_prepare(const radix_table_t *table, uintptr_t address, unsigned level,
                                machine_page_source_t source, void *context);

/*
 * Sees to it that no leaf reaches across `address`, a multiple of PAGE_SIZE. STATUS_NO_MEMORY, with nothing changed
 * but leaves that are smaller now, when `source` ran dry.
 */
MUST_USE status_t radix_split(const radix_table_t *table, uintptr_t address, machine_page_source_t source,
                              void *context);

/*
 * What radix_walk() calls for a leaf that starts at `address`, which it may change through radix_set(). Returns false
 * to end the walk behind it.
 */
typedef bool (*radix_visit_t)(const radix_table_t *table, uintptr_t address, uint64_t *entry, unsigned level,
                              void *context);

/*
 * Visits, in ascending order, the leaves that reach beyond `address` and start below `end`. Returns where it ended:
 * behind the leaf for which `visit` said so, else `end`.
 */
uintptr_t radix_walk(const radix_table_t *table, uintptr_t address, uintptr_t end, radix_visit_t visit, void *context);

/* Writes an entry, as one store. */
void radix_set(const radix_table_t *table, uint64_t *entry, uint64_t value, uintptr_t address);

/*
 * Takes every table that serves addresses of [address, end) only out of the tree, and strings them together through
 * their first words, each the pointer to the next one; as an entry, such a word is not present on any machine, so that
 * a CPU may still walk there. Returns the first. When no CPU does any more, radix_release() gives them back.
 */
MUST_USE uint64_t *radix_unlink(const radix_table_t *table, uintptr_t address, uintptr_t end);

/* The same, but tables that the root leads to stay, for other roots share them. */
MUST_USE uint64_t *radix_unlink_below_root(const radix_table_t *table, uintptr_t address, uintptr_t end);

/* Gives the tables in the string to release(). */
void radix_release(uint64_t *first, void (*release)(void *page, void *context), void *context);

#endif
