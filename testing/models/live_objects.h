/*
 * The naive model of an allocator: a table of blocks that should be live, each filled with a pattern of its own.
 *
 * Adding a block checks it against every other; removing one checks that its contents were kept.
 */
#ifndef TESTING_MODELS_LIVE_OBJECTS_H
#define TESTING_MODELS_LIVE_OBJECTS_H

#include "testing/property/property.h"

typedef struct live_object {
    unsigned char *address;
    size_t size_bytes;
    unsigned char pattern;
} live_object_t;

typedef struct live_objects {
    property_run_t *run;
    live_object_t *objects;
    size_t count;
    size_t capacity;
    unsigned char next_pattern;
} live_objects_t;

/* An empty table with room for `capacity` blocks. */
live_objects_t live_objects_new(property_run_t *run, size_t capacity);

/* Notes a fresh block, after checking that it overlaps no other, and fills it. */
void live_objects_add(live_objects_t *live, void *address, size_t size_bytes);

/* Checks the contents of block `index`. */
void live_objects_check(const live_objects_t *live, size_t index);

/*
 * Forgets block `index`, after checking its contents; returns its address, to be freed. The last block takes its
 * index.
 */
void *live_objects_remove(live_objects_t *live, size_t index);

/* Expects every byte of [address, address + size) to be `value`. */
void live_objects_expect_bytes(property_run_t *run, const void *address, size_t size_bytes, unsigned char value);

#endif
