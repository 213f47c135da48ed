/*
 * Records of objects: a table in pages of its own, found by address.
 *
 * The table is set-associative: an address hashes to a bucket of a few records, so that a look-up reads one bucket
 * and nothing is ever moved. A record stays after the free, for the report of a later misuse, until its place is
 * needed. Records of objects that are live or rest in quarantine keep their place.
 *
 *   | records | sites | trace | a quarantine for each context |        one run of pages
 */
#include "arch/page_backend.h"
#include "base/check.h"
#include "mm/slab/slab_quarantine.h"
#include "mm/slab/slab_report.h"
#include "mm/slab/slab_tracking.h"

#define BUCKET_RECORDS 8u

static spinlock_t tracking_lock = SPINLOCK_INITIALIZER(LOCK_RANK_TRACKING);
slab_tracking_t slab_tracking;
static const slab_debug_hooks_t *hooks;

/* A call's return addresses up to the slab core's own: deeper than this the caller is not looked for. */
#define FRAMES_MAX (SLAB_SITE_DEPTH + 10u)

spinlock_hold_t slab_tracking_lock(void)
{
    return spinlock_lock(&tracking_lock);
}

void slab_tracking_unlock(spinlock_hold_t hold)
{
    spinlock_unlock(&tracking_lock, hold);
}

const slab_debug_hooks_t *slab_debug_set_hooks(const slab_debug_hooks_t *new_hooks)
{
    const slab_debug_hooks_t *const old = hooks;
    hooks = new_hooks;
    return old;
}

void slab_debug_write_address(text_writer_t *writer, uintptr_t address)
{
    if (hooks != NULL && hooks->write_address != NULL) {
        hooks->write_address(writer, address);
    } else {
        text_format(writer, "0x%zx", (size_t)address);
    }
}

void slab_call_gather(slab_call_t *call, const kmem_cache_t *cache, uintptr_t caller)
{
    *call = (slab_call_t){.addresses = {caller}, .cpu = (uint16_t)cpu_current()->index};
    if (hooks == NULL) {
        return;
    }
    call->time = hooks->now_nanoseconds == NULL ? 0 : hooks->now_nanoseconds();
    call->owner = hooks->owner == NULL ? 0 : hooks->owner();
    if (hooks->backtrace == NULL || RELAXED_LOAD(&cache->tier) != SLAB_TIER_DEBUG) {
        return;
    }
    uintptr_t frames[FRAMES_MAX];
    const size_t count = hooks->backtrace(frames, FRAMES_MAX);
    size_t first = 0;
    while (first < count && frames[first] != caller) {
        first++;
    }
    for (size_t i = 1; i < SLAB_SITE_DEPTH && first + i < count; i++) {
        call->addresses[i] = frames[first + i];
    }
}

/* Fibonacci hashing (Knuth, TAOCP 3, 6.4): addresses differ in their middle bits. */
static slab_record_t *bucket_of(uintptr_t address)
{
    const uint64_t hash = ((uint64_t)address >> PAGE_CODE_SHIFT_MIN) * UINT64_C(0x9e3779b97f4a7c15);
    return &slab_tracking.records[((hash >> 32) & (slab_tracking.bucket_count - 1)) * BUCKET_RECORDS];
}

slab_record_t *slab_record_find(uintptr_t address)
{
    if (slab_tracking.records == NULL) {
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

slab_record_t *slab_record_place(uintptr_t address)
{
    slab_record_t *best = slab_record_find(address);
    if (best != NULL || slab_tracking.records == NULL) {
        return best;
    }
    slab_record_t *const bucket = bucket_of(address);
    for (unsigned i = 0; i < BUCKET_RECORDS; i++) {
        if (bucket[i].state == SLAB_RECORD_NONE) {
            return &bucket[i];
        }
        if (bucket[i].state == SLAB_RECORD_FREE && (best == NULL || bucket[i].freed_at < best->freed_at)) {
            best = &bucket[i];
        }
    }
    return best;
}

size_t slab_record_count(void)
{
    return RELAXED_LOAD(&slab_tracking.bucket_count) * BUCKET_RECORDS;
}

void slab_record_forget(slab_record_t *record)
{
    if (record->state == SLAB_RECORD_LIVE) {
        slab_site_remove(record->allocated_site, record->size_bytes);
    }
    *record = (slab_record_t){0};
}

/* Forgets the records of a slab's slots, but for those in quarantine when `keep_resting`. */
static void forget_slab(const slab_t *slab, bool keep_resting)
{
    const spinlock_hold_t hold = slab_tracking_lock();
    for (unsigned i = 0; i < slab->cache->objects_per_slab; i++) {
        slab_record_t *const record = slab_record_find(slab_start(slab) + (uintptr_t)i * slab->cache->object_size);
        if (record != NULL && !(keep_resting && record->state == SLAB_RECORD_RESTING)) {
            slab_record_forget(record);
        }
    }
    slab_tracking_unlock(hold);
}

void slab_debug_forget(const slab_t *slab)
{
    if (UNLIKELY(slab_debug_is_on())) {
        forget_slab(slab, false);
    }
}

void slab_debug_distrust(const slab_t *slab)
{
    if (slab_debug_is_on()) {
        forget_slab(slab, true);
    }
}

void slab_debug_forget_object(uintptr_t address)
{
    const spinlock_hold_t hold = slab_tracking_lock();
    slab_record_t *const record = slab_record_find(address);
    if (record != NULL) {
        slab_record_forget(record);
    }
    slab_tracking_unlock(hold);
}

bool slab_debug_find(uintptr_t address, slab_record_t *record)
{
    const spinlock_hold_t hold = slab_tracking_lock();
    const slab_record_t *const found = slab_record_find(address);
    if (found != NULL) {
        *record = *found;
    }
    slab_tracking_unlock(hold);
    return found != NULL;
}

void slab_debug_visit_live(void (*visit)(const slab_record_t *record, void *argument), void *argument)
{
    for (size_t bucket = 0;; bucket++) {
        slab_record_t live[BUCKET_RECORDS];
        unsigned count = 0;
        const spinlock_hold_t hold = slab_tracking_lock();
        const bool is_there = slab_tracking.records != NULL && bucket < slab_tracking.bucket_count;
        for (unsigned i = 0; is_there && i < BUCKET_RECORDS; i++) {
            const slab_record_t *const record = &slab_tracking.records[bucket * BUCKET_RECORDS + i];
            if (record->state == SLAB_RECORD_LIVE) {
                live[count++] = *record;
            }
        }
        slab_tracking_unlock(hold);
        if (!is_there) {
            return;
        }
        for (unsigned i = 0; i < count; i++) {
            visit(&live[i], argument);
        }
    }
}

void slab_debug_disown(const void *object)
{
    if (object == NULL || !slab_debug_is_on()) {
        return;
    }
    const spinlock_hold_t hold = slab_tracking_lock();
    slab_record_t *const record = slab_record_find((uintptr_t)object);
    if (record != NULL && record->state == SLAB_RECORD_LIVE) {
        record->owner = 0;
    }
    slab_tracking_unlock(hold);
}

typedef struct owned_sum {
    uint32_t owner;
    uint64_t objects;
    uint64_t bytes;
} owned_sum_t;

static void add_if_owned(const slab_record_t *record, void *argument)
{
    owned_sum_t *const sum = argument;
    if (record->owner == sum->owner) {
        sum->objects++;
        sum->bytes += record->size_bytes;
    }
}

void slab_debug_owned(uint32_t owner, uint64_t *objects, uint64_t *bytes)
{
    owned_sum_t sum = {owner, 0, 0};
    slab_debug_visit_live(add_if_owned, &sum);
    *objects = sum.objects;
    *bytes = sum.bytes;
}

/* Where the parts of the run of pages lie, in bytes. */
typedef struct layout {
    size_t sites;
    size_t trace;
    size_t quarantines;
    size_t end;
} layout_t;

static layout_t lay_out(size_t records)
{
    layout_t layout;
    layout.sites = records * sizeof(slab_record_t);
    layout.trace = layout.sites + SLAB_SITE_COUNT * sizeof(slab_site_t);
    layout.quarantines = align_up(layout.trace + SLAB_TRACE_COUNT * sizeof(slab_operation_t), CACHE_LINE_BYTES);
    layout.end = layout.quarantines + SLAB_CONTEXT_MAX * sizeof(slab_quarantine_t);
    return layout;
}

status_t slab_debug_start(const slab_debug_config_t *config)
{
    if (slab_debug_is_on()) {
        return STATUS_BUSY;
    }
    if (config->records > SIZE_MAX / 4 / sizeof(slab_record_t)) {
        return STATUS_NO_MEMORY;
    }
    size_t records = PAGE_SIZE / sizeof(slab_record_t);
    while (records < config->records) {
        records *= 2;
    }
    const layout_t layout = lay_out(records);
    const size_t pages = pages_for_bytes(layout.end);
    void *const memory = pages_alloc(pages);
    if (memory == NULL) {
        return STATUS_NO_MEMORY;
    }
    __builtin_memset(memory, 0, pages * PAGE_SIZE);
    const slab_tracking_t fresh = {
        .records = memory,
        .bucket_count = records / BUCKET_RECORDS,
        .sites = (void *)((char *)memory + layout.sites),
        .trace = (void *)((char *)memory + layout.trace),
        .quarantines = (void *)((char *)memory + layout.quarantines),
        .quarantine_bytes = config->quarantine_bytes,
        .pages = pages,
        .seed = config->seed,
    };
    for (uint32_t context = 0; context < SLAB_CONTEXT_MAX; context++) {
        fresh.quarantines[context].random_state = config->seed + context * UINT64_C(0x9e3779b97f4a7c15);
    }
    const spinlock_hold_t hold = slab_tracking_lock();
    slab_tracking = fresh;
    slab_tracking_unlock(hold);
    return STATUS_OK;
}

void slab_debug_stop(void)
{
    if (!slab_debug_is_on()) {
        return;
    }
    slab_tiers_reset();
    (void)slab_quarantine_drain(NULL);

    const spinlock_hold_t hold = slab_tracking_lock();
    const slab_tracking_t old = slab_tracking;
    slab_tracking = (slab_tracking_t){0};
    slab_tracking_unlock(hold);
    if (old.records != NULL) {
        pages_free(old.records, old.pages);
    }
}

bool slab_debug_is_on(void)
{
    return RELAXED_LOAD(&slab_tracking.records) != NULL;
}

uint64_t slab_debug_untracked(void)
{
    return RELAXED_LOAD(&slab_tracking.untracked);
}
