/*
 * Places in the code that allocate: a hash table that only fills up. Who is not in it and finds it full near its hash
 * shares site 0.
 */
#include "mm/slab/slab_report.h"
#include "mm/slab/slab_tracking.h"

/* Places that are looked at before site 0 is taken. */
#define PROBES_MAX 16u

static uint64_t hash_of(const uintptr_t *addresses)
{
    uint64_t hash = 0;
    for (unsigned i = 0; i < SLAB_SITE_DEPTH; i++) {
        hash = (hash ^ addresses[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash;
}

uint16_t slab_site_note(const slab_call_t *call)
{
    const uint64_t hash = hash_of(call->addresses);
    for (uint64_t probe = 0; probe < PROBES_MAX; probe++) {
        const uint16_t number = (uint16_t)(1 + (hash + probe) % (SLAB_SITE_COUNT - 1));
        slab_site_t *const site = &slab_tracking.sites[number];
        if (site->addresses[0] == 0) {
            __builtin_memcpy(site->addresses, call->addresses, sizeof site->addresses);
            return number;
        }
        if (__builtin_memcmp(site->addresses, call->addresses, sizeof site->addresses) == 0) {
            return number;
        }
    }
    return 0;
}

void slab_site_add(uint16_t site, uint32_t size)
{
    slab_tracking.sites[site].objects_live++;
    slab_tracking.sites[site].bytes_live += size;
    slab_tracking.sites[site].allocations++;
}

void slab_site_remove(uint16_t site, uint32_t size)
{
    slab_tracking.sites[site].objects_live--;
    slab_tracking.sites[site].bytes_live -= size;
}

void slab_site_resize(uint16_t site, uint32_t from, uint32_t to)
{
    slab_tracking.sites[site].bytes_live += (uint64_t)to - from;
}

bool slab_debug_site(uint32_t number, slab_site_t *site)
{
    const spinlock_hold_t hold = slab_tracking_lock();
    const bool is_there = slab_tracking.sites != NULL && number < SLAB_SITE_COUNT;
    if (is_there) {
        *site = slab_tracking.sites[number];
    }
    slab_tracking_unlock(hold);
    return is_there;
}

void slab_debug_write_site(text_writer_t *writer, const slab_site_t *site)
{
    if (site->addresses[0] == 0) {
        text_char(writer, '?');
    }
    for (unsigned i = 0; i < SLAB_SITE_DEPTH && site->addresses[i] != 0; i++) {
        if (i != 0) {
            text_char(writer, '<');
        }
        slab_debug_write_address(writer, site->addresses[i]);
    }
}
