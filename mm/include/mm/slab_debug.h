/*
 * Debugging of the slab allocator that can be switched on: who allocated and freed each object, and poison in freed
 * ones.
 *
 * While it is on, every operation takes the slow paths; while it is off, it costs nothing. Freed objects are filled
 * with a pattern, which is checked when they are handed out again: "write after free" stops the kernel.
 */
#ifndef MM_SLAB_DEBUG_H
#define MM_SLAB_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"

/* What is known about one object. */
typedef struct slab_record {
    uintptr_t address;
    uintptr_t allocated_by; /* return address of the call */
    uintptr_t freed_by;     /* 0 while live */
    uint64_t allocated_at;  /* number of the operation: they are counted since tracking began */
    uint64_t freed_at;
    uint32_t size_bytes; /* of the object */
    uint16_t allocated_cpu;
    uint16_t freed_cpu;
} slab_record_t;

/*
 * Starts tracking all caches, with room for `records` objects (rounded up to fill pages); when the room is out,
 * records of freed objects go first, then new objects are not tracked, and counted. On the calling context it is in
 * force at once, on others when they next run out of a slab: switch it on at boot to see everything. STATUS_BUSY when
 * it is on, STATUS_NO_MEMORY without room for the records.
 */
MUST_USE status_t slab_debug_start(size_t records);

/* Stops tracking and forgets all records. Nothing happens when it is off. Other contexts are idle. */
void slab_debug_stop(void);

bool slab_debug_is_on(void);

/* Copies what is known about the object at `address`, live or freed. Returns false when nothing is. */
MUST_USE bool slab_debug_find(uintptr_t address, slab_record_t *record);

/* Calls visit for a copy of the record of every live object that is tracked. visit must not allocate. */
void slab_debug_visit_live(void (*visit)(const slab_record_t *record, void *argument), void *argument);

/* How many objects could not be tracked for lack of room. */
uint64_t slab_debug_untracked(void);

#endif
