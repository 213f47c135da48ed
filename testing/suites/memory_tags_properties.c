/*
 * Free pages under watch (mm/pages/page_watch.c): where pages are watched an access to a free one is told, wherever
 * it comes from, and nothing else is; where they are not, nothing is told.
 *
 * Needs a machine that was started one way or the other: the host's world of this suite watches, and so does an image
 * with memory_tags=on on a machine that has tags.
 */
#include <stdatomic.h>

#include "arch/cpu.h"
#include "arch/inline.h"
#include "arch/page_backend.h"
#include "base/check.h"
#include "mm/kmalloc.h"
#include "mm/pages.h"
#include "testing/property/property.h"

#define RUN_MAX   100u
#define LARGE_MAX KIB(64)
#define LOOKS_MAX UINT64_C(1000000000)

typedef struct access {
    uintptr_t at;
    unsigned shift; /* 2^shift bytes, 0 to 3 */
    bool is_write;
} access_t;

static void make_access(void *argument)
{
    const access_t *const access = argument;
    switch (access->shift) {
    case 0: {
        volatile uint8_t *const place = (volatile uint8_t *)access->at;
        *place = access->is_write ? 1 : *place;
        break;
    }
    case 1: {
        volatile uint16_t *const place = (volatile uint16_t *)access->at;
        *place = access->is_write ? 1 : *place;
        break;
    }
    case 2: {
        volatile uint32_t *const place = (volatile uint32_t *)access->at;
        *place = access->is_write ? 1 : *place;
        break;
    }
    default: {
        volatile uint64_t *const place = (volatile uint64_t *)access->at;
        *place = access->is_write ? 1 : *place;
        break;
    }
    }
}

/* An aligned access of any width to any byte of a run. */
static access_t draw_access(property_run_t *run, const char *start, size_t size)
{
    access_t access = {.is_write = property_bool(run)};
    access.shift = (unsigned)property_draw(run, 4);
    access.at = (uintptr_t)start + (property_draw(run, size >> access.shift) << access.shift);
    return access;
}

/* Of a free page that nobody watches only reading can do no harm, and tells nothing. */
static const char *told_of(access_t *access)
{
    access->is_write = access->is_write && pages_are_watched();
    return check_trap_run(make_access, access);
}

static const char *message_of_free_page(void)
{
    return pages_are_watched() ? "use of a free page" : NULL;
}

static char *run_of(property_run_t *run, size_t count)
{
    char *const pages = pages_alloc(count);
    PROPERTY_EXPECT(run, pages != NULL);
    return pages;
}

/* Validates 5.3, 5.7: any access to a page that was given back, and none before. */
static void a_free_page_is_told(property_run_t *run)
{
    const size_t count = property_range(run, 1, RUN_MAX);
    char *const pages = run_of(run, count);
    access_t access = draw_access(run, pages, count * PAGE_SIZE);
    make_access(&access);
    pages_free(pages, count);
    PROPERTY_EXPECT_TEXT(run, message_of_free_page(), told_of(&access));
    /* It was stopped there, and every page can be had again, by others and at once. */
    char *const again = run_of(run, count);
    access_t other = draw_access(run, again, count * PAGE_SIZE);
    make_access(&other);
    pages_free(again, count);
}

/* Validates 5.3, 5.7: of a run that comes back in parts, what is still held stays open. */
static void what_is_held_of_a_run_stays_open(property_run_t *run)
{
    const size_t count = property_range(run, 2, RUN_MAX);
    const size_t first = property_draw(run, count);
    const size_t freed = property_range(run, 1, count - first);
    char *const pages = run_of(run, count);
    access_t inside = draw_access(run, pages + first * PAGE_SIZE, freed * PAGE_SIZE);
    pages_free(pages + first * PAGE_SIZE, freed);
    for (size_t page = 0; page < count; page++) {
        if (page < first || page >= first + freed) {
            access_t held = draw_access(run, pages + page * PAGE_SIZE, PAGE_SIZE);
            make_access(&held);
        }
    }
    PROPERTY_EXPECT_TEXT(run, message_of_free_page(), told_of(&inside));
    if (first > 0) {
        pages_free(pages, first);
    }
    if (first + freed < count) {
        pages_free(pages + (first + freed) * PAGE_SIZE, count - first - freed);
    }
}

/*
 * Validates 5.3: blocks that kmalloc() takes from the page allocator, whole pages, what was asked for and what was
 * not.
 */
static void a_large_block_is_told_after_its_free(property_run_t *run)
{
    const size_t size = property_range(run, KMALLOC_SLAB_MAX + 1, LARGE_MAX);
    char *const block = kmalloc(size);
    PROPERTY_EXPECT(run, block != NULL);
    access_t access = draw_access(run, block, pages_for_bytes(size) * PAGE_SIZE);
    make_access(&access);
    kfree(block);
    PROPERTY_EXPECT_TEXT(run, message_of_free_page(), told_of(&access));
}

typedef struct free_call {
    char *pages;
    size_t count;
} free_call_t;

static void free_pages(void *argument)
{
    const free_call_t *const call = argument;
    pages_free(call->pages, call->count);
}

/* Validates 5.2, 5.8: a second free is told as ever, and opens or closes nothing. */
static void a_second_free_is_told_as_such(property_run_t *run)
{
    const size_t count = property_range(run, 2, RUN_MAX);
    free_call_t call = {run_of(run, count), count};
    const size_t given = property_range(run, 1, count - 1); /* from the end */
    char *const rest = call.pages + (count - given) * PAGE_SIZE;
    access_t held = draw_access(run, call.pages, (count - given) * PAGE_SIZE);
    access_t freed = draw_access(run, rest, given * PAGE_SIZE);
    pages_free(rest, given);
    PROPERTY_EXPECT_CHECK(run, "free of a free page", free_pages, &call);
    make_access(&held);
    PROPERTY_EXPECT_TEXT(run, message_of_free_page(), told_of(&freed));
    pages_free(call.pages, count - given);
}

typedef struct handler_record {
    access_t access;
    const char *message;
    _Atomic uint32_t is_done;
} handler_record_t;

static void access_in_handler(void *argument)
{
    handler_record_t *const record = argument;
    record->message = told_of(&record->access);
    atomic_store(&record->is_done, 1);
}

/* Validates 5.3, 2.11: interrupt handlers are watched as threads are, on every CPU. */
static void a_handler_is_told_of_a_free_page(property_run_t *run)
{
    const uint32_t cpu = (uint32_t)property_draw(run, cpu_count());
    char *const pages = run_of(run, 1);
    handler_record_t record = {.access = draw_access(run, pages, PAGE_SIZE)};
    const char *const expected = message_of_free_page();
    pages_free(pages, 1);
    status_t status = STATUS_BUSY;
    for (uint64_t look = 0; status == STATUS_BUSY && look < LOOKS_MAX; look++) {
        status = cpu_interrupt(cpu, access_in_handler, &record);
        cpu_relax();
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, status);
    for (uint64_t look = 0; atomic_load(&record.is_done) == 0 && look < LOOKS_MAX; look++) {
        cpu_relax();
    }
    PROPERTY_EXPECT_EQUAL(run, atomic_load(&record.is_done), 1);
    PROPERTY_EXPECT_TEXT(run, expected, record.message);
}

PROPERTY_SUITE(memory_tags, PROPERTY(a_free_page_is_told, "5.3 5.7"),
               PROPERTY(what_is_held_of_a_run_stays_open, "5.3 5.7"),
               PROPERTY(a_large_block_is_told_after_its_free, "5.3"),
               PROPERTY(a_second_free_is_told_as_such, "5.2 5.8"),
               PROPERTY(a_handler_is_told_of_a_free_page, "5.3 2.11"));
