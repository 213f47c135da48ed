/*
 * Page-table entries, as kernel and user tables have them alike (Arm ARM, D8.3; README.md draws one). page_table.c has
 * the functions.
 */
#ifndef AARCH64_PAGE_ENTRY_H
#define AARCH64_PAGE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"
#include "control.h"

#define ENTRY_INDEX_SHIFT  2
#define ENTRY_INDEX        UINT64_C(7)
#define ENTRY_USER         (UINT64_C(1) << 6)
#define ENTRY_READ_ONLY    (UINT64_C(1) << 7)
#define ENTRY_NOT_GLOBAL   (UINT64_C(1) << 11)
#define ENTRY_NO_EXECUTE   (UINT64_C(1) << 53) /* by the kernel */
#define ENTRY_NO_USER_CODE (UINT64_C(1) << 54)
#define ENTRY_SOFTWARE     (UINT64_C(1) << 55) /* the first of four that the machine leaves to us */
#define ENTRY_ADDRESS      UINT64_C(0x0000fffffffff000)

/* The bits of a radix_format_t: an entry above level 0 is a block without ENTRY_TABLE. */
#define ENTRY_BITS \
    .address_mask = ENTRY_ADDRESS, .present_mask = ENTRY_VALID, .leaf_mask = ENTRY_TABLE, .table_bits = ENTRY_TABLE

/* A function of a radix_format_t. */
uint64_t entry_of_table(physical_address_t table);

#endif
