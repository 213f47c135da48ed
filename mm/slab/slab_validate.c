/*
 * Walks a cache and names the first invariant that does not hold: S1 to S7 of mm/slab/slab.h, and the counts of
 * slab_cache.h as C1.
 *
 * Each numbered check stands alone, so that a broken structure is named by what is broken. No CPU uses the cache
 * meanwhile.
 */
#include "arch/page_backend.h"
#include "mm/slab/descriptor_table.h"
#include "mm/slab/slab.h"

/* What the walk over the descriptors adds up, and the first thing it found wrong. */
typedef struct walk {
    kmem_cache_t *cache;
    const char *broken;
    uint64_t slabs;
    uint64_t objects;
    uint64_t objects_free;
    uint64_t owned_with_free;
} walk_t;

static void break_at(walk_t *walk, bool holds, const char *invariant)
{
    if (!holds && walk->broken == NULL) {
        walk->broken = invariant;
    }
}

/* Nobody is in the middle of anything, so that what others freed has been told to the slot. */
static bool is_limit_right(const slab_slot_t *slot, slab_t *slab)
{
    const uint64_t limit = RELAXED_LOAD(&slot->limit);
    return limit == 0 || (limit == slab->cache->objects_per_slab && atomic_load(&slab->remote_word) == 0 &&
                          slot->base == slab_start(slab) && slot->object_size == slab->cache->object_size);
}

static void validate_slab(slab_t *slab, void *argument)
{
    walk_t *const walk = argument;
    if (slab->cache != walk->cache) {
        return;
    }
    const uint64_t all = slab_all_free(slab);
    const uintptr_t owner_word = atomic_load(&slab->owner);
    slab_context_t *const owner = slab_owner_context(owner_word);
    const uint64_t remote_word = atomic_load(&slab->remote_word);
    const bool is_current = (owner_word & SLAB_OWNER_CURRENT) != 0;
    const uint64_t free_word = is_current ? slab_slot(walk->cache, owner)->free_word : slab->free_word;

    break_at(walk, ((free_word | remote_word) & ~all) == 0, "S1");
    break_at(walk, (free_word & remote_word) == 0, "S2");
    break_at(walk, owner != NULL || list_is_linked(&slab->link), "S3");
    break_at(walk, !is_current || (slab->free_word == 0 && slab_slot(walk->cache, owner)->current == slab), "S4");
    break_at(walk, !is_current || is_limit_right(slab_slot(walk->cache, owner), slab), "S7");
    for (unsigned page = 0; page * PAGE_SIZE < walk->cache->slab_bytes; page++) {
        const uintptr_t address = slab_start(slab) + page * PAGE_SIZE;
        const uint64_t word = RELAXED_LOAD(page_word((const void *)address));
        break_at(walk, slab_of_address(word, address) == slab, "S6");
    }
    walk->slabs++;
    walk->objects += count_set(all);
    walk->objects_free += count_set(free_word | remote_word);
    walk->owned_with_free += owner != NULL && !is_current && free_word != 0;
}

static uint64_t count_list(const list_t *list, walk_t *walk, int kind)
{
    uint64_t count = 0;
    LIST_FOR_EACH(list, link)
    {
        const slab_t *const slab = CONTAINER_OF(link, slab_t, link);
        const int actual = slab->free_word == 0 ? 0 : slab->free_word == slab_all_free(slab) ? 2 : 1;
        break_at(walk, atomic_load(&slab->owner) == 0 && actual == kind, "S3");
        count++;
    }
    return count;
}

static void validate_partial_list(walk_t *walk, slab_context_t *context, uint64_t *length)
{
    const slab_slot_t *const slot = slab_slot(walk->cache, context);
    uint32_t empty = 0;
    for (const slab_t *slab = slot->partial; slab != NULL;
         slab = slab->link.next == NULL ? NULL : CONTAINER_OF(slab->link.next, slab_t, link)) {
        break_at(walk, atomic_load(&slab->owner) == (uintptr_t)context && slab->free_word != 0, "S4");
        empty += slab->free_word == slab_all_free(slab);
        ++*length;
        if (walk->broken != NULL) {
            return;
        }
    }
    break_at(walk, empty == slab_slot_empty_count(slot), "S4");
    break_at(walk, slot->current != NULL || slot->limit == 0, "S7");
    /* A stack that nobody is just emptying holds only slabs with remote frees. */
    for (slab_t *slab = atomic_load(&context->posted); slab != NULL; slab = atomic_load(&slab->posted_next)) {
        break_at(walk, atomic_load(&slab->remote_word) != 0, "S5");
    }
}

const char *kmem_cache_validate(kmem_cache_t *cache)
{
    walk_t walk = {.cache = cache};
    uint64_t partial_length = 0;
    uint64_t allocations;
    uint64_t frees;

    descriptor_table_visit(validate_slab, &walk);
    for (slab_context_t *context = slab_context_first(); context != NULL; context = context->next) {
        validate_partial_list(&walk, context, &partial_length);
    }
    break_at(&walk, partial_length == walk.owned_with_free, "S4");

    slab_cache_count(cache, &allocations, &frees);
    const spinlock_hold_t hold = spinlock_lock(&cache->lock);
    break_at(&walk, count_list(&cache->full, &walk, 0) == cache->full_count, "C1");
    break_at(&walk, count_list(&cache->available, &walk, 1) == cache->available_count, "C1");
    break_at(&walk, count_list(&cache->empty, &walk, 2) == cache->empty_count, "C1");
    break_at(&walk, walk.slabs == cache->slabs_held, "C1");
    const uint64_t resting = atomic_load(&cache->resting);
    break_at(&walk, walk.objects - walk.objects_free - resting == allocations - frees, "C1");
    spinlock_unlock(&cache->lock, hold);
    return walk.broken;
}
