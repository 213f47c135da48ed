/*
 * What the files of the memory map share, and nobody else needs.
 */
#ifndef MEMORY_MAP_INTERNAL_H
#define MEMORY_MAP_INTERNAL_H

#include "mm/memory_map.h"

/* The last byte of a region that is not empty. The end itself may be 2^64, which no address can say. */
static inline uint64_t memory_region_last(const memory_region_t *region)
{
    return region->base.value + (region->size_bytes - 1);
}

/* Sorts the inputs by base. Cheap when they are sorted already, or nearly. */
void memory_map_sort_inputs(memory_map_t *map);

#endif
