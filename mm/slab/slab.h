/*
 * One slab: up to 64 equal objects in a row, and a descriptor kept apart from them.
 *
 *   page word --> slab_t | free_word | remote_word | base |--> | object 0 | object 1 | ... | object n-1 |
 *
 * A set bit is a free object: in free_word if the owner (or, for a slab without one, whoever holds the cache's lock)
 * freed it, in remote_word if another context did. Nothing is written into a free object, so a stray write by a
 * former user can spoil data but never the allocator.
 *
 * Bit (address - base) / size stands for the object at `address`. Slabs of 64 objects of 16 or 32 bytes are smaller
 * than a page; four or two of them share it, and their descriptors stand in a row.
 *
 * Invariants
 *   S1  bits outside slab_all_free() are clear in both words
 *   S2  no bit is set in both words
 *   S3  a slab has an owner, or is on exactly one list of its cache: available, full or empty, as its free_word says
 *   S4  an owned slab is its owner's current one (then its free objects are in the slot, and free_word here is 0), or
 *       is on the owner's partial list, or has no bit in free_word
 *   S5  remote_word is not 0 exactly while some context is bound to post the slab, has posted it, or is collecting it
 *   S6  every page of the slab has a page word that leads to the descriptor
 *   S7  a slot's limit is 0 or the number of objects of its current slab, and 0 when there is none, or while that
 *       slab's remote_word is not 0 (but for the moment in which a context that freed remotely is about to say so)
 *
 * In the tier debug (mm/slab_tier.h) every second slot of a new slab is a red zone and no object: the objects keep the
 * slots' size and alignment, and bits of red zones are clear as in S1. The page words of such a slab say "typed", so
 * that kfree()'s shortcuts for kmalloc's slabs leave it alone.
 *
 * Locking: the owner writes free_word and link without a lock; without an owner the cache's lock guards them. owner
 * changes under the cache's lock only. Anyone sets bits of remote_word; who sets the first one must post the slab
 * (slab_free.c).
 */
#ifndef MM_SLAB_SLAB_H
#define MM_SLAB_SLAB_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/bits.h"
#include "base/list.h"
#include "base/relaxed.h"
#include "mm/kmalloc.h"
#include "mm/slab/page_code.h"
#include "mm/slab/slab_cache.h"
#include "mm/slab_context.h"

typedef struct slab {
    uint64_t free_word;
    _Atomic uint64_t remote_word;
    uintptr_t base; /* the first slot, with SLAB_HAS_RED_ZONES: see slab_start() */
    struct kmem_cache *cache;
    _Atomic uintptr_t owner; /* slab_context_t *, with SLAB_OWNER_CURRENT while current; 0 without an owner */
    list_link_t link;        /* the owner's partial list, or one of the cache's lists */
    struct slab *_Atomic posted_next;
} ALIGNED(CACHE_LINE_BYTES) slab_t;

_Static_assert(sizeof(slab_t) == CACHE_LINE_BYTES, "a descriptor is a cache line");

/* In slab_t.owner: the slab is its owner's current one. */
#define SLAB_OWNER_CURRENT ((uintptr_t)1)

/* The owner, or NULL; `owner` is a value of slab_t.owner. */
static inline slab_context_t *slab_owner_context(uintptr_t owner)
{
    return (slab_context_t *)(owner & ~SLAB_OWNER_CURRENT);
}

/* In slab_t.base: every second slot is a red zone. */
#define SLAB_HAS_RED_ZONES ((uintptr_t)1)

/* Where the first slot lies. */
static inline uintptr_t slab_start(const slab_t *slab)
{
    return slab->base & ~SLAB_HAS_RED_ZONES;
}

/* The bits that stand for the slab's objects: all slots but red zones. */
static inline uint64_t slab_all_free(const slab_t *slab)
{
    return LIKELY((slab->base & SLAB_HAS_RED_ZONES) == 0) ? slab->cache->object_bits : slab->cache->spaced_bits;
}

/* The object that bit `index` stands for. */
static inline uintptr_t slab_object(const slab_t *slab, unsigned index)
{
    return slab_start(slab) + (uintptr_t)index * slab->cache->object_size;
}

/*
 * The number of the slot that starts `offset` bytes behind a slab's first, or BITS_NONE when none does.
 *
 * For objects of 2^s bytes: rotated by s, the offset of an address between objects has bits at the top, as has that of
 * one before the slab. For others the reciprocal is exact for offsets below 2^16 and sizes from 16 up (Granlund and
 * Montgomery, 1994: m = ceil(2^32 / d)).
 */
static inline unsigned slab_offset_index(const kmem_cache_t *cache, uintptr_t offset)
{
    if (LIKELY(cache->object_shift != 0)) {
        const uint64_t index = bits_rotate_right(offset, cache->object_shift);
        return index < cache->objects_per_slab ? (unsigned)index : BITS_NONE;
    }
    const uint64_t index = (offset * cache->object_reciprocal) >> 32;
    return offset < cache->slab_bytes && index < cache->objects_per_slab && index * cache->object_size == offset
               ? (unsigned)index
               : BITS_NONE;
}

/* The bit of the object at `address`, which lies in the slab's pages, or BITS_NONE when no object starts there. */
static inline unsigned slab_object_index(const slab_t *slab, uintptr_t address)
{
    const unsigned index = slab_offset_index(slab->cache, address - slab_start(slab));
    return index != BITS_NONE && bit_is_set(slab_all_free(slab), index) ? index : BITS_NONE;
}

/* The descriptor for the object at `address` by its page's word, whose code stands for a slab. */
static inline slab_t *slab_of_address(uint64_t word, uintptr_t address)
{
    const unsigned code = word & PAGE_CODE_MASK;
    slab_t *const first = page_word_slab(word, address);
    if (LIKELY(code >= PAGE_CODE_SHIFT_MIN && !(KMALLOC_HAS_TRIPLES && first->cache->object_shift == 0))) {
        /* Its number, times a descriptor's size; 0 where a slab fills a page. */
        return (slab_t *)((uintptr_t)first + ((address & PAGE_OFFSET_MASK) >> code & -sizeof(slab_t)));
    }
    return first->cache->slabs_per_run == 1 ? first : first + (address - slab_start(first)) / first->cache->slab_bytes;
}

/* The place of `context` at the cache of `slab`. */
static inline slab_slot_t *slab_slot(kmem_cache_t *cache, slab_context_t *context)
{
    return cache->slots == NULL ? &context->slots[cache->slot_number] : &cache->slots[context->index];
}

/* count_set() of a word that most often has no bit, or one: machines without an instruction for it take a while. */
static inline uint64_t slab_count_few(uint64_t word)
{
    uint64_t but_one = word & (word - 1);
    __asm__("" : "+r"(but_one)); /* which the compiler would take for a reason to count all bits first */
    return LIKELY(but_one == 0) ? word != 0 : count_set(word);
}

/* The same for one that often has all bits of the cache's slabs. */
static inline uint64_t slab_count(const kmem_cache_t *cache, uint64_t word)
{
    return word == cache->object_bits ? cache->objects_per_slab : slab_count_few(word);
}

/* Gives the slot other free objects in its current slab: none of them allocated or freed by that. */
static inline void slab_slot_set_free_word(const kmem_cache_t *cache, slab_slot_t *slot, uint64_t word)
{
    RELAXED_ADD(&slot->balance, slab_count(cache, word) - slab_count(cache, slot->free_word));
    RELAXED_STORE(&slot->free_word, word);
}

/* Counts an allocation, or a free, that has not changed free_word, or has by slab_slot_set_free_word(). */
static inline void slab_slot_count_allocation(slab_slot_t *slot)
{
    RELAXED_ADD(&slot->balance, 1);
}

static inline void slab_slot_count_free(slab_slot_t *slot)
{
    RELAXED_ADD(&slot->balance, -1);
    RELAXED_ADD(&slot->frees, 1);
}

/* How often others freed objects of that slot's slabs. */
static inline uint64_t *slab_slot_remote_frees(const kmem_cache_t *cache, slab_context_t *context)
{
    return cache->slots == NULL ? &context->remote_frees[cache->slot_number] : &cache->remote_frees[context->index];
}

/*
 * Puts a slab that got its first free object on the slot's partial list. The list is sound at each step but for the
 * link back to the slab (mm/slab/slab_beside.h says whom that matters to).
 */
static inline void slab_partial_push(slab_slot_t *slot, slab_t *slab)
{
    slab_t *const head = slot->partial;
    slab->link.previous = NULL;
    slab->link.next = head == NULL ? NULL : &head->link;
    atomic_signal_fence(memory_order_seq_cst);
    slot->partial = slab;
    atomic_signal_fence(memory_order_seq_cst);
    if (LIKELY(head != NULL)) {
        head->link.previous = &slab->link;
    }
}

/* How many slabs on the slot's partial list have no live object. */
static inline unsigned slab_slot_empty_count(const slab_slot_t *slot)
{
    return slot->state & SLAB_SLOT_EMPTY_MASK;
}

/* --- slab_alloc.c: when a slot's current slab has nothing left --- */

/*
 * Finds `context` a slab with a free object and takes one object; NULL when memory is out. `size` is what was asked
 * for, and `caller` who asked: both for the tiers that keep records.
 */
MUST_USE void *slab_alloc_slow(kmem_cache_t *cache, slab_context_t *context, size_t size, uintptr_t caller);

/* Makes a slot ready for objects of that size, with no slab yet. */
void slab_slot_init(slab_slot_t *slot, uint32_t object_size);

/* Makes the slot's current slab an ordinary owned one: on the partial list, unless it is full. */
void slab_slot_retire(slab_slot_t *slot, slab_context_t *context);

/*
 * Makes an owned slab the slot's current one, with `free_word` for its free objects. What was current becomes an
 * ordinary owned one.
 */
void slab_slot_switch(slab_slot_t *slot, slab_t *slab, slab_context_t *context, uint64_t free_word);

/* In a cache that is not fast any more: gives up the slot's current slab, whose objects went by unseen. */
void slab_slot_follow_tier(slab_slot_t *slot, slab_context_t *context);

/* Takes a slab off the slot's partial list. */
void slab_partial_remove(slab_slot_t *slot, slab_t *slab);

/*
 * Lets kfree put objects back into the slot's current slab by itself, unless other contexts have freed into it
 * meanwhile.
 */
void slab_slot_open(slab_slot_t *slot);

/* --- slab_free.c: any free but that into the freeing context's current slab --- */

/*
 * Frees the object at `address` in `slab`, whose page word led here. Stops the kernel, with nothing changed, when it is
 * no object or is free.
 */
void slab_free(slab_t *slab, uintptr_t address, slab_context_t *context, uintptr_t caller);

/* The same, for who has found that slab_beside_free() can't. */
void slab_free_slow(slab_t *slab, uintptr_t address, slab_context_t *context, uintptr_t caller);

/*
 * Frees the objects at `bits`, at least one, of a slab whose cache is fast, at once. Stops the kernel when one is free
 * already.
 */
void slab_free_many(slab_t *slab, uint64_t bits, slab_context_t *context);

/*
 * A slab on the partial list has no live object any more: the slot keeps a few such, and hands the others to the
 * cache.
 */
void slab_slot_got_empty(slab_slot_t *slot, slab_t *slab);

/* Makes the object that bit `index` stands for free, whatever its cache's tier, and counts nothing. Reports misuse. */
void slab_free_object(slab_t *slab, unsigned index, slab_context_t *context);

/* Brings home what other contexts freed into the slabs of `context`. Called on the context's own CPU. */
void slab_collect(slab_context_t *context);

/* Takes the slabs of `cache` off every context's posted stack, their remote frees merged. No CPU uses the cache. */
void slab_collect_cache(kmem_cache_t *cache);

/* --- slab_context.c: a context as a whole --- */

/* Hands everything that the slot holds, but for full slabs, to the cache. The caller may touch the slot. */
void slab_slot_drain(kmem_cache_t *cache, slab_context_t *context);

/* Hands the slot's empty slabs to the cache. The caller may touch the slot. */
void slab_slot_trim(kmem_cache_t *cache, slab_context_t *context);

/* --- slab_pool.c: slabs in nobody's hands --- */

/*
 * Takes a slab with free objects from the cache's lists, or makes one; it belongs to `context` then. NULL when memory
 * is out.
 */
MUST_USE slab_t *slab_pool_take(kmem_cache_t *cache, slab_context_t *context);

/*
 * Gives an owned slab, which is on no list and is not current, to its cache. Its pages go back when the cache has
 * empty ones enough.
 */
void slab_pool_put(slab_t *slab);

/* Makes `context` the owner of a slab that has none. Returns false when somebody else was faster. */
MUST_USE bool slab_pool_adopt(slab_t *slab, slab_context_t *context);

/* Merges the remote frees of a slab without an owner. Returns false, having done nothing, when it has one after all. */
MUST_USE bool slab_pool_collect(slab_t *slab);

/* Gives the pages of all empty slabs that have no owner back. Returns how many went. */
size_t slab_pool_trim(kmem_cache_t *cache);

/* --- slab_misuse.c: what a caller did wrong, as a report and a check --- */

NORETURN COLD void slab_misuse_double_free(const slab_t *slab, uintptr_t address);
NORETURN COLD void slab_misuse_misaligned(const slab_t *slab, uintptr_t address);
NORETURN COLD void slab_misuse_wrong_cache(const slab_t *slab, uintptr_t address, const kmem_cache_t *cache);
NORETURN COLD void slab_misuse_no_slab(uintptr_t address, uint64_t page_word);

#endif
