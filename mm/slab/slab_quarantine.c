/*
 * The queues, rings in the tracking memory. An object leaves in two steps: under the lock it is looked at, taken out
 * and its record says "free"; without the lock the slab takes it back. A second free in between finds either the
 * record or the slab's bit.
 */
#include "mm/slab/slab_quarantine.h"

#include "arch/page_backend.h"
#include "mm/slab/slab_guard.h"
#include "mm/slab/slab_report.h"
#include "mm/slab/slab_tracking.h"

static slab_t *slab_at(uintptr_t address)
{
    return slab_of_address(RELAXED_LOAD(page_word((const void *)address)), address);
}

static uintptr_t *place_at(slab_quarantine_t *queue, uint32_t position)
{
    return &queue->objects[(queue->first + position) % SLAB_QUARANTINE_OBJECTS_MAX];
}

/* Whether one more object goes over the bound, with the room that settling makes first. */
static bool is_over(const slab_quarantine_t *queue)
{
    return queue->bytes > slab_tracking.quarantine_bytes || queue->count == SLAB_QUARANTINE_OBJECTS_MAX;
}

/* Takes leading empty places away. */
static void skip_empty(slab_quarantine_t *queue)
{
    while (queue->count != 0 && *place_at(queue, 0) == 0) {
        queue->first = (queue->first + 1) % SLAB_QUARANTINE_OBJECTS_MAX;
        queue->count--;
    }
}

bool slab_quarantine_add(slab_context_t *context, const slab_t *slab, uintptr_t address)
{
    slab_quarantine_t *const queue = &slab_tracking.quarantines[context->index];
    kmem_cache_t *const cache = slab->cache;
    if (cache->object_size > slab_tracking.quarantine_bytes || queue->count == SLAB_QUARANTINE_OBJECTS_MAX) {
        return false;
    }
    *place_at(queue, queue->count++) = address;
    queue->bytes += cache->object_size;
    atomic_fetch_add_explicit(&cache->resting, 1, memory_order_relaxed);
    return true;
}

/*
 * Looks at the object at `position` and takes it out. Returns its address, or 0, with *damage filled in and the object
 * still there, when somebody wrote to it. The lock is held.
 */
static uintptr_t take_out(slab_quarantine_t *queue, uint32_t position, slab_damage_t *damage)
{
    uintptr_t *const place = place_at(queue, position);
    const uintptr_t address = *place;
    slab_t *const slab = slab_at(address);
    slab_record_t *const record = slab_record_find(address);
    if (slab_guard_look_at_freed(damage, slab, record)) {
        return 0;
    }
    *place = 0;
    queue->bytes -= slab->cache->object_size;
    skip_empty(queue);
    record->state = SLAB_RECORD_FREE;
    atomic_fetch_sub_explicit(&slab->cache->resting, 1, memory_order_relaxed);
    return address;
}

/* The second step. */
static void make_free(uintptr_t address, slab_context_t *context)
{
    slab_t *const slab = slab_at(address);
    slab_free_object(slab, slab_object_index(slab, address), context);
}

void slab_quarantine_settle(slab_context_t *context)
{
    for (;;) {
        slab_damage_t damage = {.kind = SLAB_DAMAGE_NONE};
        uintptr_t address = 0;
        const spinlock_hold_t hold = slab_tracking_lock();
        slab_quarantine_t *const queue =
            slab_tracking.quarantines == NULL ? NULL : &slab_tracking.quarantines[context->index];
        if (queue != NULL && is_over(queue)) {
            skip_empty(queue);
            address = queue->count == 0 ? 0 : take_out(queue, 0, &damage);
        }
        slab_tracking_unlock(hold);
        slab_report_damage(&damage);
        if (address == 0) {
            return;
        }
        make_free(address, context);
    }
}

/* Takes out the oldest object of `cache` (NULL: of any) in one queue; 0 when there is none. The lock is held. */
static uintptr_t take_out_of(slab_quarantine_t *queue, const kmem_cache_t *cache, slab_damage_t *damage)
{
    for (uint32_t position = 0; position < queue->count; position++) {
        const uintptr_t address = *place_at(queue, position);
        if (address != 0 && (cache == NULL || slab_at(address)->cache == cache)) {
            return take_out(queue, position, damage);
        }
    }
    return 0;
}

/* Empties the queue of context number `index` of the cache's objects, to the good of `context`. */
static size_t drain_queue(uint32_t index, const kmem_cache_t *cache, slab_context_t *context)
{
    for (size_t count = 0;; count++) {
        slab_damage_t damage = {.kind = SLAB_DAMAGE_NONE};
        uintptr_t address = 0;
        const spinlock_hold_t hold = slab_tracking_lock();
        if (slab_tracking.quarantines != NULL) {
            address = take_out_of(&slab_tracking.quarantines[index], cache, &damage);
        }
        slab_tracking_unlock(hold);
        slab_report_damage(&damage);
        if (address == 0) {
            return count;
        }
        make_free(address, context);
    }
}

size_t slab_quarantine_drain(const kmem_cache_t *cache)
{
    size_t count = 0;
    if (!slab_debug_is_on()) {
        return 0;
    }
    for (const slab_context_t *each = slab_context_first(); each != NULL; each = each->next) {
        count += drain_queue(each->index, cache, (slab_context_t *)allocation_context_current());
    }
    return count;
}

void slab_quarantine_drain_context(slab_context_t *context)
{
    if (slab_debug_is_on()) {
        (void)drain_queue(context->index, NULL, context);
    }
}
