/*
 * Looking up the function that an address is in: a binary search for the last one that starts at or before it.
 */
#include "kernel/symbols.h"

#include <stddef.h>

/* Defined by the image's link; weak, so that an image without a table links as well. */
extern const kernel_symbol_t kernel_symbols[] __attribute__((weak));
extern const uint64_t kernel_symbols_count __attribute__((weak));
extern const char kernel_symbol_names[] __attribute__((weak));

bool symbol_find(const symbol_table_t *table, uint64_t address, const char **name, uint64_t *offset)
{
    uint64_t low = 0;
    uint64_t high = table->count;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (table->symbols[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return false;
    }
    const kernel_symbol_t *const symbol = &table->symbols[low - 1];
    const uint64_t into = address - symbol->address;
    if (symbol->size != 0 ? into >= symbol->size : low == table->count) {
        return false;
    }
    *name = table->names + symbol->name_offset;
    *offset = into;
    return true;
}

symbol_table_t symbols_of_image(void)
{
    if (&kernel_symbols_count == NULL) {
        return (symbol_table_t){NULL, 0, NULL};
    }
    return (symbol_table_t){kernel_symbols, kernel_symbols_count, kernel_symbol_names};
}
