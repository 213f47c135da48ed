/*
 * What happens at each operation of a cache in the tier guarded or debug. Nothing here is called for caches that are
 * fast, but for their live objects of before.
 */
#ifndef MM_SLAB_SLAB_GUARD_H
#define MM_SLAB_SLAB_GUARD_H

#include "mm/slab/slab.h"
#include "mm/slab/slab_report.h"

/* Slots that are objects in a slab with red zones: every second, with a red zone on either side. */
#define SLAB_SPACED_BITS      UINT64_C(0xaaaaaaaaaaaaaaaa)
#define SLAB_SPACED_SLOTS_MIN 3u

/* The bit of the object that an allocation shall take from an owned slab that is not current and not full. */
unsigned slab_guard_choose(const slab_t *slab, const slab_context_t *context);

/*
 * Checks the object that bit `index` stands for before it is handed out for `size` bytes, notes the allocation, fills
 * the object. It is still free: a check that fails has changed nothing.
 */
void slab_guard_on_alloc(const slab_t *slab, unsigned index, size_t size, uintptr_t caller);

/* Frees the object: checks it, notes the free, fills it, and lets it rest or makes it free. Reports misuse. */
void slab_guard_free(slab_t *slab, unsigned index, slab_context_t *context, uintptr_t caller);

/* The live object at `address` has `size` bytes from now on, at most its slot's. */
void slab_guard_resize(const slab_t *slab, uintptr_t address, size_t size, uintptr_t caller);

/*
 * Whether somebody wrote to an object that was freed: *damage is then filled in. In debug its whole slab is looked at.
 * The tracking lock is held.
 */
bool slab_guard_look_at_freed(slab_damage_t *damage, const slab_t *slab, const slab_record_t *record);

/* Fills the red zones of a new slab. */
void slab_guard_paint(const slab_t *slab);

#endif
