/*
 * Slabs in nobody's hands: the cache's three lists, and where slabs come from and go to.
 *
 * The cache's lock is held for a few list operations only; pages are asked for and given back without it. A slab gets
 * on the lists when its owner has no use for it, and leaves them for whoever runs dry next or frees into it.
 */
#include "arch/page_backend.h"
#include "base/check.h"
#include "mm/slab/descriptor_table.h"
#include "mm/slab/slab.h"
#include "mm/slab/slab_guard.h"
#include "mm/slab/slab_tracking.h"

/* Empty slabs that a cache keeps before it gives pages back. */
#define POOL_EMPTY_MAX 4u

/* By what share of its slabs, as a power of 1/2, a cache grows before its live objects are counted anew. */
#define COUNT_GROWTH_SHIFT 4

/* Puts a slab without an owner on the list that its free_word names. The lock is held. */
static void enlist(kmem_cache_t *cache, slab_t *slab)
{
    if (slab->free_word == 0) {
        list_push_front(&cache->full, &slab->link);
        cache->full_count++;
    } else if (slab->free_word == slab_all_free(slab)) {
        list_push_front(&cache->empty, &slab->link);
        cache->empty_count++;
    } else {
        list_push_front(&cache->available, &slab->link);
        cache->available_count++;
    }
}

/* Takes a slab off its list. The lock is held, and free_word is as it was when the slab was put there. */
static void delist(kmem_cache_t *cache, slab_t *slab)
{
    list_remove(&slab->link);
    if (slab->free_word == 0) {
        cache->full_count--;
    } else if (slab->free_word == slab_all_free(slab)) {
        cache->empty_count--;
    } else {
        cache->available_count--;
    }
}

/* The first slab of the run that `slab` was made from. */
static slab_t *run_of_slab(const kmem_cache_t *cache, slab_t *slab)
{
    return (slab_t *)((uintptr_t)slab & ~((uintptr_t)cache->slabs_per_run * sizeof(slab_t) - 1));
}

static void set_page_words(const kmem_cache_t *cache, uintptr_t base, uint64_t word)
{
    for (unsigned page = 0; page < cache->pages_per_run; page++) {
        __atomic_store_n(page_word((void *)(base + page * PAGE_SIZE)), word, __ATOMIC_RELEASE);
    }
}

/* Makes a run of slabs, all empty, all belonging to `context`. Returns the first, or NULL when memory is out. */
static slab_t *make_run(kmem_cache_t *cache, slab_context_t *context)
{
    void *const pages = pages_alloc(cache->pages_per_run);
    if (pages == NULL) {
        return NULL;
    }
    if (page_words_claim(pages, cache->pages_per_run, PAGE_CODE_NONE) != STATUS_OK) {
        goto undo_pages;
    }
    slab_t *const first = descriptors_alloc(cache->slabs_per_run);
    if (first == NULL) {
        goto undo_pages;
    }
    const bool has_red_zones = RELAXED_LOAD(&cache->tier) == SLAB_TIER_DEBUG && cache->spaced_bits != 0;
    for (unsigned i = 0; i < cache->slabs_per_run; i++) {
        slab_t *const slab = &first[i];
        slab->cache = cache;
        slab->base = (uintptr_t)pages + (uintptr_t)i * cache->slab_bytes;
        if (has_red_zones) {
            slab->base |= SLAB_HAS_RED_ZONES;
            slab_guard_paint(slab);
        }
        slab->free_word = slab_all_free(slab);
        atomic_store_explicit(&slab->owner, (uintptr_t)context, memory_order_relaxed);
    }
    const unsigned code = has_red_zones ? PAGE_CODE_TYPED : cache->page_code;
    set_page_words(cache, (uintptr_t)pages, page_word_make(first, code, cache->slot_number));
    return first;

undo_pages:
    pages_free(pages, cache->pages_per_run);
    return NULL;
}

/* Gives a run back whose slabs are all empty, without an owner and on no list. */
static void unmake_run(kmem_cache_t *cache, slab_t *first)
{
    const uintptr_t base = slab_start(first);
    for (unsigned i = 0; i < cache->slabs_per_run; i++) {
        CHECK(atomic_load(&first[i].remote_word) == 0, "double free");
        slab_debug_forget(&first[i]);
    }
    set_page_words(cache, base, PAGE_CODE_GONE);
    descriptors_free(first, cache->slabs_per_run);
    pages_free((void *)base, cache->pages_per_run);
}

/* Whether every slab of a run is on the empty list. The lock is held. */
static bool run_is_empty(const kmem_cache_t *cache, slab_t *first)
{
    for (unsigned i = 0; i < cache->slabs_per_run; i++) {
        if (atomic_load(&first[i].owner) != 0 || first[i].free_word != slab_all_free(&first[i])) {
            return false;
        }
    }
    return true;
}

/* Takes the slabs of an empty run off the list and chains the run before `detached`, by link.next. The lock is held. */
static list_link_t *detach_run(kmem_cache_t *cache, slab_t *first, list_link_t *detached)
{
    for (unsigned i = 0; i < cache->slabs_per_run; i++) {
        delist(cache, &first[i]);
    }
    cache->slabs_held -= cache->slabs_per_run;
    first->link.next = detached;
    return &first->link;
}

static size_t unmake_detached(kmem_cache_t *cache, list_link_t *detached)
{
    size_t pages = 0;
    while (detached != NULL) {
        slab_t *const first = CONTAINER_OF(detached, slab_t, link);
        detached = detached->next;
        first->link.next = NULL;
        unmake_run(cache, first);
        pages += cache->pages_per_run;
    }
    return pages;
}

static slab_t *take_listed(kmem_cache_t *cache, slab_context_t *context)
{
    slab_t *slab = NULL;
    const spinlock_hold_t hold = spinlock_lock(&cache->lock);
    if (!list_is_empty(&cache->available)) {
        slab = CONTAINER_OF(cache->available.head.next, slab_t, link);
    } else if (!list_is_empty(&cache->empty)) {
        slab = CONTAINER_OF(cache->empty.head.next, slab_t, link);
    }
    if (slab != NULL) {
        delist(cache, slab);
        atomic_store(&slab->owner, (uintptr_t)context);
    }
    spinlock_unlock(&cache->lock, hold);
    return slab;
}

/*
 * A new run is in use. Counting live objects asks every context, which CPUs that replace slab by slab must not pay
 * for: it is done when the cache has grown by a sixteenth over its size at the last count.
 */
static void note_growth(kmem_cache_t *cache)
{
    spinlock_hold_t hold = spinlock_lock(&cache->lock);
    cache->slabs_held += cache->slabs_per_run;
    const bool has_grown = cache->slabs_held > cache->slabs_counted + (cache->slabs_counted >> COUNT_GROWTH_SHIFT);
    if (has_grown) {
        cache->slabs_counted = cache->slabs_held;
    }
    spinlock_unlock(&cache->lock, hold);
    if (!has_grown) {
        return;
    }
    uint64_t allocations;
    uint64_t frees;
    slab_cache_count(cache, &allocations, &frees);
    hold = spinlock_lock(&cache->lock);
    if (allocations - frees + 1 > cache->live_peak) {
        cache->live_peak = allocations - frees + 1;
    }
    spinlock_unlock(&cache->lock, hold);
}

slab_t *slab_pool_take(kmem_cache_t *cache, slab_context_t *context)
{
    slab_t *const listed = take_listed(cache, context);
    if (listed != NULL) {
        return listed;
    }
    slab_t *const first = make_run(cache, context);
    if (first == NULL) {
        return NULL;
    }
    slab_slot_t *const slot = slab_slot(cache, context);
    for (unsigned i = 1; i < cache->slabs_per_run; i++) {
        slab_partial_push(slot, &first[i]);
        RELAXED_ADD(&slot->state, SLAB_SLOT_EMPTY);
    }
    note_growth(cache);
    return first;
}

void slab_pool_put(slab_t *slab)
{
    kmem_cache_t *const cache = slab->cache;
    const spinlock_hold_t hold = spinlock_lock(&cache->lock);
    atomic_store(&slab->owner, 0);
    enlist(cache, slab);
    list_link_t *detached = NULL;
    if (cache->empty_count > POOL_EMPTY_MAX && run_is_empty(cache, run_of_slab(cache, slab))) {
        detached = detach_run(cache, run_of_slab(cache, slab), NULL);
    }
    spinlock_unlock(&cache->lock, hold);
    unmake_detached(cache, detached);
}

bool slab_pool_adopt(slab_t *slab, slab_context_t *context)
{
    kmem_cache_t *const cache = slab->cache;
    const spinlock_hold_t hold = spinlock_lock(&cache->lock);
    const bool is_ours = atomic_load(&slab->owner) == 0;
    if (is_ours) {
        delist(cache, slab);
        atomic_store(&slab->owner, (uintptr_t)context);
    }
    spinlock_unlock(&cache->lock, hold);
    return is_ours;
}

bool slab_pool_collect(slab_t *slab)
{
    kmem_cache_t *const cache = slab->cache;
    uint64_t both = 0;
    const spinlock_hold_t hold = spinlock_lock(&cache->lock);
    const bool is_ownerless = atomic_load(&slab->owner) == 0;
    if (is_ownerless) {
        delist(cache, slab);
        const uint64_t bits = atomic_exchange_explicit(&slab->remote_word, 0, memory_order_acq_rel);
        both = slab->free_word & bits;
        RELAXED_STORE(&slab->free_word, slab->free_word | bits);
        enlist(cache, slab);
    }
    spinlock_unlock(&cache->lock, hold);
    if (UNLIKELY(both != 0)) {
        slab_misuse_double_free(slab, slab_object(slab, find_first_set(both)));
    }
    return is_ownerless;
}

size_t slab_pool_trim(kmem_cache_t *cache)
{
    list_link_t *detached = NULL;
    const spinlock_hold_t hold = spinlock_lock(&cache->lock);
    list_link_t *link = cache->empty.head.next;
    while (link != &cache->empty.head) {
        slab_t *const first = run_of_slab(cache, CONTAINER_OF(link, slab_t, link));
        link = link->next;
        if (!run_is_empty(cache, first)) {
            continue;
        }
        /* The rest of the run, wherever it stands on the list, leaves too: the walk goes on from a slab that stays. */
        while (link != &cache->empty.head && run_of_slab(cache, CONTAINER_OF(link, slab_t, link)) == first) {
            link = link->next;
        }
        detached = detach_run(cache, first, detached);
    }
    spinlock_unlock(&cache->lock, hold);
    return unmake_detached(cache, detached);
}
