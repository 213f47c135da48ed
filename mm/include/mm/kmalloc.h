/*
 * kmalloc: memory for the whole kernel, in sizes from 1 byte up.
 *
 * Sizes up to 4096 bytes come from slab caches of 16, 32, ... 4096 bytes, each block aligned to its class; larger
 * ones are runs of pages. Any CPU, thread or interrupt context; nothing sleeps. Not from exception handlers
 * (arch/cpu_local.h).
 *
 * kfree() and krealloc() stop the kernel, in every build and with nothing changed, when `pointer` is not the start of
 * a live block: "double free", "free of a misaligned pointer", "free of a foreign pointer". See mm/slab/slab_misuse.c
 * for the report.
 */
#ifndef MM_KMALLOC_H
#define MM_KMALLOC_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/status.h"

/*
 * Returns a block of at least `size` bytes, contents unspecified, or NULL when memory is out. kmalloc(0) is a block
 * too.
 */
MUST_USE static ALWAYS_INLINE void *kmalloc(size_t size);

/* Takes a block back. NULL is allowed and does nothing. */
static ALWAYS_INLINE void kfree(void *pointer);

/*
 * kfree() for who knows what size was asked for, and so spares the look at the page: with a constant `size` a usual
 * free is a few instructions in the caller. Everything that kfree() refuses is refused. A `size` of another class
 * costs time and nothing else.
 */
static ALWAYS_INLINE void kfree_sized(void *pointer, size_t size);

/*
 * Allocates `count` blocks of at least `size` bytes each into objects[0] to objects[count - 1], many from a slab at
 * once. Returns `count`, or 0 when memory is out: all or nothing; what `objects` then holds is unspecified.
 */
MUST_USE static ALWAYS_INLINE size_t kmalloc_bulk(size_t size, size_t count, void **objects);

/*
 * Takes `count` blocks back, as kfree() would one after the other; those of one slab in a row at once. `objects` may
 * hold blocks of any size, and NULL.
 */
static ALWAYS_INLINE void kfree_bulk(size_t count, void *const *objects);

/*
 * Returns a block of at least `size` bytes that begins with the old block's contents, as far as both reach: the same
 * block when the class still fits. NULL when memory is out; the old block is then untouched and still the caller's.
 * krealloc(NULL, n) is kmalloc(n); krealloc(p, 0) frees p and returns NULL.
 */
MUST_USE static ALWAYS_INLINE void *krealloc(void *pointer, size_t size);

/* Returns a zeroed block for `count` elements of `size` bytes; NULL when memory is out or the product overflows. */
MUST_USE static ALWAYS_INLINE void *kcalloc(size_t count, size_t size);

/*
 * How many bytes the live block at `pointer` really has: at least what was asked for. Who asks may use them all.
 */
size_t kmalloc_usable_size(const void *pointer);

/*
 * How many bytes the live block's slot, or its run of pages, has. Who asks may not use them for that: for whoever
 * watches memory.
 */
size_t kmalloc_slot_size(const void *pointer);

/*
 * Stops the kernel with "free of a foreign pointer" and a report: for fault handlers that find out that somebody
 * looked for the page word of `pointer` where no page is (page_words_fault_address in mm/pages.h).
 */
NORETURN COLD void kmalloc_report_foreign_free(const void *pointer);

#include "mm/kmalloc_inline.h"

#endif
