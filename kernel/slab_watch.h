/*
 * The slab allocator's tiers as the command line asks for them, from the first object on (mm/slab_tier.h):
 *
 *   slab=fast|guarded|debug      every cache
 *   slab.NAME=fast|guarded|debug the cache of that name, whenever it is created: slab.kmalloc-64=debug
 *   slab.seed=NUMBER             the same random places and canaries as in another boot
 *   slab.records=NUMBER          objects that are tracked at once; 16384 unless set
 *   slab.quarantine=BYTES        that freed objects of one context rest in; 32 KiB unless set, 0: none rests
 */
#ifndef KERNEL_SLAB_WATCH_H
#define KERNEL_SLAB_WATCH_H

#include "base/status.h"

/*
 * Puts caches into their tiers. Nothing to do is fine; an unknown word is told and ignored; without memory for records
 * the caches stay in tier fast, which is told.
 */
MUST_USE status_t slab_watch_start(void);

/* Tells who allocated the objects of tracked caches that are still live, and ends tracking. Other CPUs are stopped. */
void slab_watch_end(void);

#endif
