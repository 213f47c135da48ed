/*
 * Contexts that come and go, for mm/allocation_context.c; failure injection, for mm/inject_arm.c.
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

/* Makes caches and the calling context's slots fit the armed rule of mm/inject.h, or that there is none. */
void slab_inject_apply(void);

#endif
