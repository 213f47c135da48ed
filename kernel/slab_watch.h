/*
 * The slab allocator's debugging as the command line asks for it: `slab=debug` tracks and poisons every object from
 * the first one on (mm/slab_debug.h), and names what is still live at shutdown.
 */
#ifndef KERNEL_SLAB_WATCH_H
#define KERNEL_SLAB_WATCH_H

#include "base/status.h"

/*
 * Starts tracking when the command line says so. An unknown word is told and ignored. STATUS_NO_MEMORY without room
 * for records.
 */
MUST_USE status_t slab_watch_start(void);

/* Tells the live objects by the calls that allocated them, and stops tracking. Other CPUs are stopped. */
void slab_watch_end(void);

#endif
