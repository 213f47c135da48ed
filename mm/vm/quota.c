/*
 * Quotas: a counter and a maximum of each kind.
 *
 * Taking adds first and looks then, so that no two takers pass the maximum together; who is over it takes the sum back.
 * In between a third may be refused what there would have been room for: a quota is that exact, and no more.
 */
#include "mm/quota.h"

#include "base/check.h"
#include "mm/kmalloc.h"
#include "mm/slab_debug.h"

struct quota {
    _Atomic uint64_t references;
    uint64_t maxima[QUOTA_KINDS];
    _Atomic uint64_t used[QUOTA_KINDS];
};

status_t quota_create(const uint64_t maxima[QUOTA_KINDS], quota_t **created)
{
    quota_t *const quota = kcalloc(1, sizeof(*quota));
    if (quota == NULL) {
        return STATUS_NO_MEMORY;
    }
    slab_debug_disown(quota); /* a group's */
    atomic_init(&quota->references, 1);
    __builtin_memcpy(quota->maxima, maxima, sizeof(quota->maxima));
    *created = quota;
    return STATUS_OK;
}

quota_t *quota_retain(quota_t *quota)
{
    if (quota != NULL) {
        atomic_fetch_add_explicit(&quota->references, 1, memory_order_relaxed);
    }
    return quota;
}

void quota_release(quota_t *quota)
{
    if (quota == NULL || atomic_fetch_sub_explicit(&quota->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (unsigned kind = 0; kind < QUOTA_KINDS; kind++) {
        DEBUG_CHECK(quota_used(quota, (quota_kind_t)kind) == 0);
    }
    kfree(quota);
}

bool quota_take(quota_t *quota, quota_kind_t kind, uint64_t count)
{
    if (quota == NULL) {
        return true;
    }
    const uint64_t before = atomic_fetch_add_explicit(&quota->used[kind], count, memory_order_relaxed);
    if (before + count > quota->maxima[kind]) {
        atomic_fetch_sub_explicit(&quota->used[kind], count, memory_order_relaxed);
        return false;
    }
    return true;
}

void quota_give_back(quota_t *quota, quota_kind_t kind, uint64_t count)
{
    if (quota != NULL) {
        atomic_fetch_sub_explicit(&quota->used[kind], count, memory_order_relaxed);
    }
}

bool quota_is_full(const quota_t *quota, quota_kind_t kind)
{
    return quota_used(quota, kind) >= quota_max(quota, kind);
}

uint64_t quota_used(const quota_t *quota, quota_kind_t kind)
{
    return quota == NULL ? 0 : atomic_load_explicit(&quota->used[kind], memory_order_relaxed);
}

uint64_t quota_max(const quota_t *quota, quota_kind_t kind)
{
    return quota == NULL ? UINT64_MAX : quota->maxima[kind];
}
