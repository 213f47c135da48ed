/*
 * Where the slab core's slow paths meet allocation tracking (mm/slab_debug.h). Nothing here is called for caches that
 * are not tracked.
 */
#ifndef MM_SLAB_SLAB_DEBUG_H
#define MM_SLAB_SLAB_DEBUG_H

#include "mm/slab/slab.h"
#include "mm/slab_debug.h"

/* Notes an allocation, and checks the poison that its last free left. */
NOT_NULL void slab_debug_on_alloc(const kmem_cache_t *cache, void *object, uintptr_t caller);

/*
 * Notes a free of the object that `bit` stands for, and poisons it. An object that is free already is left alone: the
 * caller finds that out.
 */
void slab_debug_on_free(const slab_t *slab, uintptr_t address, uintptr_t caller);

/* Forgets the objects of a slab whose pages go back: what others write there is no write after free. */
void slab_debug_forget(const slab_t *slab);

/* Writes what is known about the object at `address` to the log. */
void slab_debug_describe(uintptr_t address);

#endif
