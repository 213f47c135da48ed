/*
 * Blocks over 4096 bytes: runs of pages, whose length is in the first page's word (mm/slab/page_code.h).
 */
#ifndef MM_KMALLOC_KMALLOC_LARGE_H
#define MM_KMALLOC_KMALLOC_LARGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* Returns a block of `size` bytes rounded up to pages, or NULL when no such run is free. */
MUST_USE void *kmalloc_large_alloc(size_t size);

/* Whether `pointer`, whose page's word has the code of large blocks, is the start of one. */
bool kmalloc_large_is_start(uint64_t word, const void *pointer);

/* The size of the large block with that word, in bytes. */
size_t kmalloc_large_size(uint64_t word);

/* Takes back the large block that starts at `pointer`. */
void kmalloc_large_free(void *pointer);

#endif
