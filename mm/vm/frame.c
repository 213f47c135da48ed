/*
 * Frames and their counts: see frame.h.
 *
 * Counts are changed with release and read with acquire: whoever finds itself alone, and writes, sees the frame as
 * those who let go of it did.
 */
#include "frame.h"

#include "arch/machine.h"
#include "base/check.h"
#include "mm/kmem_cache.h"
#include "mm/pages.h"
#include "mm/slab/page_code.h"

#define ONE_HOLDER    ((PAGE_CODE_MASK + 1) | PAGE_CODE_NONE)
#define HOLDERS(word) ((word) / ONE_HOLDER)

static void *page_at(void *first, size_t index)
{
    return (char *)first + index * PAGE_SIZE;
}

/* When there is no page left, what caches keep in hand may help. */
static void *page_alloc(void)
{
    void *page = pages_alloc(1);
    if (page == NULL && kmem_caches_shrink() != 0) {
        page = pages_alloc(1);
    }
    return page;
}

/* Gives back what was claimed of memory and quota. NULL, for who returns it. */
static void *undo_alloc(quota_t *quota, void *run, size_t count)
{
    if (run != NULL) {
        pages_free(run, count);
    }
    quota_give_back(quota, QUOTA_PAGES, count);
    return NULL;
}

/* A frame whose word says that it is held once; or NULL. */
void *frame_alloc(quota_t *quota)
{
    if (!quota_take(quota, QUOTA_PAGES, 1)) {
        return NULL;
    }
    void *const frame = page_alloc();
    if (frame == NULL || page_words_claim(frame, 1, 0) != STATUS_OK) {
        return undo_alloc(quota, frame, 1);
    }
    __atomic_store_n(page_word(frame), ONE_HOLDER, __ATOMIC_RELEASE);
    return frame;
}

void *frame_alloc_zeroed(quota_t *quota)
{
    void *const frame = frame_alloc(quota);
    if (frame != NULL) {
        machine_zero_page(frame);
    }
    return frame;
}

void *frame_alloc_large(quota_t *quota)
{
    const pages_request_t request = {.count = FRAMES_PER_LARGE_PAGE, .alignment = FRAMES_PER_LARGE_PAGE};
    if (!quota_take(quota, QUOTA_PAGES, FRAMES_PER_LARGE_PAGE)) {
        return NULL;
    }
    void *const run = pages_alloc_with(&request); /* small ones will do: caches keep theirs */
    if (run == NULL || page_words_claim(run, FRAMES_PER_LARGE_PAGE, 0) != STATUS_OK) {
        return undo_alloc(quota, run, FRAMES_PER_LARGE_PAGE);
    }
    for (size_t i = 0; i < FRAMES_PER_LARGE_PAGE; i++) {
        machine_zero_page(page_at(run, i));
        __atomic_store_n(page_word(page_at(run, i)), ONE_HOLDER, __ATOMIC_RELEASE);
    }
    return run;
}

uint64_t frame_holders(const void *frame)
{
    return HOLDERS(__atomic_load_n(page_word(frame), __ATOMIC_ACQUIRE));
}

bool frames_are_shared(const void *first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (frame_holders((const char *)first + i * PAGE_SIZE) != 1) {
            return true;
        }
    }
    return false;
}

void frames_share(void *first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)__atomic_fetch_add(page_word(page_at(first, i)), ONE_HOLDER, __ATOMIC_RELAXED);
    }
}

/* Whether that was the last holder. The word then says that the page is nobody's. */
static bool let_go(void *frame)
{
    uint64_t *const word = page_word(frame);
    const uint64_t before = __atomic_fetch_sub(word, ONE_HOLDER, __ATOMIC_ACQ_REL);
    DEBUG_CHECK((before & PAGE_CODE_MASK) == PAGE_CODE_NONE && HOLDERS(before) != 0);
    return HOLDERS(before) == 1;
}

/* Gives `count` pages in a row back that nobody holds any more. */
static void free_unheld(quota_t *quota, void *first, size_t count)
{
    if (count != 0) {
        pages_free(first, count);
        quota_give_back(quota, QUOTA_PAGES, count);
    }
}

void frames_release(quota_t *quota, void *first, size_t count)
{
    size_t unheld = 0; /* how many in a row, up to the one before i, have just lost their last holder */
    for (size_t i = 0; i < count; i++) {
        if (let_go(page_at(first, i))) {
            unheld++;
        } else {
            free_unheld(quota, page_at(first, i - unheld), unheld);
            unheld = 0;
        }
    }
    free_unheld(quota, page_at(first, count - unheld), unheld);
}
