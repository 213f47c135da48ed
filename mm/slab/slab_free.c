/*
 * Frees that the fast path leaves: into an owned slab that is not current, into another context's slab, into
 * nobody's; and mistakes.
 *
 * A remote free is one atomic OR into remote_word. Who sets the first bit (the word was 0) must see to it that the
 * slab is collected: post it to its owner's stack, or, when it has no owner any more, merge the word under the
 * cache's lock. The bits stay in remote_word until then, so the slab is in exactly one such hand at a time, and
 * posted_next has one writer (S5):
 *
 *   first bit set --> read owner --+-- a context --> push on its stack --> it collects: exchange(remote_word, 0)
 *                        ^         |                                         | the slab has moved on meanwhile
 *                        |         '-- none --> merge under the lock         |
 *                        '---------------------------------------------------'
 *
 * Double frees are found before anything is changed: the freed bit is looked for in free_word, in remote_word and,
 * when the slab is another context's current one, in that context's slot, whose generation tells whether what was
 * read belongs together.
 */
#include "base/check.h"
#include "mm/slab/slab.h"
#include "mm/slab/slab_guard.h"

/* Peeks at a slot that its owner changes again and again give up after so many tries; collection then still notices. */
#define PEEK_TRIES_MAX 8

/*
 * Whether `owner`, whose current slab is `slab`, has this object free in its slot. A definite yes; no may also mean
 * "can't tell".
 */
static bool is_free_in_slot_of(slab_context_t *owner, slab_t *slab, uint64_t bit)
{
    slab_slot_t *const slot = slab_slot(slab->cache, owner);
    for (unsigned tries = 0; tries < PEEK_TRIES_MAX; tries++) {
        const uint32_t before = __atomic_load_n(&slot->generation, __ATOMIC_ACQUIRE);
        const slab_t *const current = RELAXED_LOAD(&slot->current);
        const uint64_t word = RELAXED_LOAD(&slot->free_word);
        atomic_thread_fence(memory_order_acquire);
        if ((before & 1) == 0 && RELAXED_LOAD(&slot->generation) == before) {
            return current == slab && (word & bit) != 0;
        }
    }
    return false;
}

/* An owned slab that is not current has got back all its objects: keep a few such, hand the others to the cache. */
static void became_empty(slab_slot_t *slot, slab_t *slab)
{
    if (slot->empty_count < slab->cache->slot_empty_max) {
        slot->empty_count++;
        return;
    }
    slab_partial_remove(slot, slab);
    slab_pool_put(slab);
}

/* Sets bits in the free_word of an owned slab that is not current, and moves the slab where it then belongs. */
static void add_free_bits(slab_slot_t *slot, slab_t *slab, uint64_t bits)
{
    const uint64_t before = slab->free_word;
    RELAXED_STORE(&slab->free_word, before | bits);
    if (before == 0) {
        slab_partial_push(slot, slab);
    }
    if ((before | bits) == slab_all_free(slab)) {
        became_empty(slot, slab);
    }
}

static void collect_stack(slab_context_t *context);

/* Hands a slab with a fresh remote_word to whoever must collect it. */
static void post(slab_t *slab)
{
    for (;;) {
        slab_context_t *const owner = slab_owner_context(atomic_load(&slab->owner));
        if (owner == NULL) {
            if (slab_pool_collect(slab)) {
                return;
            }
            continue; /* adopted just now; the lock that told us so bounds the retries to changes of owner */
        }
        slab_t *head = atomic_load_explicit(&owner->posted, memory_order_relaxed);
        do {
            atomic_store_explicit(&slab->posted_next, head, memory_order_relaxed);
        } while (!atomic_compare_exchange_weak(&owner->posted, &head, slab));
        if (UNLIKELY(!atomic_load(&owner->is_attached))) {
            /*
             * The owner left between our look and our push, and may have emptied its stack before it; every slab on
             * it has another owner now, or none.
             */
            collect_stack(owner);
        }
        return;
    }
}

/* One slab that `context` took off its stack. */
static void collect_slab(slab_context_t *context, slab_t *slab)
{
    if (slab_owner_context(atomic_load(&slab->owner)) != context) {
        post(slab);
        return;
    }
    kmem_cache_t *const cache = slab->cache;
    slab_slot_t *const slot = slab_slot(cache, context);
    const uint64_t bits = atomic_exchange_explicit(&slab->remote_word, 0, memory_order_acq_rel);
    const bool is_current = slot->current == slab;
    const uint64_t both = bits & (is_current ? slot->free_word : slab->free_word);
    if (UNLIKELY(both != 0)) {
        slab_misuse_double_free(slab, slab_object(slab, find_first_set(both)));
    }
    atomic_fetch_add_explicit(&cache->remote_frees, count_set(bits), memory_order_relaxed);
    if (is_current) {
        RELAXED_STORE(&slot->free_word, slot->free_word | bits);
    } else {
        add_free_bits(slot, slab, bits);
    }
}

static void collect_stack(slab_context_t *context)
{
    slab_t *slab = atomic_exchange(&context->posted, NULL);
    while (slab != NULL) {
        /* Read first: once remote_word is 0 again, somebody else may post the slab. */
        slab_t *const next = atomic_load_explicit(&slab->posted_next, memory_order_relaxed);
        collect_slab(context, slab);
        slab = next;
    }
}

void slab_collect(slab_context_t *context)
{
    atomic_store(&context->is_collecting, 1);
    collect_stack(context);
    atomic_store(&context->is_collecting, 0);
}

void slab_collect_cache(kmem_cache_t *cache)
{
    for (slab_context_t *context = slab_context_first(); context != NULL; context = context->next) {
        slab_t *slab = atomic_exchange(&context->posted, NULL);
        while (atomic_load(&context->is_collecting) != 0) {
            cpu_relax();
        }
        while (slab != NULL) {
            slab_t *const next = atomic_load_explicit(&slab->posted_next, memory_order_relaxed);
            if (slab->cache == cache) {
                collect_slab(context, slab);
            } else {
                post(slab);
            }
            slab = next;
        }
    }
}

bool slab_free_owned(slab_t *slab, uintptr_t address, slab_slot_t *slot, slab_context_t *context)
{
    if (UNLIKELY(atomic_load_explicit(&slab->owner, memory_order_relaxed) != (uintptr_t)context)) {
        return false;
    }
    const unsigned shift = slab->cache->object_shift;
    const uint64_t before = slab->free_word;
    uint64_t free_word = before;
    if (UNLIKELY(slot->current == SLAB_NONE || ((uint32_t)address & slot->offset_mask) != 0 ||
                 bit_is_set(atomic_load_explicit(&slab->remote_word, memory_order_relaxed), address >> shift) ||
                 bit_test_and_set(&free_word, address >> shift))) {
        return false;
    }
    RELAXED_STORE(&slab->free_word, free_word);
    RELAXED_ADD(&slot->frees, 1);
    if (before == 0) {
        slab_partial_push(slot, slab);
    }
    /* A slab with red zones does not come here: its page words name no class. */
    if (UNLIKELY(free_word == slab_all_slots(slab))) {
        became_empty(slot, slab);
    }
    return true;
}

/* A slab that belongs to `owner`, which is not the caller's context. */
static void free_remote(slab_t *slab, uintptr_t owner, uint64_t bit, uintptr_t address)
{
    bool is_free = (RELAXED_LOAD(&slab->free_word) & bit) != 0;
    if ((owner & SLAB_OWNER_CURRENT) != 0) {
        is_free = is_free || is_free_in_slot_of(slab_owner_context(owner), slab, bit);
    }
    if (UNLIKELY(is_free)) {
        slab_misuse_double_free(slab, address);
    }
    const uint64_t before = atomic_fetch_or(&slab->remote_word, bit);
    if (UNLIKELY((before & bit) != 0)) {
        slab_misuse_double_free(slab, address);
    }
    if (before == 0) {
        post(slab);
    }
}

/* A slab of the caller's own context. */
static void free_local(slab_t *slab, slab_slot_t *slot, uint64_t bit, uintptr_t address)
{
    const bool is_current = slot->current == slab;
    const uint64_t free_word = is_current ? slot->free_word : slab->free_word;
    const uint64_t remote_word = atomic_load_explicit(&slab->remote_word, memory_order_relaxed);
    if (UNLIKELY(((free_word | remote_word) & bit) != 0)) {
        slab_misuse_double_free(slab, address);
    }
    if (is_current) {
        RELAXED_STORE(&slot->free_word, free_word | bit);
    } else {
        add_free_bits(slot, slab, bit);
    }
}

void slab_free_object(slab_t *slab, unsigned index, slab_context_t *context)
{
    const uint64_t bit = UINT64_C(1) << index;
    const uintptr_t address = slab_object(slab, index);
    slab_slot_t *const slot = slab_slot(slab->cache, context);

    uintptr_t owner = atomic_load(&slab->owner);
    if (owner == 0) {
        /* Refuse a double free before the slab changes hands. Racing frees are found again below. */
        if (((RELAXED_LOAD(&slab->free_word) | atomic_load(&slab->remote_word)) & bit) != 0) {
            slab_misuse_double_free(slab, address);
        }
        if (slab_pool_adopt(slab, context) && slab->free_word != 0) {
            slab_partial_push(slot, slab);
        }
        owner = atomic_load(&slab->owner);
    }
    if (slab_owner_context(owner) == context) {
        free_local(slab, slot, bit, address);
    } else {
        free_remote(slab, owner, bit, address);
    }
}

void slab_free_slow(slab_t *slab, uintptr_t address, slab_context_t *context, uintptr_t caller)
{
    kmem_cache_t *const cache = slab->cache;
    const unsigned index = slab_object_index(slab, address);
    if (UNLIKELY(index == BITS_NONE)) {
        slab_misuse_misaligned(slab, address);
    }
    if (UNLIKELY(RELAXED_LOAD(&cache->tier) != SLAB_TIER_FAST)) {
        slab_guard_free(slab, index, context, caller);
        return;
    }
    slab_free_object(slab, index, context);
    RELAXED_ADD(&slab_slot(cache, context)->frees, 1);
}
