/*
 * What is known about objects of caches in the tiers guarded and debug (mm/slab_tier.h): who allocated and freed each,
 * when, and from which place in the code; the newest operations; who holds what.
 *
 * All of it lives in pages taken by slab_debug_start(), and nothing grows: when there is no room for an object's
 * record, those of freed objects go first; then the object is not tracked, counted as such, and checked as in fast.
 */
#ifndef MM_SLAB_DEBUG_H
#define MM_SLAB_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"
#include "base/text.h"
#include "mm/kmem_cache.h"

/* Return addresses that are kept of a call, the innermost first: in debug; in guarded, the first alone. */
#define SLAB_SITE_DEPTH 6

/*
 * What the kernel around can tell; each may be NULL. None may allocate or take a lock of a lower rank than
 * LOCK_RANK_TRACKING; called with no lock of the slab core's held.
 */
typedef struct slab_debug_hooks {
    void (*write_address)(text_writer_t *writer, uintptr_t address); /* a name for a return address, without blanks */
    size_t (*backtrace)(uintptr_t *addresses, size_t capacity); /* of the caller, innermost first; returns how many */
    uint64_t (*now_nanoseconds)(void);
    uint32_t (*owner)(void); /* a tag for whom the work is done: a process */
} slab_debug_hooks_t;

/* Returns the hooks of before, NULL at first. `hooks` outlives its use. No cache is tracked meanwhile. */
const slab_debug_hooks_t *slab_debug_set_hooks(const slab_debug_hooks_t *hooks);

typedef struct slab_debug_config {
    size_t records;          /* objects that can be tracked at once; rounded up to fill pages */
    size_t quarantine_bytes; /* that freed objects of one context may rest in; 0: none rests */
    uint64_t seed;           /* of random places and canaries: the same seed and operations, the same places */
} slab_debug_config_t;

#define SLAB_QUARANTINE_BYTES_DEFAULT 32768u

/*
 * Takes the memory for tracking. No cache changes its tier. STATUS_BUSY when it has been taken already,
 * STATUS_NO_MEMORY, with nothing changed.
 */
MUST_USE status_t slab_debug_start(const slab_debug_config_t *config);

/* Puts every cache into the tier fast and gives the memory back. Nothing happens when there is none. */
void slab_debug_stop(void);

bool slab_debug_is_on(void);

typedef enum slab_record_state {
    SLAB_RECORD_NONE,
    SLAB_RECORD_LIVE,
    SLAB_RECORD_RESTING, /* freed by its user, not yet given to another */
    SLAB_RECORD_FREE,
} slab_record_state_t;

/* What is known about one object. Operations are counted since slab_debug_start(). */
typedef struct slab_record {
    uintptr_t address;
    uint64_t allocated_at;   /* number of the operation */
    uint64_t freed_at;       /* 0 while live */
    uint64_t allocated_time; /* nanoseconds */
    uint64_t freed_time;
    uint32_t size_bytes; /* asked for */
    uint32_t owner;      /* slab_debug_hooks_t.owner at the allocation */
    uint16_t allocated_site;
    uint16_t freed_site;
    uint16_t allocated_cpu;
    uint16_t freed_cpu;
    uint8_t state; /* slab_record_state_t */
    uint8_t fill;  /* what a freed object is filled with */
} slab_record_t;

_Static_assert(sizeof(slab_record_t) == 64, "records fill pages");

/* Copies what is known about the object at `address`, live or freed. Returns false when nothing is. */
MUST_USE bool slab_debug_find(uintptr_t address, slab_record_t *record);

/* Calls visit for a copy of the record of every live object that is tracked. visit must not allocate. */
void slab_debug_visit_live(void (*visit)(const slab_record_t *record, void *argument), void *argument);

/* What live tracked objects that were allocated for `owner` hold, in objects and in bytes asked for. */
void slab_debug_owned(uint32_t owner, uint64_t *objects, uint64_t *bytes);

/* The live object at `object` is nobody's from now on (owner 0). Nothing happens when it is not tracked, or NULL. */
void slab_debug_disown(const void *object);

/* How many objects could not be tracked for lack of room. */
uint64_t slab_debug_untracked(void);

/* A place in the code that allocated or freed, and what it has allocated. */
typedef struct slab_site {
    uintptr_t addresses[SLAB_SITE_DEPTH]; /* return addresses, innermost first; 0 after the last */
    uint64_t objects_live;
    uint64_t bytes_live; /* as asked for */
    uint64_t allocations;
} slab_site_t;

/* Site 0 stands for all that had no room in the table. */
#define SLAB_SITE_COUNT 512u

/* Copies a site; false when there is none of that number. */
MUST_USE bool slab_debug_site(uint32_t number, slab_site_t *site);

/* Writes a site's addresses, innermost first, joined by '<': one word. */
void slab_debug_write_site(text_writer_t *writer, const slab_site_t *site);

typedef enum slab_operation_kind {
    SLAB_OPERATION_ALLOC,
    SLAB_OPERATION_FREE,
    SLAB_OPERATION_RESIZE
} slab_operation_kind_t;

/* One operation of a tracked cache. */
typedef struct slab_operation {
    uint64_t number;
    uint64_t time;
    uintptr_t address;
    uint32_t size_bytes;
    uint16_t cpu;
    uint16_t site;
    uint32_t owner;
    uint32_t kind; /* slab_operation_kind_t */
    char cache[KMEM_CACHE_NAME_MAX + 1];
} slab_operation_t;

/* How many of the newest operations are kept. */
#define SLAB_TRACE_COUNT 512u

/*
 * Copies the oldest kept operation whose number is at least `from`. False when there is none. Walk with from = number
 * + 1: operations that are overwritten meanwhile are left out, none comes twice.
 */
MUST_USE bool slab_debug_operation(uint64_t from, slab_operation_t *operation);

#endif
