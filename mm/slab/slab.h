/*
 * One slab: up to 64 equal objects in a row, and a descriptor kept apart from them.
 *
 *   page word --> slab_t | free_word | remote_word | base |--> | object 0 | object 1 | ... | object n-1 |
 *
 * A set bit is a free object: in free_word if the owner (or, for a slab without one, whoever holds the cache's lock)
 * freed it, in remote_word if another context did. Nothing is written into a free object, so a stray write by a
 * former user can spoil data but never the allocator.
 *
 * Objects of 2^s bytes: bit (address >> s) & 63 stands for the object, wherever the slab lies. A slab of fewer than
 * 64 objects so uses some of the bits only: slab_all_free() says which. Slabs of 64 objects of 16 or 32 bytes are
 * smaller than a page; four or two of them share it, and their descriptors stand in a row. Objects of other sizes:
 * bit (address - base) / size.
 *
 * Invariants
 *   S1  bits outside slab_all_free() are clear in both words
 *   S2  no bit is set in both words
 *   S3  a slab has an owner, or is on exactly one list of its cache: available, full or empty, as its free_word says
 *   S4  an owned slab is its owner's current one (then its free objects are in the slot, and free_word here is 0), or
 *       is on the owner's partial list, or has no bit in free_word
 *   S5  remote_word is not 0 exactly while some context is bound to post the slab, has posted it, or is collecting it
 *   S6  every page of the slab has a page word that leads to the descriptor
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

/* The position in the words of the slab's first slot. */
static inline unsigned slab_first_bit(const slab_t *slab)
{
    const kmem_cache_t *const cache = slab->cache;
    return cache->object_shift == 0 ? 0 : (slab->base >> cache->object_shift) & 63;
}

/* The bits that stand for the slab's slots. */
static inline uint64_t slab_all_slots(const slab_t *slab)
{
    return slab->cache->object_bits << slab_first_bit(slab);
}

/* The bits that stand for the slab's objects: all slots but red zones. */
static inline uint64_t slab_all_free(const slab_t *slab)
{
    if (UNLIKELY((slab->base & SLAB_HAS_RED_ZONES) != 0)) {
        return slab->cache->spaced_bits << slab_first_bit(slab);
    }
    return slab_all_slots(slab);
}

/* Where bit 0 lies, for a slot's base. */
static inline uintptr_t slab_word_base(const slab_t *slab)
{
    const kmem_cache_t *const cache = slab->cache;
    return cache->object_shift == 0 ? slab_start(slab) : slab->base & ~((UINT64_C(64) << cache->object_shift) - 1);
}

/* The object that bit `index` stands for. */
static inline uintptr_t slab_object(const slab_t *slab, unsigned index)
{
    return slab_word_base(slab) + (uintptr_t)index * slab->cache->object_size;
}

/*
 * The bit of the object at `address`, which lies in the slab's pages, or BITS_NONE when no object starts there. The
 * reciprocal is exact for offsets below 2^16 and sizes from 16 up (Granlund and Montgomery, 1994: m = ceil(2^32 /
 * d)).
 */
static inline unsigned slab_object_index(const slab_t *slab, uintptr_t address)
{
    const kmem_cache_t *const cache = slab->cache;
    const uintptr_t offset = address - slab_start(slab);
    const uint64_t index = (offset * cache->object_reciprocal) >> 32;
    if (offset >= cache->slab_bytes || index >= cache->objects_per_slab || index * cache->object_size != offset) {
        return BITS_NONE;
    }
    const unsigned bit = (unsigned)(cache->object_shift == 0 ? index : (address >> cache->object_shift) & 63);
    return bit_is_set(slab_all_free(slab), bit) ? bit : BITS_NONE;
}

/* The descriptor for the object at `address` by its page's word, whose code stands for a slab. */
static inline slab_t *slab_of_address(uint64_t word, uintptr_t address)
{
    const unsigned code = word & PAGE_CODE_MASK;
    if (code >= PAGE_CODE_SHIFT_MIN) {
        return page_word_slab(word, address >> code, page_code_row_mask(code));
    }
    slab_t *const first = (slab_t *)(word & ~PAGE_CODE_MASK);
    return first->cache->slabs_per_run == 1 ? first : first + (address & PAGE_OFFSET_MASK) / first->cache->slab_bytes;
}

/* The place of `context` at the cache of `slab`. */
static inline slab_slot_t *slab_slot(kmem_cache_t *cache, slab_context_t *context)
{
    return cache->slots == NULL ? &context->slots[cache->object_shift] : &cache->slots[context->index];
}

/* --- slab_alloc.c: when a slot's current slab has nothing left --- */

/*
 * Finds `context` a slab with a free object and takes one object; NULL when memory is out. `size` is what was asked
 * for, and `caller` who asked: both for the tiers that keep records.
 */
MUST_USE void *slab_alloc_slow(kmem_cache_t *cache, slab_context_t *context, size_t size, uintptr_t caller);

/* Makes the slot's current slab an ordinary owned one: on the partial list, unless it is full. */
void slab_slot_retire(slab_slot_t *slot, slab_context_t *context);

/* In a cache that is not fast any more: gives up the slot's current slab, whose objects went by unseen. */
void slab_slot_follow_tier(slab_slot_t *slot, slab_context_t *context);

/* Puts a slab that got its first free object on the slot's partial list; takes one off it. */
void slab_partial_push(slab_slot_t *slot, slab_t *slab);
void slab_partial_remove(slab_slot_t *slot, slab_t *slab);

/* --- slab_free.c: any free but that into the freeing context's current slab --- */

/*
 * Frees the object at `address` in a slab of the kmalloc class that `slot` is for, if the slab belongs to `context`,
 * is not current, and all is in order: returns false, having done nothing, when slab_free_slow() must have a look.
 */
MUST_USE bool slab_free_owned(slab_t *slab, uintptr_t address, slab_slot_t *slot, slab_context_t *context);

/* Frees the object at `address` in `slab`, whose page word led here. Reports misuse. */
void slab_free_slow(slab_t *slab, uintptr_t address, slab_context_t *context, uintptr_t caller);

/* Makes the object that bit `index` stands for free, whatever its cache's tier, and counts nothing. Reports misuse. */
void slab_free_object(slab_t *slab, unsigned index, slab_context_t *context);

/* Brings home what other contexts freed into the slabs of `context`. Called on the context's own CPU. */
void slab_collect(slab_context_t *context);

/* Takes the slabs of `cache` off every context's posted stack, their remote frees merged. No CPU uses the cache. */
void slab_collect_cache(kmem_cache_t *cache);

/* --- slab_context.c: a context as a whole --- */

/* Hands everything that the slot holds, but for full slabs, to the cache. The caller may touch the slot. */
void slab_slot_drain(kmem_cache_t *cache, slab_context_t *context);

/* Hands the empty slabs on the slot's partial list to the cache. The caller may touch the slot. */
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
