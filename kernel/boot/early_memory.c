/*
 * Memory before the page allocator: page tables for memory that boot's own tables do not reach.
 *
 * The pages come from the end of the largest available region that can be reached already. How many could be needed follows from the
 * regions' sizes; only those that were taken are reserved in the final map, which is made from the draft's inputs and that one
 * more.
 */
#include "boot.h"

#include "arch/machine.h"
#include "base/log.h"

/* A run of pages that is handed out from its start. */
typedef struct early_pages {
    uint64_t start;
    uint64_t next;
    uint64_t end;
} early_pages_t;

static void *take_page(void *context)
{
    early_pages_t *const pages = context;
    if (pages->next == pages->end) {
        return NULL;
    }
    void *const page = physical_to_pointer(physical_address(pages->next));
    pages->next += PAGE_SIZE;
    return page;
}

/*
 * No fewer page tables than mapping `size_bytes` in a row can take: a table for each GiB and each 512 GiB that it touches, and one
 * at each end whose pages are single.
 */
static uint64_t tables_at_most(uint64_t size_bytes)
{
    return (size_bytes >> 30) + 2 + (size_bytes >> 39) + 2 + 2;
}

/* The pages that mapping all memory above `window_end` may take, at the end of the largest region that has them. */
static early_pages_t find_early_pages(const memory_map_t *draft, uint64_t window_end)
{
    uint64_t count = 0;
    const memory_region_t *largest = NULL;
    for (size_t index = 0; index < draft->region_count; index++) {
        const memory_region_t *const region = &draft->regions[index];
        if (!memory_region_is_usable(region)) {
            continue;
        }
        const uint64_t end = region->base.value + region->size_bytes;
        if (end > window_end) {
            count += tables_at_most(region->size_bytes);
        } else if (largest == NULL || region->size_bytes > largest->size_bytes) {
            largest = region;
        }
    }
    if (largest == NULL || count == 0) {
        return (early_pages_t){0, 0, 0};
    }
    /* Of a machine with far more memory above the window than in it, only what half the region can map is used. */
    const uint64_t room = largest->size_bytes / PAGE_SIZE / 2;
    const uint64_t taken = count < room ? count : room;
    const uint64_t end = largest->base.value + largest->size_bytes;
    return (early_pages_t){end - taken * PAGE_SIZE, end - taken * PAGE_SIZE, end};
}

/* Adds to a map under construction; what it refuses can only be an available region for which there was no room. */
static void add(memory_map_t *map, uint64_t base, uint64_t size_bytes, memory_region_type_t type)
{
    const status_t status = memory_map_add(map, physical_address(base), size_bytes, type);
    if (status != STATUS_OK) {
        log_line("memory map: region 0x%llx size 0x%llx left out: %s", (unsigned long long)base,
                 (unsigned long long)size_bytes, status_name(status));
    }
}

/* Maps each usable region; those that can't be are added to `map` as reserved. */
static void map_regions(const memory_map_t *draft, early_pages_t *pages, memory_map_t *map)
{
    for (size_t index = 0; index < draft->region_count; index++) {
        const memory_region_t *const region = &draft->regions[index];
        if (!memory_region_is_usable(region)) {
            continue;
        }
        const status_t status = machine_map_memory(region->base, region->size_bytes, take_page, pages);
        if (status != STATUS_OK) {
            log_line("memory: 0x%llx size 0x%llx can't be mapped (%s) and is left alone",
                     (unsigned long long)region->base.value, (unsigned long long)region->size_bytes,
                     status_name(status));
            add(map, region->base.value, region->size_bytes, MEMORY_REGION_RESERVED);
        }
    }
}

status_t boot_map_memory(const memory_map_t *draft, uint64_t window_end, memory_map_t *map)
{
    memory_map_init(map);
    for (size_t index = 0; index < draft->input_count; index++) {
        const memory_region_t *const input = &draft->input[index];
        add(map, input->base.value, input->size_bytes, input->type);
    }
    early_pages_t pages = find_early_pages(draft, window_end);
    map_regions(draft, &pages, map);
    if (pages.next != pages.start) {
        add(map, pages.start, pages.next - pages.start, MEMORY_REGION_RESERVED);
    }
    return memory_map_finish(map, physical_address(machine_physical_limit()));
}
