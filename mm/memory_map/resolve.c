/*
 * From what a bootloader said to a map that can be relied on.
 *
 *   inputs     [ available                           ]          any order, overlapping, any alignment
 *                      [ reserved ]    [ bad ]
 *   finished   [avail  ][ reserved ][a][ bad ][avail ]          sorted, disjoint, whole pages
 *
 * One sweep from the lowest address up, over inputs sorted by base. At each stop the strictest of the inputs there
 * decides, and holds until the next place where an input begins or ends. A stop looks at the inputs from the first
 * that has not ended to the first that can't begin before the next stop: a few of a usual map, and all of a hostile
 * one, so that n inputs cost n * 2n steps at most (half a million for a map that is full) and no memory.
 *
 * A page that a restriction touches is restricted as a whole: restrictions grow to whole pages before the sweep.
 * AVAILABLE shrinks to whole pages after it, so that two AVAILABLE inputs that meet within a page make that page usable
 * together.
 *
 * Invariants of a finished map, which memory_map_validate() checks
 *   M1  regions are sorted by base and don't overlap
 *   M2  regions are whole pages, not empty, and end at or below 2^64 - PAGE_SIZE
 *   M3  regions of one type don't touch
 *   M4  types are known, and none is a hole
 *   M5  the map is finished and its counts are within its room
 */
#include "mm/memory_map/memory_map_internal.h"

/*
 * An input as the sweep sees it: cut at the limit, restrictions grown to whole pages; false when nothing of it is left.
 */
static bool input_bounds(const memory_region_t *input, uint64_t limit, uint64_t *first, uint64_t *last)
{
    if (input->base.value >= limit) {
        return false;
    }
    *first = input->base.value;
    *last = memory_region_last(input);
    if (input->type != MEMORY_REGION_AVAILABLE) {
        *first &= ~(uint64_t)PAGE_OFFSET_MASK;
        *last |= PAGE_OFFSET_MASK;
    }
    if (*last >= limit) {
        *last = limit - 1;
    }
    return true;
}

/* What holds from one stop of the sweep to the next. */
typedef struct sweep_stop {
    memory_region_type_t type; /* MEMORY_REGION_HOLE when no input covers the stop */
    uint64_t next;             /* the next stop; `limit` when there is none */
} sweep_stop_t;

/* Looks at the inputs from *from on, and moves that on over those that end below `position`. */
static sweep_stop_t sweep_at(const memory_map_t *map, uint64_t position, uint64_t limit, size_t *from)
{
    sweep_stop_t stop = {MEMORY_REGION_HOLE, limit};
    for (size_t i = *from; i < map->input_count; i++) {
        uint64_t first;
        uint64_t last;
        if (align_down(map->input[i].base.value, PAGE_SIZE) >= stop.next) {
            break; /* nor can any behind it begin before, even grown to whole pages */
        }
        if (!input_bounds(&map->input[i], limit, &first, &last) || last < position) {
            *from += *from == i;
            continue;
        }
        if (first <= position && map->input[i].type > stop.type) {
            stop.type = map->input[i].type;
        }
        const uint64_t change = first > position ? first : last + 1; /* last < limit, so that this does not wrap */
        if (change < stop.next) {
            stop.next = change;
        }
    }
    return stop;
}

/* Adds [first, next) at the end of the regions, or to the last one when that is its continuation. */
static void append(memory_map_t *map, uint64_t first, uint64_t next, memory_region_type_t type)
{
    if (map->region_count > 0) {
        memory_region_t *const previous = &map->regions[map->region_count - 1];
        if (previous->type == type && previous->base.value + previous->size_bytes == first) {
            previous->size_bytes += next - first;
            return;
        }
    }
    /* There is room: between two stops lies one region, and n inputs make at most 2n stops. */
    map->regions[map->region_count++] = (memory_region_t){physical_address(first), next - first, type};
}

/* Shrinks AVAILABLE regions to whole pages and closes the list over those that held none. */
static void align_available(memory_map_t *map)
{
    size_t kept = 0;
    for (size_t i = 0; i < map->region_count; i++) {
        memory_region_t region = map->regions[i];
        if (region.type == MEMORY_REGION_AVAILABLE) {
            const uint64_t first = align_up(region.base.value, PAGE_SIZE); /* below the limit, hence no wrap */
            const uint64_t end = align_down(region.base.value + region.size_bytes, PAGE_SIZE);
            if (first >= end) {
                continue;
            }
            region.base = physical_address(first);
            region.size_bytes = end - first;
        }
        map->regions[kept++] = region;
    }
    map->region_count = kept;
}

status_t memory_map_finish(memory_map_t *map, physical_address_t limit)
{
    if (map->is_finished) {
        return STATUS_BUSY;
    }
    const uint64_t whole_limit = align_down(limit.value, PAGE_SIZE);
    size_t from = 0;
    map->region_count = 0;
    memory_map_sort_inputs(map);
    for (uint64_t position = 0; position < whole_limit;) {
        const sweep_stop_t stop = sweep_at(map, position, whole_limit, &from);
        if (stop.type != MEMORY_REGION_HOLE) {
            append(map, position, stop.next, stop.type);
        }
        position = stop.next;
    }
    align_available(map);
    map->is_finished = true;
    return memory_map_usable_bytes(map) == 0 ? STATUS_NOT_FOUND : STATUS_OK;
}

const char *memory_map_validate(const memory_map_t *map)
{
    if (!map->is_finished || map->input_count > MEMORY_MAP_INPUT_MAX || map->region_count > MEMORY_MAP_REGION_MAX) {
        return "M5";
    }
    for (size_t i = 0; i < map->region_count; i++) {
        const memory_region_t *const region = &map->regions[i];
        const uint64_t first = region->base.value;
        if (region->size_bytes == 0 || ((first | region->size_bytes) & PAGE_OFFSET_MASK) != 0 ||
            first + region->size_bytes < first) {
            return "M2";
        }
        if ((unsigned)region->type >= MEMORY_REGION_TYPE_COUNT || region->type == MEMORY_REGION_HOLE) {
            return "M4";
        }
        if (i == 0) {
            continue;
        }
        const memory_region_t *const previous = &map->regions[i - 1];
        const uint64_t previous_end = previous->base.value + previous->size_bytes;
        if (first < previous_end) {
            return "M1";
        }
        if (first == previous_end && region->type == previous->type) {
            return "M3";
        }
    }
    return NULL;
}
