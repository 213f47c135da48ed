/*
 * Virtual memory as a whole: its caches, the list of spaces, and the sums over them.
 *
 * Numbers of the moment are summed over the spaces that are there, each under its own lock; what a space has counted is
 * added to `ended` when it leaves. Both happen under the list's lock, so nothing is missed or counted twice.
 */
#include "mm/vm.h"

#include "address_space_internal.h"
#include "base/spinlock.h"
#include "mm/vm/kernel_mapping_internal.h"
#include "mm/vm/memory_object_internal.h"

static spinlock_t spaces_lock = SPINLOCK_INITIALIZER(LOCK_RANK_ADDRESS_SPACES);
static list_t spaces;
static uint64_t spaces_created;
static uint64_t spaces_destroyed;
static uint64_t clones;
static address_space_stats_t ended; /* the faults of spaces that are gone */
static bool is_ready;

/* ---- beginning and end ---- */

typedef struct cache_row {
    kmem_cache_t **cache;
    kmem_cache_config_t config;
} cache_row_t;

static const cache_row_t cache_rows[] = {
    {&vm_space_cache, {"address-space", sizeof(address_space_t), 0}},
    {&vm_area_cache, {"vm-area", sizeof(vm_area_t), 0}},
    {&memory_object_cache, {"memory-object", sizeof(memory_object_t), 0}},
    {&kernel_mapping_cache, {"kernel-mapping", sizeof(kernel_mapping_t), 0}},
};

/* Destroys the first `count` caches; returns how many refused. */
static uint64_t destroy_caches(size_t count)
{
    uint64_t refused = 0;
    for (size_t i = count; i > 0; i--) {
        kmem_cache_t **const cache = cache_rows[i - 1].cache;
        if (kmem_cache_destroy(*cache) == STATUS_OK) {
            *cache = NULL;
        } else {
            refused++;
        }
    }
    return refused;
}

status_t vm_init(void)
{
    if (is_ready) {
        return STATUS_EXISTS;
    }
    if (allocation_context_current() == NULL) {
        return STATUS_NOT_READY;
    }
    for (size_t i = 0; i < ARRAY_COUNT(cache_rows); i++) {
        const status_t status = kmem_cache_create(&cache_rows[i].config, cache_rows[i].cache);
        if (status != STATUS_OK) {
            (void)destroy_caches(i);
            return status;
        }
    }
    list_init(&spaces);
    is_ready = true;
    return STATUS_OK;
}

uint64_t vm_shutdown(void)
{
    vm_stats_t stats;
    if (!is_ready) {
        return 0;
    }
    vm_stats(&stats);
    const uint64_t leaked = stats.spaces_live + stats.objects_live + stats.kernel_mappings;
    if (leaked == 0) {
        is_ready = destroy_caches(ARRAY_COUNT(cache_rows)) != 0;
    }
    return leaked;
}

bool vm_is_ready(void)
{
    return is_ready;
}

/* ---- all spaces ---- */

void vm_space_register(address_space_t *space)
{
    const spinlock_hold_t hold = spinlock_lock(&spaces_lock);
    list_push_back(&spaces, &space->link);
    spaces_created++;
    spinlock_unlock(&spaces_lock, hold);
}

static void add_faults(address_space_stats_t *sum, const address_space_stats_t *stats)
{
#define ADD(field) sum->field += stats->field;
    VM_FAULT_FIELDS(ADD)
#undef ADD
    sum->faults += stats->faults;
}

void vm_space_unregister(address_space_t *space)
{
    address_space_stats_t stats;
    const spinlock_hold_t hold = spinlock_lock(&spaces_lock);
    address_space_stats(space, &stats);
    add_faults(&ended, &stats);
    list_remove(&space->link);
    spaces_destroyed++;
    spinlock_unlock(&spaces_lock, hold);
}

void vm_count_clone(void)
{
    const spinlock_hold_t hold = spinlock_lock(&spaces_lock);
    clones++;
    spinlock_unlock(&spaces_lock, hold);
}

/* ---- numbers ---- */

static void add_space(address_space_stats_t *sum, address_space_t *space)
{
    address_space_stats_t stats;
    address_space_stats(space, &stats);
    add_faults(sum, &stats);
    sum->areas += stats.areas;
    sum->bytes_mapped += stats.bytes_mapped;
    sum->pages_resident += stats.pages_resident;
    sum->pages_private += stats.pages_private;
    sum->pages_shared += stats.pages_shared;
    sum->pages_large += stats.pages_large;
    sum->pages_tables += stats.pages_tables;
}

void vm_stats(vm_stats_t *stats)
{
    memory_object_totals_t objects;
    kernel_mapping_totals_t kernel;
    address_space_stats_t sum = {0};
    *stats = (vm_stats_t){0};
    if (!is_ready) {
        return;
    }
    const spinlock_hold_t hold = spinlock_lock(&spaces_lock);
    add_faults(&sum, &ended);
    LIST_FOR_EACH(&spaces, link)
    {
        add_space(&sum, CONTAINER_OF(link, address_space_t, link));
    }
    stats->spaces_created = spaces_created;
    stats->spaces_destroyed = spaces_destroyed;
    stats->clones = clones;
    spinlock_unlock(&spaces_lock, hold);

    stats->spaces_live = stats->spaces_created - stats->spaces_destroyed;
#define TAKE(field) stats->field = sum.field;
    TAKE(areas)
    TAKE(bytes_mapped)
    TAKE(pages_resident)
    TAKE(pages_private)
    TAKE(pages_shared)
    TAKE(pages_large)
    TAKE(pages_tables)
    TAKE(faults)
    VM_FAULT_FIELDS(TAKE)
#undef TAKE
    memory_object_totals(&objects);
    stats->objects_created = objects.created;
    stats->objects_destroyed = objects.destroyed;
    stats->objects_live = objects.created - objects.destroyed;
    stats->objects_pages = objects.pages;
    kernel_mapping_totals(&kernel);
    stats->kernel_mappings = kernel.mappings;
    stats->kernel_bytes = kernel.bytes;
    stats->kernel_bytes_max = kernel.bytes_max;
}
