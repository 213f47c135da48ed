/*
 * The memory map: taking what a bootloader says, and answering questions about the finished map.
 *
 * Nothing that comes in is trusted; what leaves memory_map_finish() (resolve.c) is. The room is fixed, so that hostile
 * or merely chatty firmware can fill it. What gives way then is decided in one place, make_room(): a restriction may
 * grow, and AVAILABLE memory may be forgotten, but nothing that was restricted ever becomes available.
 */
#include "mm/memory_map.h"
#include "base/check.h"

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

/* By insertion: a full map stays nearly sorted from one addition to the next. */
void memory_map_sort_inputs(memory_map_t *map)
{
    for (size_t i = 1; i < map->input_count; i++) {
        const memory_region_t moving = map->input[i];
        size_t hole = i;
        for (; hole > 0 && map->input[hole - 1].base.value > moving.base.value; hole--) {
            map->input[hole] = map->input[hole - 1];
        }
        map->input[hole] = moving;
    }
}

static void remove_input(memory_map_t *map, size_t index)
{
    map->input_count--;
    for (size_t i = index; i < map->input_count; i++) {
        map->input[i] = map->input[i + 1];
    }
}

/*
 * Takes a map that has one input too many down to its room, at the least loss of memory: either the smallest AVAILABLE
 * input goes, or the two restrictions that are closest to each other become one, together with the gap between them.
 * Returns what was given up: an AVAILABLE region, or a hole when two were joined.
 */
static memory_region_t make_room(memory_map_t *map)
{
    memory_region_t *smallest = NULL;
    memory_region_t *farthest = NULL; /* the restriction that reaches farthest so far */
    memory_region_t *left = NULL;     /* the closest two so far, and the bytes between them */
    memory_region_t *right = NULL;
    uint64_t gap = UINT64_MAX;
    const size_t count = map->input_count;
    map->input_dropped++;
    memory_map_sort_inputs(map);
    for (size_t i = 0; i < count; i++) {
        memory_region_t *const input = &map->input[i];
        if (input->type == MEMORY_REGION_AVAILABLE) {
            smallest = smallest == NULL || input->size_bytes < smallest->size_bytes ? input : smallest;
            continue;
        }
        if (farthest != NULL) {
            const uint64_t last = memory_region_last(farthest);
            const uint64_t between = input->base.value > last ? input->base.value - last - 1 : 0;
            if (left == NULL || between < gap) {
                left = farthest;
                right = input;
                gap = between;
            }
        }
        if (farthest == NULL || memory_region_last(input) > memory_region_last(farthest)) {
            farthest = input;
        }
    }
    if (left != NULL && (smallest == NULL || gap < smallest->size_bytes)) {
        region_swallow(left, right);
        remove_input(map, (size_t)(right - map->input));
        return (memory_region_t){left->base, 0, MEMORY_REGION_HOLE};
    }
    CHECK(smallest != NULL, "memory map with neither a pair of restrictions nor memory");
    const memory_region_t given_up = *smallest;
    remove_input(map, (size_t)(smallest - map->input));
    return given_up;
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
    map->input[map->input_count++] = (memory_region_t){base, size_bytes, type};
    if (map->input_count <= MEMORY_MAP_INPUT_MAX) {
        return STATUS_OK;
    }
    const memory_region_t given_up = make_room(map);
    return given_up.type == type && given_up.base.value == base.value && given_up.size_bytes == size_bytes
               ? STATUS_NO_MEMORY
               : STATUS_OK;
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
