/*
 * kmalloc's own caches, one for each class.
 */
#ifndef MM_SLAB_SLAB_KMALLOC_H
#define MM_SLAB_SLAB_KMALLOC_H

#include "base/check.h"
#include "mm/kmalloc.h"
#include "mm/slab/page_code.h"
#include "mm/slab/slab_cache.h"

#define KMALLOC_POWER_COUNT  (PAGE_CODE_SHIFT_MAX - PAGE_CODE_SHIFT_MIN + 1)
#define KMALLOC_TRIPLE_COUNT (KMALLOC_HAS_TRIPLES ? KMALLOC_TRIPLE_SHIFT_MAX - KMALLOC_TRIPLE_SHIFT_MIN + 1 : 0)
#define KMALLOC_CLASS_COUNT  (KMALLOC_POWER_COUNT + KMALLOC_TRIPLE_COUNT)

/* In order of size. */
extern kmem_cache_t slab_kmalloc_caches[KMALLOC_CLASS_COUNT];

/* Which cache is for a size; `last` is kmalloc_last() of it. Triples stand between powers, from 48 after 32 on. */
static inline unsigned slab_kmalloc_class(size_t last)
{
    const unsigned shift = kmalloc_class_shift(last);
    DEBUG_CHECK(last < KMALLOC_SLAB_MAX && shift >= PAGE_CODE_SHIFT_MIN && shift <= PAGE_CODE_SHIFT_MAX);
    if (kmalloc_is_triple(last)) {
        return 2 * (shift - KMALLOC_TRIPLE_SHIFT_MIN) + 2;
    }
    return KMALLOC_HAS_TRIPLES && shift > PAGE_CODE_SHIFT_MIN ? 2 * (shift - PAGE_CODE_SHIFT_MIN) - 1
                                                              : shift - PAGE_CODE_SHIFT_MIN;
}

#endif
