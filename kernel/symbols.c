/*
 * Looking up the function that an address is in: a binary search for the last one that starts at or before it. By name
 * it is a walk through the table, which nobody does often.
 */
#include "kernel/symbols.h"

#include <stddef.h>

#include "base/text.h"

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

bool symbol_find_name(const symbol_table_t *table, const char *name, uint64_t *start, uint64_t *end)
{
    for (uint64_t index = 0; index < table->count; index++) {
        const kernel_symbol_t *const symbol = &table->symbols[index];
        if (!text_equal(table->names + symbol->name_offset, name)) {
            continue;
        }
        const bool is_last = index + 1 == table->count;
        *start = symbol->address;
        *end = symbol->size != 0 ? symbol->address + symbol->size : is_last ? *start : symbol[1].address;
        return *end > *start;
    }
    return false;
}

symbol_table_t symbols_of_image(void)
{
    if (&kernel_symbols_count == NULL) {
        return (symbol_table_t){NULL, 0, NULL};
    }
    return (symbol_table_t){kernel_symbols, kernel_symbols_count, kernel_symbol_names};
}
