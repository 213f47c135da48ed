/*
 * Frees that kfree's own few lines leave: into an owned slab that is not current, into another context's slab, into
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
 * when the slab is another context's current one, in that context's slot, whose state tells whether what was read
 * belongs together. kfree's own lines look at a slot's free_word alone: whoever frees into another context's current
 * slab closes that slot to them, until its context has collected (S7).
 */
#include "base/check.h"
#include "mm/slab/slab.h"
#include "mm/slab/slab_beside.h"
#include "mm/slab/slab_guard.h"

/* Peeks at a slot that its owner changes again and again give up after so many tries; collection then still notices. */
#define PEEK_TRIES_MAX 8

/*
 * What `owner`, whose current slab is `slab`, has free in its slot. What is set is free for sure; nothing may also mean
 * "can't tell".
 */
static uint64_t free_in_slot_of(slab_context_t *owner, slab_t *slab)
{
    slab_slot_t *const slot = slab_slot(slab->cache, owner);
    for (unsigned tries = 0; tries < PEEK_TRIES_MAX; tries++) {
        const uint32_t before = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
        const slab_t *const current = RELAXED_LOAD(&slot->current);
        const uint64_t word = RELAXED_LOAD(&slot->free_word);
        atomic_thread_fence(memory_order_acquire);
        if ((before & SLAB_SLOT_CHANGE) == 0 && RELAXED_LOAD(&slot->state) == before) {
            return current == slab ? word : 0;
        }
    }
    return 0;
}

void slab_slot_got_empty(slab_slot_t *slot, slab_t *slab)
{
    if (slab_slot_empty_count(slot) < slab->cache->slot_empty_max) {
        RELAXED_ADD(&slot->state, SLAB_SLOT_EMPTY);
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
        slab_slot_got_empty(slot, slab);
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
    const uint64_t count = slab_count_few(bits);
    RELAXED_ADD(slab_slot_remote_frees(cache, context), count);
    if (is_current) {
        RELAXED_ADD(&slot->balance, count);
        RELAXED_STORE(&slot->free_word, slot->free_word | bits);
        slab_slot_open(slot);
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

/* Whether a context of this address has ever been. */
static bool is_context(const slab_context_t *address)
{
    const slab_context_t *context = slab_context_first();
    while (context != NULL && context != address) {
        context = context->next;
    }
    return context != NULL;
}

/*
 * Of a slab that may have gone, and its descriptor's memory be in use for something else: see close_slot_of(). Race
 * detectors can't know that what is found then does no harm.
 */
__attribute__((disable_sanitizer_instrumentation)) static uintptr_t owner_now(const slab_t *slab)
{
    return atomic_load(&slab->owner);
}

/*
 * After a remote free, if the slab is somebody's current one: kfree there must not go by free_word alone. Who makes
 * it current after our look sees what we freed (slab_slot_open).
 *
 * Unless ours was the first bit, the slab may have been collected and have gone by now, and its descriptor with it.
 * What is read then is nobody's owner, or another slab's, whose slot may well be closed: that costs its context one
 * look.
 */
static void close_slot_of(const slab_t *slab, kmem_cache_t *cache, uintptr_t owner_before)
{
    const uintptr_t owner = owner_now(slab);
    if ((owner & SLAB_OWNER_CURRENT) == 0) {
        return;
    }
    slab_context_t *const context = slab_owner_context(owner);
    if (context != slab_owner_context(owner_before) && !is_context(context)) {
        return;
    }
    /* A slot that is closed already stays so until its context has looked again: its line need not come here. */
    uint64_t *const limit = &slab_slot(cache, context)->limit;
    if (__atomic_load_n(limit, __ATOMIC_SEQ_CST) != 0) {
        __atomic_store_n(limit, 0, __ATOMIC_SEQ_CST);
    }
}

/* Reports the first of the objects at `bits`. */
NORETURN COLD static void misuse(const slab_t *slab, uint64_t bits)
{
    slab_misuse_double_free(slab, slab_object(slab, find_first_set(bits)));
}

/* A slab that belongs to `owner`, which is not the caller's context. */
static void free_remote(slab_t *slab, uintptr_t owner, uint64_t bits)
{
    kmem_cache_t *const cache = slab->cache;
    uint64_t free_bits = RELAXED_LOAD(&slab->free_word) & bits;
    if ((owner & SLAB_OWNER_CURRENT) != 0) {
        free_bits |= free_in_slot_of(slab_owner_context(owner), slab) & bits;
    }
    if (UNLIKELY(free_bits != 0)) {
        misuse(slab, free_bits);
    }
    const uint64_t before = atomic_fetch_or(&slab->remote_word, bits);
    if (UNLIKELY((before & bits) != 0)) {
        misuse(slab, before & bits);
    }
    close_slot_of(slab, cache, owner);
    if (before == 0) {
        post(slab);
    }
}

/* Whether slots of the cache keep a current slab, so that operations go by without the slow paths seeing them. */
static bool may_be_current(const kmem_cache_t *cache)
{
    return RELAXED_LOAD(&cache->tier) == SLAB_TIER_FAST && !RELAXED_LOAD(&cache->is_injected);
}

/* Whether the slab, into which a free has just gone, had better be the slot's current one. */
static bool is_wanted(const slab_slot_t *slot, const slab_t *slab, uint64_t before, uint64_t after)
{
    const uint64_t all = slab_all_free(slab);
    return may_be_current(slab->cache) && (slot->free_word == all ? before == 0 : after == all);
}

/*
 * A slab of the caller's own context. One that was full becomes the current one if that has got all its objects back,
 * and so does one that gets empty if that has not: the next frees are likely to go there, too, and so are
 * then kfree's own business; and what is allocated next is still in the CPU's cache. Any other does not: frees in no
 * order would have slabs take turns without end.
 */
static void free_local(slab_t *slab, slab_slot_t *slot, slab_context_t *context, uint64_t bits)
{
    const bool is_current = slot->current == slab;
    const uint64_t free_word = is_current ? slot->free_word : slab->free_word;
    const uint64_t remote_word = atomic_load_explicit(&slab->remote_word, memory_order_relaxed);
    if (UNLIKELY(((free_word | remote_word) & bits) != 0)) {
        misuse(slab, (free_word | remote_word) & bits);
    }
    if (LIKELY(!is_current)) {
        if (is_wanted(slot, slab, free_word, free_word | bits)) {
            slab_slot_switch(slot, slab, context, free_word | bits);
        } else {
            add_free_bits(slot, slab, bits);
        }
        return;
    }
    RELAXED_ADD(&slot->balance, slab_count_few(bits));
    RELAXED_STORE(&slot->free_word, free_word | bits);
    if (atomic_load_explicit(&context->posted, memory_order_relaxed) != NULL) {
        slab_collect(context);
    }
    slab_slot_open(slot);
}

/* Makes a slab that nobody owns the caller's, unless an object is free. Returns the owner that the slab then has. */
static uintptr_t adopt(slab_t *slab, slab_context_t *context, uint64_t bits)
{
    /* Refuse a double free before the slab changes hands. Racing frees are found again later. */
    const uint64_t free_bits = (RELAXED_LOAD(&slab->free_word) | atomic_load(&slab->remote_word)) & bits;
    if (UNLIKELY(free_bits != 0)) {
        misuse(slab, free_bits);
    }
    if (slab_pool_adopt(slab, context) && slab->free_word != 0) {
        slab_partial_push(slab_slot(slab->cache, context), slab);
    }
    return atomic_load(&slab->owner);
}

/* Frees objects that a cache in any tier may have. */
static ALWAYS_INLINE void free_objects(slab_t *slab, uint64_t bits, slab_slot_t *slot, slab_context_t *context)
{
    uintptr_t owner = atomic_load_explicit(&slab->owner, memory_order_acquire);
    if (UNLIKELY(owner == 0)) {
        owner = adopt(slab, context, bits);
    }
    if (LIKELY(slab_owner_context(owner) == context)) {
        free_local(slab, slot, context, bits);
    } else {
        free_remote(slab, owner, bits);
    }
}

void slab_free_object(slab_t *slab, unsigned index, slab_context_t *context)
{
    free_objects(slab, UINT64_C(1) << index, slab_slot(slab->cache, context), context);
}

void slab_free_many(slab_t *slab, uint64_t bits, slab_context_t *context)
{
    const uint64_t count = count_set(bits);
    slab_slot_t *const slot = slab_slot(slab->cache, context);
    free_objects(slab, bits, slot, context);
    RELAXED_ADD(&slot->balance, -count);
    RELAXED_ADD(&slot->frees, count);
}

/* A free that slab_beside_free() leaves. */
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
    slab_slot_t *const slot = slab_slot(cache, context);
    free_objects(slab, UINT64_C(1) << (index % BITS_PER_WORD), slot, context);
    slab_slot_count_free(slot);
}

void slab_free(slab_t *slab, uintptr_t address, slab_context_t *context, uintptr_t caller)
{
    if (LIKELY(atomic_load_explicit(&slab->owner, memory_order_relaxed) == (uintptr_t)context) &&
        LIKELY(RELAXED_LOAD(&slab->cache->tier) == SLAB_TIER_FAST) &&
        LIKELY(slab_beside_free(slab_slot(slab->cache, context), slab, slab_object_index(slab, address),
                                slab_all_free(slab)))) {
        return;
    }
    slab_free_slow(slab, address, context, caller);
}
