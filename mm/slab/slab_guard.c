/*
 * The tiers guarded and debug: what is checked and filled when an object comes and goes.
 *
 *   live      | object: the user's      | canary |        record LIVE: size asked for
 *   freed     | zeros (guarded) or 0x6b (debug)  |        record RESTING in quarantine, then FREE
 *
 *   debug     | red zone 0xbb | slot | red zone 0xbb | slot | red zone 0xbb | ...      each as large as a slot
 *
 * The canary fills what the slot has beyond the size asked for. So an object that fills its slot has none, and only
 * debug's red zones tell who writes past its end. An object without a record (allocated before its cache was tracked,
 * or when there was no room) is left alone.
 *
 * Everything is looked at under the tracking lock, which each operation of a tracked cache takes: nobody fills an
 * object while another CPU looks at the slab. Damage is copied, the lock let go, and then it is told.
 */
#include "mm/slab/slab_guard.h"

#include "mm/slab/slab_guard_bytes.h"
#include "mm/slab/slab_quarantine.h"
#include "mm/slab/slab_tracking.h"

static uintptr_t slot_address(const slab_t *slab, unsigned slot)
{
    return slab_start(slab) + (uintptr_t)slot * slab->cache->object_size;
}

/* Notes damage when bytes from `start` are wrong, of the object at `object`. Returns whether any is. */
static bool look(slab_damage_t *damage, slab_damage_kind_t kind, const slab_t *slab, uintptr_t object, uintptr_t start,
                 size_t length, int fill)
{
    const size_t wrong = guard_bytes_first_wrong(start, length, fill, slab_tracking.seed);
    if (LIKELY(wrong == GUARD_BYTES_FINE)) {
        return false;
    }
    const slab_record_t *const record = slab_record_find(object);
    *damage = (slab_damage_t){
        .kind = kind,
        .cache = slab->cache,
        .object = object,
        .offset = (int64_t)(start + wrong - object),
        .size_bytes = record == NULL ? slab->cache->object_size_asked : record->size_bytes,
    };
    for (size_t i = wrong; i < length && damage->count < SLAB_DAMAGE_BYTES_MAX; i++) {
        damage->expected[damage->count] = guard_byte(start + i, fill, slab_tracking.seed);
        damage->found[damage->count++] = ((const unsigned char *)start)[i];
    }
    return true;
}

/* The slot of an object with the record `record`: the whole of a freed one, of a live one what is behind it. */
static bool look_at_slot(slab_damage_t *damage, const slab_t *slab, const slab_record_t *record)
{
    const uintptr_t address = record->address;
    if (record->state == SLAB_RECORD_LIVE) {
        return look(damage, SLAB_DAMAGE_PAST_END, slab, address, address + record->size_bytes,
                    slab->cache->object_size - record->size_bytes, GUARD_FILL_CANARY);
    }
    return look(damage, SLAB_DAMAGE_AFTER_FREE, slab, address, address, slab->cache->object_size, record->fill);
}

/*
 * A red zone. Its first half is behind the object before it, its second half before the one after it; the last red
 * zones of a slab are all behind its last object.
 */
static bool look_at_red_zone(slab_damage_t *damage, const slab_t *slab, unsigned slot)
{
    const uint64_t objects = slab->cache->spaced_bits;
    const uintptr_t start = slot_address(slab, slot);
    const size_t size = slab->cache->object_size;
    const uint64_t before = objects & bits_low(slot);
    const bool has_after = slot + 1 < BITS_PER_WORD && bit_is_set(objects, slot + 1);
    const uintptr_t after = start + size;
    if (before == 0) {
        return look(damage, SLAB_DAMAGE_BEFORE_START, slab, after, start, size, GUARD_FILL_RED_ZONE);
    }
    const uintptr_t object = slot_address(slab, find_last_set(before));
    const size_t behind = has_after ? size / 2 : size;
    return look(damage, SLAB_DAMAGE_PAST_END, slab, object, start, behind, GUARD_FILL_RED_ZONE) ||
           (has_after &&
            look(damage, SLAB_DAMAGE_BEFORE_START, slab, after, start + behind, size - behind, GUARD_FILL_RED_ZONE));
}

/* Everything in the slab that nobody may have written. */
static bool look_at_slab(slab_damage_t *damage, const slab_t *slab)
{
    const bool has_red_zones = (slab->base & SLAB_HAS_RED_ZONES) != 0;
    for (unsigned slot = 0; slot < slab->cache->objects_per_slab; slot++) {
        if (has_red_zones && !bit_is_set(slab->cache->spaced_bits, slot)) {
            if (look_at_red_zone(damage, slab, slot)) {
                return true;
            }
            continue;
        }
        const slab_record_t *const record = slab_record_find(slot_address(slab, slot));
        if (record != NULL && look_at_slot(damage, slab, record)) {
            return true;
        }
    }
    return false;
}

/* What an operation on one object looks at: in debug its whole slab. `record` may be NULL. */
static bool look_around(slab_damage_t *damage, const slab_t *slab, const slab_record_t *record)
{
    if (RELAXED_LOAD(&slab->cache->tier) == SLAB_TIER_DEBUG) {
        return look_at_slab(damage, slab);
    }
    return record != NULL && look_at_slot(damage, slab, record);
}

bool slab_guard_look_at_freed(slab_damage_t *damage, const slab_t *slab, const slab_record_t *record)
{
    return look_around(damage, slab, record);
}

void slab_guard_paint(const slab_t *slab)
{
    for (unsigned slot = 0; slot < slab->cache->objects_per_slab; slot++) {
        if (!bit_is_set(slab->cache->spaced_bits, slot)) {
            guard_bytes_fill(slot_address(slab, slot), slab->cache->object_size, GUARD_FILL_RED_ZONE, 0);
        }
    }
}

/* The next number of the context's own sequence: SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(const slab_context_t *context)
{
    uint64_t *const state = &slab_tracking.quarantines[context->index].random_state;
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

unsigned slab_guard_choose(const slab_t *slab, const slab_context_t *context)
{
    uint64_t word = slab->free_word;
    if (RELAXED_LOAD(&slab->cache->tier) == SLAB_TIER_GUARDED) {
        const spinlock_hold_t hold = slab_tracking_lock();
        const uint64_t random = slab_tracking.quarantines == NULL ? 0 : next_random(context);
        slab_tracking_unlock(hold);
        for (unsigned skip = (unsigned)(random >> 32) % count_set(word); skip != 0; skip--) {
            word &= word - 1;
        }
    }
    return find_first_set_nonzero(word);
}

void slab_guard_on_alloc(const slab_t *slab, unsigned index, size_t size, uintptr_t caller)
{
    const kmem_cache_t *const cache = slab->cache;
    const uintptr_t address = slab_object(slab, index);
    slab_damage_t damage = {.kind = SLAB_DAMAGE_NONE};
    slab_call_t call;
    slab_call_gather(&call, cache, caller);

    const spinlock_hold_t hold = slab_tracking_lock();
    slab_record_t *const record = slab_record_place(address);
    const slab_record_t *const known = record != NULL && record->address == address ? record : NULL;
    if (slab_tracking.records != NULL && !look_around(&damage, slab, known)) {
        const uint16_t site = slab_site_note(&call);
        const uint64_t number = slab_trace_add(&call, SLAB_OPERATION_ALLOC, cache, address, (uint32_t)size, site);
        slab_tracking.untracked += record == NULL;
        if (record != NULL) {
            slab_record_forget(record);
            *record = (slab_record_t){
                .address = address,
                .allocated_at = number,
                .allocated_time = call.time,
                .size_bytes = (uint32_t)size,
                .owner = call.owner,
                .allocated_site = site,
                .allocated_cpu = call.cpu,
                .state = SLAB_RECORD_LIVE,
            };
            slab_site_add(site, (uint32_t)size);
            guard_bytes_fill(address + size, cache->object_size - size, GUARD_FILL_CANARY, slab_tracking.seed);
            if (RELAXED_LOAD(&cache->tier) == SLAB_TIER_DEBUG) {
                guard_bytes_fill(address, size, GUARD_FILL_FRESH, 0);
            }
        }
    }
    slab_tracking_unlock(hold);
    slab_report_damage(&damage);
}

/* What a free finds out. */
typedef enum verdict {
    VERDICT_UNKNOWN, /* no record, or an object that was free: the words of its slab say more */
    VERDICT_FREE,    /* it was live, and may be made free */
    VERDICT_RESTING, /* it was live, and rests */
    VERDICT_TWICE,   /* it rests already */
} verdict_t;

/* A live object's record after its free. The lock is held. */
static verdict_t settle(slab_record_t *record, const slab_t *slab, slab_context_t *context, const slab_call_t *call)
{
    const bool is_debug = RELAXED_LOAD(&slab->cache->tier) == SLAB_TIER_DEBUG;
    record->freed_site = slab_site_note(call);
    record->freed_cpu = call->cpu;
    record->freed_time = call->time;
    record->freed_at =
        slab_trace_add(call, SLAB_OPERATION_FREE, slab->cache, record->address, record->size_bytes, record->freed_site);
    record->fill = is_debug ? GUARD_FILL_FREED : GUARD_FILL_ZERO;
    slab_site_remove(record->allocated_site, record->size_bytes);
    guard_bytes_fill(record->address, slab->cache->object_size, record->fill, 0);
    const bool rests = slab_quarantine_add(context, slab, record->address);
    record->state = rests ? SLAB_RECORD_RESTING : SLAB_RECORD_FREE;
    return rests ? VERDICT_RESTING : VERDICT_FREE;
}

void slab_guard_free(slab_t *slab, unsigned index, slab_context_t *context, uintptr_t caller)
{
    const uintptr_t address = slab_object(slab, index);
    slab_slot_t *const slot = slab_slot(slab->cache, context);
    slab_damage_t damage = {.kind = SLAB_DAMAGE_NONE};
    verdict_t verdict = VERDICT_UNKNOWN;
    slab_call_t call;
    slab_call_gather(&call, slab->cache, caller);
    slab_slot_follow_tier(slot, context);

    const spinlock_hold_t hold = slab_tracking_lock();
    slab_record_t *const record = slab_record_find(address);
    const bool was_free = record != NULL && record->state == SLAB_RECORD_FREE;
    if (record != NULL && record->state == SLAB_RECORD_RESTING) {
        verdict = VERDICT_TWICE;
    } else if (record != NULL && !was_free && !look_around(&damage, slab, record)) {
        verdict = settle(record, slab, context, &call);
    }
    slab_tracking_unlock(hold);
    slab_report_damage(&damage);

    switch (verdict) {
    case VERDICT_TWICE:
        slab_misuse_double_free(slab, address);
    case VERDICT_RESTING:
        slab_slot_count_free(slot);
        slab_quarantine_settle(context);
        break;
    default:
        slab_free_object(slab, index, context);
        slab_slot_count_free(slot);
        if (was_free) {
            slab_debug_forget_object(address); /* it was not free after all: the record was of an older user */
        }
        break;
    }
}

void slab_guard_resize(const slab_t *slab, uintptr_t address, size_t size, uintptr_t caller)
{
    slab_damage_t damage = {.kind = SLAB_DAMAGE_NONE};
    slab_call_t call;
    slab_call_gather(&call, slab->cache, caller);

    const spinlock_hold_t hold = slab_tracking_lock();
    slab_record_t *const record = slab_record_find(address);
    if (record != NULL && record->state == SLAB_RECORD_LIVE && record->size_bytes != size &&
        !look_around(&damage, slab, record)) {
        (void)slab_trace_add(&call, SLAB_OPERATION_RESIZE, slab->cache, address, (uint32_t)size, slab_site_note(&call));
        slab_site_resize(record->allocated_site, record->size_bytes, (uint32_t)size);
        record->size_bytes = (uint32_t)size;
        guard_bytes_fill(address + size, slab->cache->object_size - size, GUARD_FILL_CANARY, slab_tracking.seed);
    }
    slab_tracking_unlock(hold);
    slab_report_damage(&damage);
}
