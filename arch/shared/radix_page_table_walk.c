/*
 * Walks over all leaves of a range, and the way back of tables. radix_page_table.h says what they promise.
 *
 * Both go down by recursion, at most one call a level, and through the entries of a table in order.
 */
#include "radix_page_table.h"

typedef struct radix_search {
    const radix_table_t *table;
    uintptr_t address; /* what is looked at: [address, end) */
    uintptr_t end;
    radix_visit_t visit;
    void *context;
    bool is_over;
    unsigned unlink_level_max; /* entries at higher levels keep their tables */
    uint64_t *unlinked;        /* the tables that were taken out */
} radix_search_t;

/* Of the table that has the entry for `address` at `level`: the addresses from here to its end, or to the range's. */
static uint64_t entries_ahead(uintptr_t address, uintptr_t end, unsigned level)
{
    const unsigned shift = PAGE_SHIFT + RADIX_INDEX_BITS * level;
    const uint64_t index = (address >> shift) % RADIX_ENTRIES;
    const uint64_t wanted = ((end - 1) >> shift) - (address >> shift) + 1;

    return wanted < RADIX_ENTRIES - index ? wanted : RADIX_ENTRIES - index;
}

static uint64_t *entry_of(uint64_t *node, uintptr_t address, unsigned level)
{
    return &node[(address >> (PAGE_SHIFT + RADIX_INDEX_BITS * level)) % RADIX_ENTRIES];
}

/* Visits what `node`, at `level`, has in the range; the range is not empty. */
static void walk_node(radix_search_t *search, uint64_t *node, unsigned level)
{
    const radix_format_t *const format = search->table->format;
    const uint64_t span = radix_span(level);
    uint64_t *entry = entry_of(node, search->address, level);
    uint64_t left = entries_ahead(search->address, search->end, level);

    for (; left > 0; left--, entry++) {
        const uintptr_t start = align_down(search->address, span);
        if (radix_is_present(format, *entry)) {
            if (!radix_is_leaf(format, *entry, level)) {
                walk_node(search, physical_to_pointer(radix_table_address(format, *entry)), level - 1);
            } else if (!search->visit(search->table, start, entry, level, search->context)) {
                search->address = start + span;
                search->is_over = true;
            }
            if (search->is_over) {
                return;
            }
        }
        search->address = start + span;
    }
}

uintptr_t radix_walk(const radix_table_t *table, uintptr_t address, uintptr_t end, radix_visit_t visit, void *context)
{
    radix_search_t search = {.table = table, .address = address, .end = end, .visit = visit, .context = context};

    if (address < end) {
        walk_node(&search, table->root, table->format->levels - 1);
    }
    return search.is_over ? search.address : end;
}

/* Takes the table out that the entry, at `level`, leads to, and all below it. */
static void unlink_whole(radix_search_t *search, uint64_t *entry, uintptr_t address, unsigned level)
{
    const radix_format_t *const format = search->table->format;
    uint64_t *const child = physical_to_pointer(radix_table_address(format, *entry));

    for (unsigned index = 0; level > 1 && index < RADIX_ENTRIES; index++) {
        if (radix_is_present(format, child[index]) && !radix_is_leaf(format, child[index], level - 1)) {
            unlink_whole(search, &child[index], address + index * radix_span(level - 1), level - 1);
        }
    }
    radix_set(search->table, entry, 0, address);
    /* After the store above, so that a CPU that comes by now finds the table's first entry empty as well. */
    __atomic_store_n(child, (uint64_t)(uintptr_t)search->unlinked, __ATOMIC_RELEASE);
    search->unlinked = child;
}

/* Takes out what `node`, at `level`, has in the range; the range is not empty. */
static void unlink_in(radix_search_t *search, uint64_t *node, unsigned level)
{
    const radix_format_t *const format = search->table->format;
    const uint64_t span = radix_span(level);
    uint64_t *entry = entry_of(node, search->address, level);
    uint64_t left = level > 0 ? entries_ahead(search->address, search->end, level) : 0;

    for (; left > 0; left--, entry++) {
        const uintptr_t start = align_down(search->address, span);
        if (radix_is_present(format, *entry) && !radix_is_leaf(format, *entry, level)) {
            if (level <= search->unlink_level_max && search->address == start && search->end - start >= span) {
                unlink_whole(search, entry, start, level);
            } else {
                unlink_in(search, physical_to_pointer(radix_table_address(format, *entry)), level - 1);
            }
        }
        search->address = start + span;
    }
}

static uint64_t *unlink_range(const radix_table_t *table, uintptr_t address, uintptr_t end, unsigned level_max)
{
    radix_search_t search = {.table = table, .address = address, .end = end, .unlink_level_max = level_max};

    if (address < end) {
        unlink_in(&search, table->root, table->format->levels - 1);
    }
    return search.unlinked;
}

uint64_t *radix_unlink(const radix_table_t *table, uintptr_t address, uintptr_t end)
{
    return unlink_range(table, address, end, table->format->levels - 1);
}

uint64_t *radix_unlink_below_root(const radix_table_t *table, uintptr_t address, uintptr_t end)
{
    return unlink_range(table, address, end, table->format->levels - 2);
}

void radix_release(uint64_t *first, void (*release)(void *page, void *context), void *context)
{
    while (first != NULL) {
        uint64_t *const next = (uint64_t *)(uintptr_t)*first;
        release(first, context);
        first = next;
    }
}
