/*
 * The whole world: the allocators over an arena with holes and reserved stretches as a PC has them, and threads as CPUs.
 */
#include "testing/host/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "arch/cpu_jobs.h"
#include "arch/memory_tags.h"
#include "base/units.h"
#include "host.h"
#include "mm/allocation_context.h"
#include "mm/kmem_cache.h"
#include "mm/memory_map.h"
#include "mm/pages.h"
#include "mm/vm.h"

/* Address space, not memory: the system gives pages as they are touched. */
#define ARENA_BYTES GIB(3)
#define CPU_COUNT   4u

static memory_map_t map; /* the page allocator keeps a pointer to it */

static void require(status_t status, const char *what)
{
    if (status != STATUS_OK) {
        fprintf(stderr, "host world: %s: %s\n", what, status_name(status));
        exit(2);
    }
}

static void add(uint64_t start, uint64_t end, memory_region_type_t type)
{
    require(memory_map_add(&map, physical_address(start), end - start, type), "memory map");
}

/* In the world of the suite that is about it, free pages are closed. */
static void watch_pages(void)
{
#ifdef WORLD_IS_WATCHED
    void *const scratch = pages_alloc(MEMORY_TAGS_SCRATCH_PAGES);
    require(scratch != NULL ? STATUS_OK : STATUS_NO_MEMORY, "tags");
    require(memory_tags_start(scratch), "tags");
    pages_watch();
    pages_free(scratch, MEMORY_TAGS_SCRATCH_PAGES);
#endif
}

void world_start(void)
{
    require(host_start(ARENA_BYTES), "arena");
    require(allocation_contexts_attach_boot(cpu_current()), "contexts");

    memory_map_init(&map);
    add(0, KIB(640), MEMORY_REGION_AVAILABLE);
    add(0, PAGE_SIZE, MEMORY_REGION_RESERVED);
    add(KIB(640), MIB(1), MEMORY_REGION_RESERVED);
    add(MIB(1), MIB(700), MEMORY_REGION_AVAILABLE);
    add(MIB(3), MIB(5) + KIB(4), MEMORY_REGION_RESERVED);
    add(MIB(300), MIB(300) + KIB(60), MEMORY_REGION_BAD);
    /* From 700 MiB to 1100 MiB there is a hole; the rest lies in three of the tree's 1 GiB regions. */
    add(MIB(1100), ARENA_BYTES, MEMORY_REGION_AVAILABLE);
    require(memory_map_finish(&map, physical_address(ARENA_BYTES)), "memory map");
    require(pages_init(&map), "pages");
    watch_pages();
    require(slab_init(), "slab");
    require(vm_init(), "virtual memory");

    host_set_cpu_count(CPU_COUNT);
    (void)cpu_find_all();
    if (cpu_start_all(allocation_contexts_attach, cpu_jobs_idle) != CPU_COUNT) {
        require(STATUS_NO_MEMORY, "threads");
    }
}
