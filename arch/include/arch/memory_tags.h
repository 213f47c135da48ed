/*
 * Memory tags: on machines that keep a tag for each piece of memory and compare it with one in the pointer, pages can
 * be closed, so that every access to them faults at the access (TRAP_CLOSED_PAGE, arch/trap.h), and opened again.
 *
 * No pointer carries a tag of its own: memory that may be used has the tag that all of the kernel's pointers have,
 * what is closed has another. So a fault is certain, and nobody who works with addresses need know.
 *
 * Ports whose machines have no tags take arch/shared/memory_tags_none.c.
 */
#ifndef ARCH_MEMORY_TAGS_H
#define ARCH_MEMORY_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"

/* How many pages the two functions below want to try things on. */
#define MEMORY_TAGS_SCRATCH_PAGES 2u

/* Whether the calling CPU says that it has them. Any context. */
MUST_USE bool memory_tags_are_offered(void);

/* What the machine was found to do. */
typedef struct memory_tags {
    const char *failure;    /* what the self-test, or the start, found wrong: they are not used then; NULL: nothing */
    uint32_t granule_bytes; /* how much memory has one tag */
    bool is_synchronous;    /* an access by a wrong tag faults before anything comes of it */
    bool is_asynchronous;   /* asked for that, the machine lets it pass and makes a note */
} memory_tags_t;

/*
 * Tries the tags that the boot CPU offers on `scratch`, pages in a row of the caller's whose contents are lost, and
 * tells what was found. Boot CPU, with interrupts masked, once. Afterwards nothing is checked, and `scratch` is open.
 */
const memory_tags_t *memory_tags_probe(void *scratch);

/*
 * Opens all memory that is mapped, and has this CPU and all that start later check every access of the kernel's to it
 * from now on; then tries once more. Called as, and after, memory_tags_probe(). Returns STATUS_UNSUPPORTED, with
 * nothing checked, when either test fails; `failure` then says how.
 */
MUST_USE status_t memory_tags_start(void *scratch);

/*
 * Opens, and closes, `count` pages in the direct map that are the caller's. After memory_tags_start(). Any CPU, any
 * context. What user code does is not checked, nor what the machine does for itself, such as walking page tables.
 */
void memory_tags_open(void *first, size_t count);
void memory_tags_close(void *first, size_t count);

#endif
