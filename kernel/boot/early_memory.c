/*
 * Memory before the page allocator: page tables for memory that boot's own tables do not reach.
 *
 * The pages come from the end of the largest part of an available region that can be reached already. How many could be needed follows from the
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

/* The pages that mapping all memory outside the window may take, at the end of the largest part of a region in it. */
static early_pages_t find_early_pages(const memory_map_t *draft, uint64_t window_start, uint64_t window_end)
{
    uint64_t count = 0;
    uint64_t largest = 0;
    uint64_t largest_end = 0;
    for (size_t index = 0; index < draft->region_count; index++) {
        const memory_region_t *const region = &draft->regions[index];
        if (!memory_region_is_usable(region)) {
            continue;
        }
        const uint64_t region_end = region->base.value + region->size_bytes;
        const uint64_t start = region->base.value > window_start ? region->base.value : window_start;
        const uint64_t end = region_end < window_end ? region_end : window_end;
        if (region->base.value < window_start || region_end > window_end) {
            count += tables_at_most(region->size_bytes);
        }
        if (start < end && end - start > largest) {
            largest = end - start;
            largest_end = end;
        }
    }
    /* Of a machine with far more memory outside the window than in it, only what half the part can map is used. */
    const uint64_t room = largest / PAGE_SIZE / 2;
    const uint64_t taken = count < room ? count : room;
    return (early_pages_t){largest_end - taken * PAGE_SIZE, largest_end - taken * PAGE_SIZE, largest_end};
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

status_t boot_map_memory(const memory_map_t *draft, const boot_handoff_t *handoff, memory_map_t *map)
{
    memory_map_init(map);
    for (size_t index = 0; index < draft->input_count; index++) {
        const memory_region_t *const input = &draft->input[index];
        add(map, input->base.value, input->size_bytes, input->type);
    }
    early_pages_t pages = find_early_pages(draft, handoff->window_start.value, handoff->window_end.value);
    map_regions(draft, &pages, map);
    if (pages.next != pages.start) {
        add(map, pages.start, pages.next - pages.start, MEMORY_REGION_RESERVED);
    }
    return memory_map_finish(map, physical_address(machine_physical_limit()));
}
