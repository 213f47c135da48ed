/*
 * Reports of spoiled memory: the object, its cache, where in it, what was expected and found, who had it; then the
 * check that stops the kernel. No lock is held.
 */
#ifndef MM_SLAB_SLAB_REPORT_H
#define MM_SLAB_SLAB_REPORT_H

#include "mm/slab/slab.h"
#include "mm/slab_debug.h"

typedef enum slab_damage_kind {
    SLAB_DAMAGE_NONE,
    SLAB_DAMAGE_AFTER_FREE,   /* a freed object is not as its free left it */
    SLAB_DAMAGE_PAST_END,     /* behind an object */
    SLAB_DAMAGE_BEFORE_START, /* before an object */
} slab_damage_kind_t;

#define SLAB_DAMAGE_BYTES_MAX 8u

/* What was found, copied under the lock. */
typedef struct slab_damage {
    slab_damage_kind_t kind;
    const kmem_cache_t *cache;
    uintptr_t object; /* whose memory, or whose neighbourhood */
    int64_t offset;   /* of the first wrong byte from the object's start */
    uint32_t size_bytes;
    uint32_t count; /* of the bytes below */
    unsigned char expected[SLAB_DAMAGE_BYTES_MAX];
    unsigned char found[SLAB_DAMAGE_BYTES_MAX];
} slab_damage_t;

/* Reports the damage and stops; returns when there is none. */
void slab_report_damage(const slab_damage_t *damage);

/* Writes what is known about the object at `address` to the log: who allocated it, and who freed it. */
void slab_report_history(uintptr_t address);

/* Writes a return address, by the kernel's hook, or as a number. */
void slab_debug_write_address(text_writer_t *writer, uintptr_t address);

#endif
