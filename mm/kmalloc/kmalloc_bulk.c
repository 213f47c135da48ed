/*
 * kmalloc_bulk and kfree_bulk: many blocks for one look at a slab.
 *
 * An allocation takes all that the slot's word has, or as much as is wanted, and writes the word back once. A free
 * gathers blocks of one slab for as long as they come in a row, and hands their bits over together: to the owner's
 * word, or by one atomic operation to the word of another owner.
 *
 * What is not usual (sizes without a class, tiers that keep records, failure injection, mistakes) goes one by one, by
 * kmalloc's and kfree's own ways.
 */
#include "arch/page_backend.h"
#include "mm/kmalloc.h"
#include "mm/slab/slab.h"
#include "mm/slab/slab_kmalloc.h"

/* Takes up to `count` objects from the slot's current slab. Returns how many. */
static size_t take_many(slab_slot_t *slot, size_t count, void **objects)
{
    uint64_t free_word = slot->free_word;
    const uintptr_t base = slot->base;
    const size_t distance = slot->object_size;
    size_t taken = 0;
    uint64_t index;
    while (taken < count && bits_take_first(&free_word, &index)) {
        objects[taken++] = (void *)(base + index * distance);
    }
    RELAXED_STORE(&slot->free_word, free_word);
    return taken;
}

size_t _kmalloc_bulk(size_t size, size_t count, void **objects)
{
    const bool has_class = size - 1 < KMALLOC_SLAB_MAX && !KMALLOC_IS_WATCHED;
    slab_slot_t *const slot = has_class ? kmalloc_slot_of_last(kmalloc_last(size)) : NULL;
    size_t done = 0;
    while (done < count) {
        if (slot != NULL) {
            done += take_many(slot, count - done, &objects[done]);
        }
        if (done < count) {
            objects[done] = kmalloc(size);
            if (UNLIKELY(objects[done] == NULL)) {
                goto undo;
            }
            done++;
        }
    }
    return count;

undo:
    kfree_bulk(done, objects);
    return 0;
}

/* Blocks of one slab, found free of mistakes but for double frees, that are still to be freed. */
typedef struct gathered {
    slab_t *slab; /* NULL: nothing is gathered */
    uintptr_t start;
    uint64_t limit;
    uint64_t bits;
    uint64_t shift;
    uint64_t multiplier; /* as kfree_into_slot() has it */
} gathered_t;

/* What kfree's line does for one object, for all of them: if their slab is the current one, and none is free. */
static bool free_into_slot(slab_slot_t *slot, const gathered_t *gathered)
{
    const uint64_t before = slot->free_word;
    if (slot->current != gathered->slab || RELAXED_LOAD(&slot->limit) == 0 || (before & gathered->bits) != 0) {
        return false;
    }
    RELAXED_STORE(&slot->free_word, before | gathered->bits);
    RELAXED_ADD(&slot->frees, (uint64_t)count_set(gathered->bits));
    return true;
}

static void flush(gathered_t *gathered)
{
    slab_context_t *const context = (slab_context_t *)allocation_context_current();
    if (gathered->bits != 0 && !free_into_slot(slab_slot(gathered->slab->cache, context), gathered)) {
        slab_free_many(gathered->slab, gathered->bits, context);
    }
    *gathered = (gathered_t){0};
}

/* Makes the slab of `pointer` the one that is gathered for, if its objects can be. */
static void start(gathered_t *gathered, const void *pointer)
{
    const uint64_t *const word_place = page_word(pointer);
    const uint64_t word = word_place == NULL ? PAGE_CODE_NONE : __atomic_load_n(word_place, __ATOMIC_ACQUIRE);
    if ((word & PAGE_CODE_MASK) < PAGE_CODE_SHIFT_MIN || KMALLOC_IS_WATCHED) {
        return;
    }
    slab_t *const slab = slab_of_address(word, (uintptr_t)pointer);
    if (RELAXED_LOAD(&slab->cache->tier) == SLAB_TIER_FAST) {
        *gathered = (gathered_t){.slab = slab,
                                 .start = slab_start(slab),
                                 .limit = slab->cache->objects_per_slab,
                                 .shift = word,
                                 .multiplier = slab->cache->object_shift == 0 ? KMALLOC_THIRD : 1};
    }
}

/* Adds a block, if it is an object of the slab that is gathered for, and not there yet. */
static ALWAYS_INLINE bool gather(gathered_t *gathered, const void *pointer)
{
    const uint64_t index =
        bits_rotate_right((uintptr_t)pointer - gathered->start, gathered->shift) * gathered->multiplier;
    uint64_t bits = gathered->bits;
    if (index >= gathered->limit || !bit_set_clear(&bits, index)) {
        return false;
    }
    gathered->bits = bits;
    return true;
}

void _kfree_bulk(size_t count, void *const *objects)
{
    gathered_t gathered = {0};
    for (size_t i = 0; i < count; i++) {
        if (LIKELY(gather(&gathered, objects[i]))) {
            continue;
        }
        flush(&gathered);
        start(&gathered, objects[i]);
        if (!gather(&gathered, objects[i])) {
            kfree(objects[i]);
        }
    }
    flush(&gathered);
}
