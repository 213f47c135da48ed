/*
 * Quotas: how much of something a group of users may have at once.
 *
 * Whoever takes a thing on the group's behalf asks first, and says when it has given it back; a thing is counted once,
 * for the quota that it was taken from, however many of the group use it. NULL stands for no quota: everything is
 * granted and nothing counted. A quota lives while there are references.
 *
 * Of pages, address spaces (mm/address_space.h) count frames and page tables, memory objects their pages and the index
 * to them. Clones have their original's quota, so a frame that they share is paid once. What page_map() lends is paid by
 * whom it comes from.
 *
 * Any CPU, any context; no locks.
 */
#ifndef MM_QUOTA_H
#define MM_QUOTA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"

typedef enum quota_kind {
    QUOTA_PAGES,
    QUOTA_AREAS,     /* of address spaces */
    QUOTA_PROCESSES, /* counted by kernel/process */
    QUOTA_KINDS
} quota_kind_t;

typedef struct quota quota_t;

/* Makes a quota with one reference. STATUS_NO_MEMORY. */
MUST_USE status_t quota_create(const uint64_t maxima[QUOTA_KINDS], quota_t **created);

/* One reference more, and less: the last one ends it, with all given back. NULL is allowed. */
quota_t *quota_retain(quota_t *quota);
void quota_release(quota_t *quota);

/* Counts `count` things as taken. False, nothing counted, when that would be more than the maximum. */
MUST_USE bool quota_take(quota_t *quota, quota_kind_t kind, uint64_t count);
void quota_give_back(quota_t *quota, quota_kind_t kind, uint64_t count);

/* Whether one more would be refused. */
MUST_USE bool quota_is_full(const quota_t *quota, quota_kind_t kind);

/* How many are taken, and may be: of no quota, none and UINT64_MAX. */
uint64_t quota_used(const quota_t *quota, quota_kind_t kind);
uint64_t quota_max(const quota_t *quota, quota_kind_t kind);

#endif
