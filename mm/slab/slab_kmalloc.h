/*
 * kmalloc's own caches, one for each class.
 */
#ifndef MM_SLAB_SLAB_KMALLOC_H
#define MM_SLAB_SLAB_KMALLOC_H

#include "base/check.h"
#include "mm/slab/page_code.h"
#include "mm/slab/slab_cache.h"

#define KMALLOC_CLASS_COUNT (PAGE_CODE_SHIFT_MAX - PAGE_CODE_SHIFT_MIN + 1)

extern kmem_cache_t slab_kmalloc_caches[KMALLOC_CLASS_COUNT];

/* The cache of objects of 2^shift bytes. */
static inline kmem_cache_t *slab_kmalloc_cache(unsigned shift)
{
    DEBUG_CHECK(shift >= PAGE_CODE_SHIFT_MIN && shift <= PAGE_CODE_SHIFT_MAX);
    return &slab_kmalloc_caches[shift - PAGE_CODE_SHIFT_MIN];
}

#endif
