/*
 * Allocation tracking: a table of records in pages of its own, found by address.
 *
 * The table is set-associative: an address hashes to a bucket of a few records, so that a look-up reads one bucket
 * and nothing is ever moved. A record stays after the free, for the report of a later misuse, until its place is
 * needed.
 *
 * The lock guards the table; nothing is called under it.
 */
#include "mm/slab/slab_debug.h"

#include "arch/page_backend.h"
#include "base/check.h"
#include "base/log.h"

#define BUCKET_RECORDS 8u
#define POISON_BYTE    0x6b

static spinlock_t table_lock = SPINLOCK_INITIALIZER(LOCK_RANK_TRACKING);
static slab_record_t *table;
static size_t bucket_count; /* a power of two */
static size_t table_pages;
static uint64_t operations;
static uint64_t untracked;

/* Fibonacci hashing (Knuth, TAOCP 3, 6.4): addresses differ in their middle bits. */
static slab_record_t *bucket_of(uintptr_t address)
{
    const uint64_t hash = ((uint64_t)address >> PAGE_CODE_SHIFT_MIN) * UINT64_C(0x9e3779b97f4a7c15);
    return &table[((hash >> 32) & (bucket_count - 1)) * BUCKET_RECORDS];
}

/* The record of `address`, or NULL. The lock is held. */
static slab_record_t *find(uintptr_t address)
{
    if (table == NULL) {
        return NULL;
    }
    slab_record_t *const bucket = bucket_of(address);
    for (unsigned i = 0; i < BUCKET_RECORDS; i++) {
        if (bucket[i].address == address) {
            return &bucket[i];
        }
    }
    return NULL;
}

/*
 * A place for `address`: its own, an empty one, or that of the object freed longest ago; NULL when all are live. The
 * lock is held.
 */
static slab_record_t *place_for(uintptr_t address)
{
    slab_record_t *best = find(address);
    if (best != NULL || table == NULL) {
        return best;
    }
    slab_record_t *const bucket = bucket_of(address);
    for (unsigned i = 0; i < BUCKET_RECORDS; i++) {
        if (bucket[i].address == 0) {
            return &bucket[i];
        }
        if (bucket[i].freed_by != 0 && (best == NULL || bucket[i].freed_at < best->freed_at)) {
            best = &bucket[i];
        }
    }
    return best;
}

/* The first byte of a freed object that is no longer poison, or -1. */
NOT_NULL static int64_t first_spoiled(const unsigned char *object, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (object[i] != POISON_BYTE) {
            return (int64_t)i;
        }
    }
    return -1;
}

void slab_debug_on_alloc(const kmem_cache_t *cache, void *object, uintptr_t caller)
{
    const uintptr_t address = (uintptr_t)object;
    const spinlock_hold_t hold = spinlock_lock(&table_lock);
    slab_record_t *const record = place_for(address);
    const bool was_poisoned = record != NULL && record->address == address && record->freed_by != 0;
    const int64_t spoiled = was_poisoned ? first_spoiled(object, cache->object_size) : -1;
    if (record == NULL) {
        untracked++;
    } else if (spoiled < 0) {
        *record = (slab_record_t){.address = address,
                                  .allocated_by = caller,
                                  .allocated_at = ++operations,
                                  .size_bytes = cache->object_size,
                                  .allocated_cpu = (uint16_t)cpu_current()->index};
    }
    spinlock_unlock(&table_lock, hold);

    if (UNLIKELY(spoiled >= 0)) {
        log_line("slab: object %p of cache %s was written after its free: byte %zu is %02x", object, cache->name,
                 (size_t)spoiled, ((const unsigned char *)object)[spoiled]);
        slab_debug_describe(address);
    }
    CHECK(spoiled < 0, "write after free");
}

void slab_debug_on_free(const slab_t *slab, uintptr_t address, uintptr_t caller)
{
    const spinlock_hold_t hold = spinlock_lock(&table_lock);
    slab_record_t *const record = find(address);
    if (record != NULL && record->freed_by == 0) {
        record->freed_by = caller;
        record->freed_at = ++operations;
        record->freed_cpu = (uint16_t)cpu_current()->index;
        __builtin_memset((void *)address, POISON_BYTE, slab->cache->object_size);
    }
    spinlock_unlock(&table_lock, hold);
}

void slab_debug_forget(const slab_t *slab)
{
    if (LIKELY(!slab_debug_is_on())) {
        return;
    }
    const spinlock_hold_t hold = spinlock_lock(&table_lock);
    for (unsigned i = 0; i < slab->cache->objects_per_slab; i++) {
        slab_record_t *const record = find(slab->base + (uintptr_t)i * slab->cache->object_size);
        if (record != NULL) {
            *record = (slab_record_t){0};
        }
    }
    spinlock_unlock(&table_lock, hold);
}

bool slab_debug_find(uintptr_t address, slab_record_t *record)
{
    const spinlock_hold_t hold = spinlock_lock(&table_lock);
    const slab_record_t *const found = find(address);
    if (found != NULL) {
        *record = *found;
    }
    spinlock_unlock(&table_lock, hold);
    return found != NULL;
}

void slab_debug_describe(uintptr_t address)
{
    slab_record_t record;
    if (!slab_debug_find(address, &record)) {
        return;
    }
    log_line("slab: allocated by %p on cpu %u, operation %llu", (void *)record.allocated_by, record.allocated_cpu,
             (unsigned long long)record.allocated_at);
    if (record.freed_by != 0) {
        log_line("slab: freed by %p on cpu %u, operation %llu", (void *)record.freed_by, record.freed_cpu,
                 (unsigned long long)record.freed_at);
    }
}

static void set_tracked(kmem_cache_t *cache, void *argument)
{
    slab_context_t *const context = (slab_context_t *)allocation_context_current();
    cache->is_tracked = *(const bool *)argument;
    if (cache->is_tracked) {
        slab_slot_retire(slab_slot(cache, context), context);
    }
}

status_t slab_debug_start(size_t records)
{
    if (slab_debug_is_on()) {
        return STATUS_BUSY;
    }
    if (records > SIZE_MAX / 2 / sizeof(slab_record_t)) {
        return STATUS_NO_MEMORY;
    }
    const size_t pages = pages_for_bytes(records * sizeof(slab_record_t)) + 1;
    slab_record_t *const fresh = pages_alloc(pages);
    if (fresh == NULL) {
        return STATUS_NO_MEMORY;
    }
    __builtin_memset(fresh, 0, pages * PAGE_SIZE);

    const spinlock_hold_t hold = spinlock_lock(&table_lock);
    table_pages = pages;
    bucket_count = (size_t)1 << find_last_set_nonzero(pages * PAGE_SIZE / (BUCKET_RECORDS * sizeof(slab_record_t)));
    operations = 0;
    untracked = 0;
    table = fresh;
    spinlock_unlock(&table_lock, hold);

    bool is_tracked = true;
    kmem_caches_visit(set_tracked, &is_tracked);
    return STATUS_OK;
}

void slab_debug_stop(void)
{
    bool is_tracked = false;
    kmem_caches_visit(set_tracked, &is_tracked);

    const spinlock_hold_t hold = spinlock_lock(&table_lock);
    slab_record_t *const old = table;
    table = NULL;
    spinlock_unlock(&table_lock, hold);
    if (old != NULL) {
        pages_free(old, table_pages);
    }
}

bool slab_debug_is_on(void)
{
    return RELAXED_LOAD(&table) != NULL;
}

void slab_debug_visit_live(void (*visit)(const slab_record_t *record, void *argument), void *argument)
{
    const size_t count = slab_debug_is_on() ? bucket_count * BUCKET_RECORDS : 0;
    for (size_t i = 0; i < count; i++) {
        const spinlock_hold_t hold = spinlock_lock(&table_lock);
        const slab_record_t record = table == NULL ? (slab_record_t){0} : table[i];
        spinlock_unlock(&table_lock, hold);
        if (record.address != 0 && record.freed_by == 0) {
            visit(&record, argument);
        }
    }
}

uint64_t slab_debug_untracked(void)
{
    return RELAXED_LOAD(&untracked);
}
