/*
 * Contexts that come and go, for mm/allocation_context.c.
 */
#ifndef MM_SLAB_SLAB_LIFECYCLE_H
#define MM_SLAB_SLAB_LIFECYCLE_H

#include "mm/slab_context.h"

/*
 * Hands all slabs of `context` to their caches. Its CPU no longer allocates from it; others may go on. Thread
 * context.
 */
void slab_context_leave(slab_context_t *context);

/* Makes a context that left ready for another CPU. */
void slab_context_return(slab_context_t *context);

#endif
