/*
 * The memory map: taking what a bootloader says, and answering questions about the finished map.
 *
 * Nothing that comes in is trusted; what leaves memory_map_finish() (resolve.c) is. The room is fixed, so that hostile or
 * merely chatty firmware can fill it. What gives way then is decided in one place, make_room(): a restriction may grow, and
 * AVAILABLE memory may be forgotten, but nothing that was restricted ever becomes available.
 */
#include "mm/memory_map.h"

#include "mm/memory_map/memory_map_internal.h"

const char *memory_region_type_name(memory_region_type_t type)
{
    static const char *const names[MEMORY_REGION_TYPE_COUNT] = {
        "hole", "available", "acpi-reclaimable", "reserved", "acpi-nvs", "bad",
    };
    return (unsigned)type < MEMORY_REGION_TYPE_COUNT ? names[type] : "unknown";
}

void memory_map_init(memory_map_t *map)
{
    map->input_count = 0;
    map->input_dropped = 0;
    map->region_count = 0;
    map->is_finished = false;
}

/* The number of bytes between two regions; 0 when they touch or overlap. */
static uint64_t gap_between(const memory_region_t *left, const memory_region_t *right)
{
    if (left->base.value > right->base.value) {
        const memory_region_t *const swapped = left;
        left = right;
        right = swapped;
    }
    const uint64_t left_last = memory_region_last(left);
    return right->base.value <= left_last ? 0 : right->base.value - left_last - 1;
}

/* Makes `region` the smallest one that covers itself and `other`, of the stricter type. */
static void region_swallow(memory_region_t *region, const memory_region_t *other)
{
    const uint64_t last = memory_region_last(region);
    const uint64_t other_last = memory_region_last(other);
    if (other->base.value < region->base.value) {
        region->base = other->base;
    }
    region->size_bytes = (other_last > last ? other_last : last) - region->base.value + 1;
    if (other->type > region->type) {
        region->type = other->type;
    }
}

/*
 * Takes `added` into a full map, at the least loss of memory: it either replaces the smallest AVAILABLE input, or, when it is a
 * restriction, joins the nearest other restriction together with the gap between them. Returns false when it was `added` that
 * had to be left out; that is an AVAILABLE one, always.
 */
static bool make_room(memory_map_t *map, const memory_region_t *added)
{
    memory_region_t *smallest = NULL;
    memory_region_t *nearest = NULL;
    for (size_t i = 0; i < map->input_count; i++) {
        memory_region_t *const input = &map->input[i];
        if (input->type == MEMORY_REGION_AVAILABLE) {
            if (smallest == NULL || input->size_bytes < smallest->size_bytes) {
                smallest = input;
            }
        } else if (nearest == NULL || gap_between(input, added) < gap_between(nearest, added)) {
            nearest = input;
        }
    }
    map->input_dropped++;
    if (added->type == MEMORY_REGION_AVAILABLE) {
        if (smallest == NULL || smallest->size_bytes >= added->size_bytes) {
            return false;
        }
        *smallest = *added;
        return true;
    }
    if (nearest != NULL && (smallest == NULL || gap_between(nearest, added) <= smallest->size_bytes)) {
        region_swallow(nearest, added);
    } else {
        *smallest = *added; /* the map is full, so that without a restriction in it there is an AVAILABLE one */
    }
    return true;
}

status_t memory_map_add(memory_map_t *map, physical_address_t base, uint64_t size_bytes, memory_region_type_t type)
{
    if (map->is_finished) {
        return STATUS_BUSY;
    }
    if (size_bytes == 0 || (unsigned)type >= MEMORY_REGION_TYPE_COUNT) {
        map->input_dropped++;
        return STATUS_INVALID;
    }
    if (size_bytes - 1 > UINT64_MAX - base.value) {
        map->input_dropped++;
        return STATUS_OUT_OF_RANGE;
    }
    if (type == MEMORY_REGION_HOLE) {
        return STATUS_OK; /* what nobody mentions is a hole already, and everything else wins over it */
    }
    const memory_region_t added = {base, size_bytes, type};
    if (map->input_count == MEMORY_MAP_INPUT_MAX) {
        return make_room(map, &added) ? STATUS_OK : STATUS_NO_MEMORY;
    }
    map->input[map->input_count++] = added;
    return STATUS_OK;
}

bool memory_region_is_usable(const memory_region_t *region)
{
    return region->type == MEMORY_REGION_AVAILABLE;
}

/* The index of the first region that ends above `address`; region_count when there is none. */
static size_t first_region_above(const memory_map_t *map, uint64_t address)
{
    size_t low = 0;
    size_t high = map->region_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (memory_region_last(&map->regions[middle]) < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const memory_region_t *memory_map_find(const memory_map_t *map, physical_address_t address)
{
    const memory_region_t *const region = memory_map_find_at_or_above(map, address);
    return region != NULL && region->base.value <= address.value ? region : NULL;
}

const memory_region_t *memory_map_find_at_or_above(const memory_map_t *map, physical_address_t address)
{
    const size_t index = first_region_above(map, address.value);
    return index < map->region_count ? &map->regions[index] : NULL;
}

const memory_region_t *memory_map_find_usable(const memory_map_t *map, physical_address_t address)
{
    for (size_t i = first_region_above(map, address.value); i < map->region_count; i++) {
        if (memory_region_is_usable(&map->regions[i])) {
            return &map->regions[i];
        }
    }
    return NULL;
}

uint64_t memory_map_usable_bytes(const memory_map_t *map)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < map->region_count; i++) {
        bytes += memory_region_is_usable(&map->regions[i]) ? map->regions[i].size_bytes : 0;
    }
    return bytes;
}

physical_address_t memory_map_usable_end(const memory_map_t *map)
{
    for (size_t i = map->region_count; i-- > 0;) {
        if (memory_region_is_usable(&map->regions[i])) {
            return physical_address(memory_region_last(&map->regions[i]) + 1);
        }
    }
    return physical_address(0);
}
