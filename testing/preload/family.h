/*
 * The malloc family: the C library's functions on the slab core (ISO C 7.22.3, POSIX, and glibc's additions).
 *
 * In libquarry_malloc.so they have their usual names; a program that links :family has them as quarry_malloc and so on.
 * Any thread; not from signal handlers.
 *
 *   - Blocks up to 4096 bytes are aligned to their class, a power of two from 16 up; larger ones to a page.
 *   - Memory that is out: NULL and ENOMEM; so are sizes above PTRDIFF_MAX. Nothing is changed then.
 *   - malloc(0) is a block. realloc(p, 0) frees p and returns NULL, as glibc's does.
 *   - A double free, and a free or realloc of what is no block's start, end the program by abort(), with a message
 *     on standard error: "double free", "free of a misaligned pointer", "free of a foreign pointer".
 */
#ifndef TESTING_PRELOAD_FAMILY_H
#define TESTING_PRELOAD_FAMILY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef PRELOAD_IS_LIBC
#define FAMILY(name) name
#else
#define FAMILY(name) quarry_##name
#endif

#define FAMILY_EXPORT __attribute__((visibility("default")))

FAMILY_EXPORT void *FAMILY(malloc)(size_t size);
FAMILY_EXPORT void FAMILY(free)(void *pointer);
FAMILY_EXPORT void *FAMILY(calloc)(size_t count, size_t size);
FAMILY_EXPORT void *FAMILY(realloc)(void *pointer, size_t size);
FAMILY_EXPORT void *FAMILY(reallocarray)(void *pointer, size_t count, size_t size);

/* EINVAL for an alignment that is no power of two. */
FAMILY_EXPORT void *FAMILY(aligned_alloc)(size_t alignment, size_t size);

/* Returns EINVAL for an alignment that is no power of two or no multiple of a pointer's size; errno is left alone. */
FAMILY_EXPORT int FAMILY(posix_memalign)(void **block, size_t alignment, size_t size);

/* As glibc's: an alignment that is no power of two counts as the next one. */
FAMILY_EXPORT void *FAMILY(memalign)(size_t alignment, size_t size);
FAMILY_EXPORT void *FAMILY(valloc)(size_t size);
FAMILY_EXPORT void *FAMILY(pvalloc)(size_t size);

FAMILY_EXPORT size_t FAMILY(malloc_usable_size)(void *pointer);

/* Gives free memory back to the system. Returns 1 if any went. */
FAMILY_EXPORT int FAMILY(malloc_trim)(size_t pad);

#ifdef __cplusplus
}
#endif

#endif
