/*
 * A descriptor page: the first four places hold the header, the others are handed out.
 *
 *   | header (256 bytes) | 4 | 5 | 6 | 7 | 8 | ... | 63 |        free_word bit i: place i is free
 *
 * Each group size has its own pages, so that a page with a free bit always has room for a group: bits go in and out a
 * group at a time, and the search is one find_first_set.
 *
 * Invariants
 *   D1  bits 0 to 3 of free_word are clear
 *   D2  a page is on its size's `available` list exactly when its free_word is not 0
 */
#include "mm/slab/descriptor_table.h"

#include "arch/page_backend.h"
#include "base/check.h"

#define HEADER_PLACES 4u
#define ALL_FREE      (~bits_low(HEADER_PLACES))
#define GROUP_SIZES   3u /* 1, 2, 4 */

typedef struct descriptor_page {
    uint64_t free_word;
    list_link_t available;
    list_link_t all;
    unsigned group;
} ALIGNED(CACHE_LINE_BYTES) descriptor_page_t;

_Static_assert(sizeof(descriptor_page_t) <= HEADER_PLACES * sizeof(slab_t), "the header fits its places");
_Static_assert(PAGE_SIZE / sizeof(slab_t) == BITS_PER_WORD, "a page of descriptors is a word of them");

/* Guards everything below. */
static spinlock_t table_lock = SPINLOCK_INITIALIZER(LOCK_RANK_DESCRIPTORS);
static list_t available[GROUP_SIZES];
static list_t all_pages;
static size_t page_count;

static void lists_make_ready(void)
{
    if (all_pages.head.next == NULL) {
        list_init(&all_pages);
        for (unsigned size = 0; size < GROUP_SIZES; size++) {
            list_init(&available[size]);
        }
    }
}

static descriptor_page_t *page_of_descriptor(const slab_t *slab)
{
    return (descriptor_page_t *)((uintptr_t)slab & ~(uintptr_t)PAGE_OFFSET_MASK);
}

/* Takes a group from a page that has one. The lock is held. */
static slab_t *take_group(descriptor_page_t *page, unsigned count)
{
    const unsigned place = find_first_set(page->free_word);
    page->free_word &= ~bits_range(place, count);
    if (page->free_word == 0) {
        list_remove(&page->available);
    }
    return (slab_t *)page + place;
}

slab_t *descriptors_alloc(unsigned count)
{
    const unsigned size = find_first_set(count);
    DEBUG_CHECK(size < GROUP_SIZES && count == 1u << size);

    descriptor_page_t *fresh = NULL;
    spinlock_hold_t hold = spinlock_lock(&table_lock);
    lists_make_ready();
    if (list_is_empty(&available[size])) {
        /* The backend's locks rank after ours, but a slow backend should not hold up the others. */
        spinlock_unlock(&table_lock, hold);
        fresh = pages_alloc(1);
        if (fresh == NULL) {
            return NULL;
        }
        *fresh = (descriptor_page_t){.free_word = ALL_FREE, .group = count};
        hold = spinlock_lock(&table_lock);
        list_push_front(&available[size], &fresh->available);
        list_push_front(&all_pages, &fresh->all);
        page_count++;
    }
    descriptor_page_t *const page = CONTAINER_OF(available[size].head.next, descriptor_page_t, available);
    slab_t *const first = take_group(page, count);
    spinlock_unlock(&table_lock, hold);

    for (unsigned i = 0; i < count; i++) {
        first[i] = (slab_t){0};
    }
    return first;
}

void descriptors_free(slab_t *first, unsigned count)
{
    descriptor_page_t *const page = page_of_descriptor(first);
    const uint64_t bits = bits_range((unsigned)(first - (slab_t *)page), count);

    const spinlock_hold_t hold = spinlock_lock(&table_lock);
    const bool is_sound = page->group == count && (page->free_word & bits) == 0;
    if (is_sound) {
        if (page->free_word == 0) {
            list_push_front(&available[find_first_set(count)], &page->available);
        }
        page->free_word |= bits;
    }
    spinlock_unlock(&table_lock, hold);
    CHECK(is_sound, "slab descriptor freed twice");
}

size_t descriptor_table_trim(void)
{
    list_t unused;
    list_init(&unused);
    size_t count = 0;

    const spinlock_hold_t hold = spinlock_lock(&table_lock);
    lists_make_ready();
    LIST_FOR_EACH(&all_pages, link)
    {
        descriptor_page_t *const page = CONTAINER_OF(link, descriptor_page_t, all);
        if (page->free_word == ALL_FREE) {
            list_remove(&page->available);
            list_remove(&page->all);
            list_push_front(&unused, &page->all);
            count++;
        }
    }
    page_count -= count;
    spinlock_unlock(&table_lock, hold);

    for (list_link_t *link = list_pop_front(&unused); link != NULL; link = list_pop_front(&unused)) {
        pages_free(CONTAINER_OF(link, descriptor_page_t, all), 1);
    }
    return count;
}

size_t descriptor_table_pages(void)
{
    return RELAXED_LOAD(&page_count);
}

void descriptor_table_visit(void (*visit)(slab_t *slab, void *argument), void *argument)
{
    const spinlock_hold_t hold = spinlock_lock(&table_lock);
    lists_make_ready();
    LIST_FOR_EACH(&all_pages, link)
    {
        descriptor_page_t *const page = CONTAINER_OF(link, descriptor_page_t, all);
        uint64_t used = ~page->free_word & ALL_FREE;
        for (; used != 0; used &= used - 1) {
            slab_t *const slab = (slab_t *)page + find_first_set(used);
            if (slab->cache != NULL) {
                visit(slab, argument);
            }
        }
    }
    spinlock_unlock(&table_lock, hold);
}
