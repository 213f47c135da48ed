/*
 * Statistics of virtual memory, and of the system as a whole: what vm_stats() and the slab core say, in bytes.
 *
 * Spaces, objects and kernel mappings are each one snapshot, taken one after the other; no law spans two of them, but
 * for sums that are made here.
 */
#include "arch/user_page_table.h"
#include "base/units.h"
#include "mm/stats.h"
#include "mm/vm.h"

void stats_virtual_take(stats_virtual_t *stats)
{
    vm_stats_t vm;
    vm_stats(&vm);
    const uint64_t resident = vm.pages_resident * PAGE_SIZE;
    *stats = (stats_virtual_t){
        .total = vm.bytes_mapped + vm.kernel_bytes,
        .allocated = resident + vm.kernel_bytes,
        .reserved = vm.bytes_mapped - resident,
        .private = vm.pages_private * PAGE_SIZE,
        .shared = vm.pages_shared * PAGE_SIZE,
        .large = vm.pages_large * USER_LARGE_PAGE_SIZE,
        .tables = vm.pages_tables * PAGE_SIZE,
        .kernel = vm.kernel_bytes,
        .kernel_limit = vm.kernel_bytes_max,
        .object_bytes = vm.objects_pages * PAGE_SIZE,
        .space_count = vm.spaces_live,
        .area_count = vm.areas,
        .object_count = vm.objects_live,
        .kernel_mapping_count = vm.kernel_mappings,
    };
}

void stats_system_take(stats_system_t *stats)
{
    stats_slab_t slab;
    vm_stats_t vm;
    stats_slab_take(&slab);
    vm_stats(&vm);
    *stats = (stats_system_t){
        .allocations = slab.allocations + slab.large_allocations,
        .frees = slab.frees + slab.large_frees,
        .live = slab.objects_live + slab.large_blocks,
        .failed = slab.failed + slab.large_failed,
        .faults = vm.faults,
        .swapping = 0, /* nothing is ever swapped out */
    };
#define TAKE(field) stats->field = vm.field;
    VM_FAULT_FIELDS(TAKE)
    VM_LIFE_FIELDS(TAKE)
#undef TAKE
}
