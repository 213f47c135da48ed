/*
 * Names for addresses of code: the table that the link puts into the image (toolchains/kernel_symbols.py).
 */
#ifndef KERNEL_SYMBOLS_H
#define KERNEL_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

/* One function; `size` is 0 for a label that states none, which reaches to the next entry. */
typedef struct kernel_symbol {
    uint64_t address;
    uint32_t name_offset;
    uint32_t size;
} kernel_symbol_t;

_Static_assert(sizeof(kernel_symbol_t) == 16, "the layout is the table's");

typedef struct symbol_table {
    const kernel_symbol_t *symbols; /* by address */
    uint64_t count;
    const char *names;
} symbol_table_t;

/* Finds the function that holds `address`: its name, and how far into it. False when there is none. Any context. */
MUST_USE bool symbol_find(const symbol_table_t *table, uint64_t address, const char **name, uint64_t *offset);

/*
 * Finds a function by its name: [*start, *end). The first of several that have it; a label reaches to the next entry.
 * False when there is none, or no end is known.
 */
MUST_USE bool symbol_find_name(const symbol_table_t *table, const char *name, uint64_t *start, uint64_t *end);

/* The image's own table; empty when it was linked without one. */
symbol_table_t symbols_of_image(void);

#endif
