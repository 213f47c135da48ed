/*
 * Walks of a page-table tree. radix_page_table.h says what it looks like.
 *
 * Every loop below steps over an address range, leaf by leaf or by those of one table, and descends at most `levels`
 * levels. New tables are filled before they are linked, by one aligned 64-bit store, so that a walk by the hardware
 * on another CPU sees the old tree or the new one.
 */
#include "radix_page_table.h"

/* Where a walk stopped: an entry, and its level. */
typedef struct radix_place {
    uint64_t *entry;
    unsigned level;
} radix_place_t;

static uint64_t *entry_of(uint64_t *table, uintptr_t address, unsigned level)
{
    return &table[(address >> (PAGE_SHIFT + RADIX_INDEX_BITS * level)) % RADIX_ENTRIES];
}

void radix_set(const radix_table_t *table, uint64_t *entry, uint64_t value, uintptr_t address)
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
    if (table->format->entry_changed != NULL) {
        table->format->entry_changed(address);
    }
}

/* Descends to the leaf or the empty entry for `address`. At level 0 every present entry is a leaf. */
static radix_place_t descend(const radix_table_t *table, uintptr_t address)
{
    const radix_format_t *const format = table->format;
    uint64_t *node = table->root;
    unsigned level = format->levels - 1;

    for (;; level--) {
        uint64_t *const entry = entry_of(node, address, level);
        if (!radix_is_present(format, *entry) || radix_is_leaf(format, *entry, level)) {
            return (radix_place_t){entry, level};
        }
        node = physical_to_pointer(radix_table_address(format, *entry));
    }
}

/* Where the leaf at `place` sends `address`. */
static physical_address_t translate(const radix_table_t *table, radix_place_t place, uintptr_t address)
{
    const physical_address_t base = radix_leaf_address(table->format, *place.entry, place.level);

    return physical_address(base.value + (address & (radix_span(place.level) - 1)));
}

/* Links a table below the empty entry at `place`. */
static status_t link_table(const radix_table_t *table, radix_place_t place, uintptr_t address,
                           machine_page_source_t source, void *context)
{
    void *const page = source(context);
    if (page == NULL) {
        return STATUS_NO_MEMORY;
    }
    machine_zero_page(page);
    radix_set(table, place.entry, table->format->table_entry(pointer_to_physical(page)), address);
    return STATUS_OK;
}

/* Replaces the leaf at `place` by a table of leaves, one level down, that say the same. */
static status_t split_leaf(const radix_table_t *table, radix_place_t place, uintptr_t address,
                           machine_page_source_t source, void *context)
{
    const radix_format_t *const format = table->format;
    const physical_address_t base = radix_leaf_address(format, *place.entry, place.level);
    const page_access_t access = format->leaf_access(*place.entry);
    uint64_t *const node = source(context);

    if (node == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (unsigned index = 0; index < RADIX_ENTRIES; index++) {
        const physical_address_t part = physical_address(base.value + index * radix_span(place.level - 1));
        node[index] = format->leaf_entry(part, place.level - 1, access);
    }
    if (format->entry_broken != NULL) {
        radix_set(table, place.entry, 0, address);
        format->entry_broken(table, align_down(address, radix_span(place.level)), radix_span(place.level));
    }
    radix_set(table, place.entry, format->table_entry(pointer_to_physical(node)), address);
    return STATUS_OK;
}

/* The highest level whose leaves can start at these addresses and stay within `size`. */
static unsigned leaf_level_for(const radix_format_t *format, uintptr_t address, uint64_t physical, uint64_t size)
{
    unsigned level = format->leaf_level_max;

    while (level > 0 && (((address | physical) & (radix_span(level) - 1)) != 0 || size < radix_span(level))) {
        level--;
    }
    return level;
}

static bool range_is_valid(uintptr_t address, uint64_t other, uint64_t size)
{
    return ((address | other | size) & PAGE_OFFSET_MASK) == 0 && (size == 0 || address + (size - 1) >= address);
}

/* How many entries at `level`, from that of `address` on, are of one table and cover nothing beyond `size`. */
static uint64_t entries_within(uintptr_t address, unsigned level, uint64_t size)
{
    const unsigned shift = PAGE_SHIFT + RADIX_INDEX_BITS * level;
    const uint64_t in_table = RADIX_ENTRIES - (address >> shift) % RADIX_ENTRIES;
    const uint64_t in_size = size >> shift;

    return in_table < in_size ? in_table : in_size;
}

/* How many entries are looked at together, before so many are filled. */
#define FILL_TOGETHER 8

static bool are_empty(const uint64_t *entries, uint64_t present_mask)
{
    uint64_t any = 0;

    for (unsigned index = 0; index < FILL_TOGETHER; index++) {
        any |= entries[index];
    }
    return (any & present_mask) == 0;
}

/*
 * Fills the entries from `entry` on, up to `end` or the first that is present: with `value`, and `distance` more from
 * one to the next. Returns behind the last.
 *
 * Mapping a terabyte is this loop, once for each GiB. A page alone is none of its business.
 */
static NOINLINE uint64_t *fill_empty(uint64_t *entry, const uint64_t *end, uint64_t value, uint64_t distance,
                                     uint64_t present_mask)
{
    __atomic_thread_fence(__ATOMIC_RELEASE); /* what the pages hold is seen before any of the entries */
    while (end - entry >= FILL_TOGETHER && are_empty(entry, present_mask)) {
        for (unsigned index = 0; index < FILL_TOGETHER; index++) {
            __atomic_store_n(&entry[index], value, __ATOMIC_RELAXED);
            value += distance;
        }
        entry += FILL_TOGETHER;
    }
    while (entry != end && (*entry & present_mask) == 0) {
        __atomic_store_n(entry++, value, __ATOMIC_RELAXED);
        value += distance;
    }
    return entry;
}

/*
 * Makes the empty entry at `place` lead to `physical`: a table, or a leaf if one may stand there, and then the empty
 * entries behind it in the same table as well. Says how far that got in *step.
 */
static status_t fill_entry(const radix_table_t *table, radix_place_t place, uintptr_t address,
                           physical_address_t physical, uint64_t size, page_access_t access,
                           machine_page_source_t source, void *context, uint64_t *step)
{
    const radix_format_t *const format = table->format;

    if (place.level > leaf_level_for(format, address, physical.value, size)) {
        *step = 0;
        return link_table(table, place, address, source, context);
    }
    const uint64_t span = radix_span(place.level);
    const uint64_t entry = format->leaf_entry(physical, place.level, access);
    __atomic_store_n(place.entry, entry, __ATOMIC_RELEASE);
    *step = span;
    if (size - span >= span) {
        const uint64_t distance = span >> format->address_shift;
        const uint64_t *const end =
            fill_empty(place.entry + 1, place.entry + entries_within(address, place.level, size), entry + distance,
                       distance, format->present_mask);
        *step = (uint64_t)(end - place.entry) * span;
    }
    if (format->entry_changed != NULL) {
        format->entry_changed(address);
    }
    return STATUS_OK;
}

/*
 * How far the leaf at `place`, and those behind it in the same table that are of its kind, send what is at `address` to
 * `physical`, up to `size`. 0 when this leaf sends it elsewhere.
 */
static uint64_t length_mapped(const radix_table_t *table, radix_place_t place, uintptr_t address,
                              physical_address_t physical, uint64_t size)
{
    const radix_format_t *const format = table->format;

    if (translate(table, place, address).value != physical.value) {
        return 0;
    }
    const uint64_t span = radix_span(place.level);
    const uint64_t offset = address & (span - 1);
    const uint64_t distance = span >> format->address_shift;
    const uint64_t mask =
        (format->address_mask & ~(distance - 1)) | format->present_mask | (place.level > 0 ? format->leaf_mask : 0);
    const uint64_t *const end = place.entry + entries_within(address, place.level, offset + size);
    const uint64_t *entry = place.entry;
    uint64_t expected = *entry & mask;
    do {
        entry++;
        expected += distance;
    } while (entry < end && (*entry & mask) == expected);
    const uint64_t length = (uint64_t)(entry - place.entry) * span - offset;
    return length < size ? length : size;
}

status_t radix_map(const radix_table_t *table, uintptr_t address, physical_address_t physical, uint64_t size,
                   page_access_t access, machine_page_source_t source, void *context)
{
    const radix_format_t *const format = table->format;

    if (!range_is_valid(address, physical.value, size)) {
        return STATUS_INVALID;
    }
    while (size != 0) {
        const radix_place_t place = descend(table, address);
        uint64_t step;

        if (radix_is_present(format, *place.entry)) {
            step = length_mapped(table, place, address, physical, size);
            if (step == 0) {
                return STATUS_EXISTS;
            }
        } else {
            const status_t status = fill_entry(table, place, address, physical, size, access, source, context, &step);
            if (status != STATUS_OK) {
                return status;
            }
        }
        address += step;
        physical.value += step;
        size -= step;
    }
    return STATUS_OK;
}

status_t radix_protect(const radix_table_t *table, uintptr_t address, uint64_t size, page_access_t access,
                       machine_page_source_t source, void *context)
{
    const radix_format_t *const format = table->format;

    if (!range_is_valid(address, 0, size)) {
        return STATUS_INVALID;
    }
    while (size != 0) {
        const radix_place_t place = descend(table, address);
        uint64_t step = 0;

        if (!radix_is_present(format, *place.entry)) {
            return STATUS_NOT_FOUND;
        }
        if ((address & (radix_span(place.level) - 1)) != 0 || size < radix_span(place.level)) {
            const status_t status = split_leaf(table, place, address, source, context);
            if (status != STATUS_OK) {
                return status;
            }
        } else {
            const physical_address_t physical = radix_leaf_address(format, *place.entry, place.level);
            radix_set(table, place.entry, format->leaf_entry(physical, place.level, access), address);
            step = radix_span(place.level);
        }
        address += step;
        size -= step;
    }
    return STATUS_OK;
}

bool radix_find(const radix_table_t *table, uintptr_t address, radix_leaf_t *leaf)
{
    const radix_place_t place = descend(table, address);

    if (!radix_is_present(table->format, *place.entry)) {
        return false;
    }
    leaf->address = translate(table, place, address);
    leaf->access = table->format->leaf_access(*place.entry);
    leaf->level = place.level;
    return true;
}

status_t radix_prepare(const radix_table_t *table, uintptr_t address, unsigned level, machine_page_source_t source,
                       void *context)
{
    for (;;) {
        const radix_place_t place = descend(table, address);
        if (place.level <= level || radix_is_present(table->format, *place.entry)) {
            return STATUS_OK;
        }
        const status_t status = link_table(table, place, address, source, context);
        if (status != STATUS_OK) {
            return status;
        }
    }
}

status_t radix_split(const radix_table_t *table, uintptr_t address, machine_page_source_t source, void *context)
{
    for (;;) {
        const radix_place_t place = descend(table, address);
        if (!radix_is_present(table->format, *place.entry) || (address & (radix_span(place.level) - 1)) == 0) {
            return STATUS_OK;
        }
        const status_t status = split_leaf(table, place, address, source, context);
        if (status != STATUS_OK) {
            return status;
        }
    }
}
