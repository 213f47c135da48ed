/*
 * Blocks over 4096 bytes: runs of pages, whose length is in the first page's word (mm/slab/page_code.h).
 */
#ifndef MM_KMALLOC_KMALLOC_LARGE_H
#define MM_KMALLOC_KMALLOC_LARGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/units.h"
#include "mm/slab/page_code.h"

/* Returns a block of `size` bytes rounded up to pages, or NULL when no such run is free. */
MUST_USE void *kmalloc_large_alloc(size_t size);

/* Whether `pointer`, whose page's word has the code of large blocks, is the start of one. */
static inline bool kmalloc_large_is_start(uint64_t word, const void *pointer)
{
    return word >> PAGE_WORD_VALUE_SHIFT != 0 && ((uintptr_t)pointer & PAGE_OFFSET_MASK) == 0;
}

/* The size of the large block with that word, in bytes. */
static inline size_t kmalloc_large_size(uint64_t word)
{
    return (size_t)(word >> PAGE_WORD_VALUE_SHIFT) << PAGE_SHIFT;
}

/*
 * Makes the large block at `pointer`, of `have` bytes, one of `size` bytes, more than a slab's objects have, where it
 * is: false, and nothing done, when it can't be. What is left over goes back.
 */
MUST_USE bool kmalloc_large_resize(void *pointer, size_t have, size_t size);

/*
 * Takes back the large block that starts at `pointer`; the page's word was seen to be `word`, with the code of large
 * blocks. Stops the kernel when none does.
 */
void kmalloc_large_free(void *pointer, uint64_t word);

#endif
