/*
 * The memory map: which physical memory exists and what it may be used for, whatever the bootloader.
 *
 * A boot reader adds regions in any order, as untrusted as they came; memory_map_finish() resolves them into a sorted
 * list without overlaps. The map has fixed room and needs no allocator: it is made before there is one. One CPU, at
 * boot; read-only and safe everywhere once finished.
 */
#ifndef MM_MEMORY_MAP_H
#define MM_MEMORY_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"
#include "base/units.h"

/* Ordered by strictness: where regions overlap, the greater type wins. */
typedef enum memory_region_type {
    MEMORY_REGION_HOLE = 0,         /* nothing is there, or nothing said so */
    MEMORY_REGION_AVAILABLE,        /* RAM, free for use */
    MEMORY_REGION_ACPI_RECLAIMABLE, /* RAM that holds ACPI tables */
    MEMORY_REGION_RESERVED,         /* firmware, devices, the kernel itself, boot data */
    MEMORY_REGION_ACPI_NVS,         /* firmware keeps state here */
    MEMORY_REGION_BAD,              /* RAM that failed */
    MEMORY_REGION_TYPE_COUNT
} memory_region_type_t;

/* [base, base + size): in a finished map page-aligned, never empty, never wrapping. */
typedef struct memory_region {
    physical_address_t base;
    uint64_t size_bytes;
    memory_region_type_t type;
} memory_region_t;

/* Regions that may be added, and regions that a finished map may have: cutting overlaps can make more of them. */
#define MEMORY_MAP_INPUT_MAX  512
#define MEMORY_MAP_REGION_MAX (2 * MEMORY_MAP_INPUT_MAX + 1)

typedef struct memory_map {
    memory_region_t input[MEMORY_MAP_INPUT_MAX + 1]; /* one more, while it is decided what gives way */
    size_t input_count;
    size_t input_dropped; /* empty, wrapping, or without room; who reads the boot data tells it in the log */
    memory_region_t regions[MEMORY_MAP_REGION_MAX];
    size_t region_count;
    bool is_finished;
} memory_map_t;

/* "available", "reserved", ...; never NULL. */
const char *memory_region_type_name(memory_region_type_t type);

/* Starts an empty map. */
void memory_map_init(memory_map_t *map);

/*
 * Adds what a bootloader said. Returns STATUS_INVALID for an empty region or an unknown type, STATUS_OUT_OF_RANGE for
 * one whose end wraps past the top of the address space (ending exactly there is fine), and STATUS_BUSY when the map
 * is finished.
 *
 * When the room is out, what loses least memory gives way: the smallest AVAILABLE input, which may be this one
 * (STATUS_NO_MEMORY); or the two closest restrictions become one, with the gap between them. A restriction is never
 * lost.
 */
MUST_USE status_t memory_map_add(memory_map_t *map, physical_address_t base, uint64_t size_bytes,
                                 memory_region_type_t type);

/*
 * Resolves the map: sorts, splits, lets the stricter type win, merges neighbours of one type, aligns AVAILABLE
 * inwards and all else outwards to pages, and cuts off what is at or above `limit`. Returns STATUS_NOT_FOUND when no
 * usable byte is left (the map is finished all the same, and can be printed), and STATUS_BUSY when the map was
 * finished before.
 */
MUST_USE status_t memory_map_finish(memory_map_t *map, physical_address_t limit);

/* Whether the page allocator may hand this region out. */
bool memory_region_is_usable(const memory_region_t *region);

/* The region of a finished map that holds `address`, or NULL in a hole. O(log regions). */
const memory_region_t *memory_map_find(const memory_map_t *map, physical_address_t address);

/* The region that holds `address`, or the first one above it, or NULL: any region, and usable ones only. */
const memory_region_t *memory_map_find_at_or_above(const memory_map_t *map, physical_address_t address);
const memory_region_t *memory_map_find_usable(const memory_map_t *map, physical_address_t address);

/* The sum of all usable regions, in bytes; and the first byte behind the highest usable region (0 without one). */
uint64_t memory_map_usable_bytes(const memory_map_t *map);
physical_address_t memory_map_usable_end(const memory_map_t *map);

/*
 * NULL, or the name of the first invariant of a finished map that does not hold ("M1": sorted ...), as memory_map.c
 * numbers them.
 */
const char *memory_map_validate(const memory_map_t *map);

#endif
