/*
 * Runs whose length the compiler knows, which come and go by lines of their own (mm/pages_inline.h), on the memory of
 * the machine that the test runs on.
 *
 * Needs pages_init() to have run. Each property gives back all it took, and looks at the statistics to be sure.
 */
#include "base/bits.h"
#include "mm/pages.h"
#include "testing/property/property.h"

#define LIVE_MAX 8u

/* Calls whose count is a constant are lines of their own: mm/pages_inline.h. One of 3 pages has none. */
#define KNOWN(length)                        \
    static void *alloc_##length(void)        \
    {                                        \
        return pages_alloc(length);          \
    }                                        \
    static void free_##length(void *address) \
    {                                        \
        pages_free(address, length);         \
    }

KNOWN(1)
KNOWN(2)
KNOWN(3)
KNOWN(8)
KNOWN(32)
KNOWN(64)
KNOWN(128)
KNOWN(512)

typedef struct known_length {
    size_t count;
    void *(*alloc)(void);
    void (*free)(void *address);
} known_length_t;

#define KNOWN_LENGTH(length) {length, alloc_##length, free_##length}

static const known_length_t known_lengths[] = {
    KNOWN_LENGTH(1),  KNOWN_LENGTH(2),  KNOWN_LENGTH(3),   KNOWN_LENGTH(8),
    KNOWN_LENGTH(32), KNOWN_LENGTH(64), KNOWN_LENGTH(128), KNOWN_LENGTH(512),
};

typedef struct known_free {
    const known_length_t *length;
    void *address;
} known_free_t;

static void do_known_free(void *argument)
{
    const known_free_t *const call = argument;
    call->length->free(call->address);
}

typedef struct live_run {
    const known_length_t *length;
    char *start;
    uint64_t stamp;
} live_run_t;

typedef struct hands {
    live_run_t live[LIVE_MAX];
    size_t live_count;
} hands_t;

/* Gives back what a failed property still holds, too, by calls whose length is not known. */
static void close_hands(void *argument)
{
    hands_t *const hands = argument;
    while (hands->live_count > 0) {
        const live_run_t *const live = &hands->live[--hands->live_count];
        pages_free(live->start, live->length->count);
    }
}

/* The last word of a run: an overlap shows up there, or in the first, of one of the two runs. */
static volatile uint64_t *last_word(const live_run_t *live)
{
    return (volatile uint64_t *)(void *)(live->start + live->length->count * PAGE_SIZE) - 1;
}

static void stamp(const live_run_t *live)
{
    *(volatile uint64_t *)(void *)live->start = live->stamp;
    *last_word(live) = live->stamp;
}

static void expect_stamp(property_run_t *run, const live_run_t *live)
{
    PROPERTY_EXPECT_EQUAL(run, *(volatile uint64_t *)(void *)live->start, live->stamp);
    PROPERTY_EXPECT_EQUAL(run, *last_word(live), live->stamp);
}

/* Gives back the newest run by its own call, which is refused when it is misaligned, and the second time. */
static void free_newest(property_run_t *run, hands_t *hands)
{
    const live_run_t newest = hands->live[hands->live_count - 1];
    known_free_t again = {newest.length, newest.start};
    known_free_t off = {newest.length, newest.start + 1 + property_draw(run, PAGE_SIZE - 1)};
    expect_stamp(run, &newest);
    PROPERTY_EXPECT_CHECK(run, "free of a misaligned address", do_known_free, &off);
    hands->live_count--;
    newest.length->free(newest.start);
    PROPERTY_EXPECT_CHECK(run, "free of a free page", do_known_free, &again);
}

/*
 * Validates 2.1, 2.2, 2.14, 5.2, 5.8: calls with lengths known and unknown are the same calls. What one hands out the
 * other takes back, once; a run starts at a multiple of its length; both count.
 */
static void a_known_length_is_a_length_like_any(property_run_t *run)
{
    hands_t *const hands = property_alloc(run, sizeof(*hands));
    pages_stats_t before;
    pages_stats_t stats;
    uint64_t pages = 0;
    pages_stats(&before);
    hands->live_count = 0;
    property_defer(run, close_hands, hands);
    for (uint64_t i = 0; i < LIVE_MAX; i++) {
        const known_length_t *const length = &known_lengths[property_draw(run, ARRAY_COUNT(known_lengths))];
        const size_t natural = is_power_of_two(length->count) && length->count <= BITS_PER_WORD ? length->count : 1;
        char *const start = property_bool(run) ? length->alloc() : pages_alloc(length->count);
        if (start == NULL) {
            continue; /* a small machine */
        }
        hands->live[hands->live_count] = (live_run_t){length, start, i + 1};
        stamp(&hands->live[hands->live_count++]);
        PROPERTY_EXPECT_EQUAL(run, (uintptr_t)start % (natural * PAGE_SIZE), 0);
        if (property_bool(run)) {
            free_newest(run, hands);
        } else {
            pages += length->count;
        }
    }
    pages_stats(&stats);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_allocated, before.pages_allocated + pages);
    PROPERTY_EXPECT_EQUAL(run, stats.runs_allocated - stats.runs_freed,
                          before.runs_allocated - before.runs_freed + hands->live_count);
    for (size_t i = 0; i < hands->live_count; i++) {
        expect_stamp(run, &hands->live[i]);
    }
    close_hands(hands);
    pages_drain_contexts();
    pages_stats(&stats);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_allocated, before.pages_allocated);
    PROPERTY_EXPECT_VALID(run, pages_validate());
}

PROPERTY_SUITE(pages_known_length, PROPERTY(a_known_length_is_a_length_like_any, "2.1 2.2 2.14 5.2 5.8"));
