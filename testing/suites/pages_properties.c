/*
 * The kernel's own page allocator, on the memory of the machine that the test runs on.
 *
 * Needs pages_init() to have run. Each property gives back all it took, and looks at the statistics to be sure.
 */
#include "arch/inline.h"
#include "arch/machine.h"
#include "mm/pages.h"
#include "mm/pages/page_inject.h"
#include "mm/pages/page_tree.h"
#include "testing/property/property.h"

#define LIVE_MAX 48u
#define RUN_MAX  300u

typedef struct live_run {
    char *start;
    size_t count;
    uint64_t stamp;
} live_run_t;

typedef struct pages_fixture {
    property_run_t *run;
    pages_stats_t before;
    live_run_t live[LIVE_MAX];
    size_t live_count;
    uint64_t next_stamp;
} pages_fixture_t;

/*
 * Pages carry their run's stamp and their place in it at both ends, so that an overlap shows up in one of the two runs.
 */
static void stamp_run(const live_run_t *live)
{
    for (size_t i = 0; i < live->count; i++) {
        volatile uint64_t *const words = (volatile uint64_t *)(void *)(live->start + i * PAGE_SIZE);
        words[0] = live->stamp;
        words[PAGE_SIZE / sizeof(uint64_t) - 1] = live->stamp;
    }
}

static void expect_stamps(property_run_t *run, const live_run_t *live)
{
    for (size_t i = 0; i < live->count; i++) {
        volatile uint64_t *const words = (volatile uint64_t *)(void *)(live->start + i * PAGE_SIZE);
        PROPERTY_EXPECT_EQUAL(run, words[0], live->stamp);
        PROPERTY_EXPECT_EQUAL(run, words[PAGE_SIZE / sizeof(uint64_t) - 1], live->stamp);
    }
}

/* Gives back what a failed run still holds, too. */
static void close_fixture(void *argument)
{
    pages_fixture_t *const fixture = argument;
    while (fixture->live_count > 0) {
        const live_run_t *const live = &fixture->live[--fixture->live_count];
        pages_free(live->start, live->count);
    }
}

static pages_fixture_t *open_fixture(property_run_t *run)
{
    pages_fixture_t *const fixture = property_alloc(run, sizeof(*fixture));
    fixture->run = run;
    fixture->next_stamp = property_bits64(run);
    pages_stats(&fixture->before);
    property_defer(run, close_fixture, fixture);
    return fixture;
}

static void expect_all_returned(pages_fixture_t *fixture)
{
    pages_stats_t after;
    close_fixture(fixture);
    pages_drain_contexts();
    pages_stats(&after);
    PROPERTY_EXPECT_VALID(fixture->run, pages_validate());
    PROPERTY_EXPECT_EQUAL(fixture->run, after.pages_allocated, fixture->before.pages_allocated);
    PROPERTY_EXPECT_EQUAL(fixture->run, after.pages_total, pages_count_total());
    PROPERTY_EXPECT_EQUAL(fixture->run, after.pages_free + after.pages_reserved,
                          fixture->before.pages_free + fixture->before.pages_reserved);
    PROPERTY_EXPECT_EQUAL(fixture->run, after.pages_total,
                          after.pages_free + after.pages_allocated + after.pages_invalid + after.pages_reserved);
}

static void alloc_step(pages_fixture_t *fixture)
{
    property_run_t *const run = fixture->run;
    pages_request_t request = {.count = 1};
    const bool is_plain = property_bool(run);
    if (property_bool(run)) {
        request.count = property_size_skewed(run, RUN_MAX);
    }
    if (!is_plain) {
        request.alignment = (size_t)1 << property_draw(run, 10);
        request.is_zeroed = property_bool(run);
        request.limit = physical_address(property_bool(run) ? GIB(4) : 0);
    }
    char *const start = is_plain ? pages_alloc(request.count) : pages_alloc_with(&request);
    if (start == NULL || fixture->live_count == LIVE_MAX) {
        if (start != NULL) {
            pages_free(start, request.count);
        }
        return;
    }
    const live_run_t live = {start, request.count, fixture->next_stamp++};
    fixture->live[fixture->live_count++] = live;

    PROPERTY_EXPECT(run, direct_map_contains(start));
    PROPERTY_EXPECT(run, direct_map_contains(start + request.count * PAGE_SIZE - 1));
    const uint64_t physical = pointer_to_physical(start).value;
    const bool is_natural = is_power_of_two(request.count) && request.count <= 64;
    const uint64_t alignment = request.alignment != 0 ? request.alignment : is_natural ? request.count : 1;
    PROPERTY_EXPECT_EQUAL(run, physical % (alignment * PAGE_SIZE), 0);
    PROPERTY_EXPECT(run, request.limit.value == 0 || physical + request.count * PAGE_SIZE <= request.limit.value);
    for (size_t i = 0; i < request.count; i++) {
        PROPERTY_EXPECT_EQUAL(run, pages_state(physical_address(physical + i * PAGE_SIZE)), PAGE_STATE_ALLOCATED);
    }
    const uint64_t *const words = (const uint64_t *)(const void *)start;
    for (size_t i = 0; request.is_zeroed && i < request.count * PAGE_SIZE / sizeof(uint64_t); i++) {
        PROPERTY_EXPECT_EQUAL(run, words[i], 0);
    }
    stamp_run(&live);
}

/* Frees a whole run, or one part of it and then the rest. */
static void free_step(pages_fixture_t *fixture)
{
    property_run_t *const run = fixture->run;
    if (fixture->live_count == 0) {
        return;
    }
    const size_t index = (size_t)property_draw(run, fixture->live_count);
    const live_run_t live = fixture->live[index];
    const size_t part = (size_t)property_draw(run, live.count);
    expect_stamps(run, &live);
    fixture->live[index] = fixture->live[--fixture->live_count];
    pages_free(live.start + part * PAGE_SIZE, live.count - part);
    if (part > 0) {
        pages_free(live.start, part);
    }
}

/* Validates 2.1, 2.2, 2.4, 2.9, 2.14: runs don't overlap, keep what is written to them, and come back. */
static void pages_belong_to_whoever_has_them(property_run_t *run)
{
    pages_fixture_t *const fixture = open_fixture(run);
    for (uint32_t step = 0; step < run->steps; step++) {
        if (property_draw(run, 5) < 3) {
            alloc_step(fixture);
        } else {
            free_step(fixture);
        }
    }
    for (size_t i = 0; i < fixture->live_count; i++) {
        expect_stamps(run, &fixture->live[i]);
    }
    expect_all_returned(fixture);
}

/* ---- mistakes ---- */

typedef struct free_call {
    void *address;
    size_t count;
} free_call_t;

static void do_free(void *argument)
{
    const free_call_t *const call = argument;
    pages_free(call->address, call->count);
}

static void expect_refusal(property_run_t *run, const char *message, void *address, size_t count)
{
    free_call_t call = {address, count};
    PROPERTY_EXPECT_CHECK(run, message, do_free, &call);
}

/*
 * The first page in RESERVED state, which there always is: the page tree's own. It stays reserved, so it is looked
 * for once.
 */
static void *find_reserved_page(property_run_t *run)
{
    static uint64_t address;
    const uint64_t end = machine_physical_limit() < GIB(4) ? machine_physical_limit() : GIB(4);
    while (address < end && pages_state(physical_address(address)) != PAGE_STATE_RESERVED) {
        address += PAGE_SIZE;
    }
    PROPERTY_EXPECT(run, address < end);
    return physical_to_pointer(physical_address(address));
}

/*
 * Validates 5.2, 5.7, 5.8: each mistake with a pointer stops with its own message, before and after the page's block
 * was put back.
 */
static void wrong_frees_are_told_by_name(property_run_t *run)
{
    static char not_a_page[2 * 4096] ALIGNED(4096);
    pages_fixture_t *const fixture = open_fixture(run);
    const size_t count = property_bool(run) ? 1 : property_range(run, 1, 100);
    char *const start = pages_alloc(count);
    PROPERTY_EXPECT(run, start != NULL);
    fixture->live[fixture->live_count++] = (live_run_t){start, count, 0};

    expect_refusal(run, "free of a misaligned address", start + 1 + property_draw(run, PAGE_SIZE - 1), 1);
    expect_refusal(run, "free of a foreign page", not_a_page, 1);
    expect_refusal(run, "free of a foreign page", NULL, 1);
    expect_refusal(run, "free of a misaligned address", (void *)(uintptr_t)(PAGE_SIZE - 1), 1);
    expect_refusal(run, "page count out of range", start, 0);
    expect_refusal(run, "page count out of range", start, SIZE_MAX);
    expect_refusal(run, "page count out of range", start, SIZE_MAX >> PAGE_SHIFT);
    expect_refusal(run, "free of a reserved page", find_reserved_page(run), 1);

    fixture->live_count = 0;
    pages_free(start, count);
    expect_refusal(run, "free of a free page", start, 1);
    expect_refusal(run, "free of a free page", start, count);
    pages_drain_contexts();
    expect_refusal(run, "free of a free page", start, 1);
    expect_all_returned(fixture);
}

/* Validates 2.8: what is no memory of the allocator can't be taken out of service. */
static void marking_foreign_memory_invalid_is_refused(property_run_t *run)
{
    static char not_a_page[2 * 4096] ALIGNED(4096);
    pages_stats_t before;
    pages_stats_t after;
    pages_stats(&before);
    char *const page = pages_alloc(1);
    PROPERTY_EXPECT(run, page != NULL);
    const status_t misaligned = pages_mark_invalid(page + 8, 1);
    const status_t none = pages_mark_invalid(page, 0);
    const status_t too_many = pages_mark_invalid(page, SIZE_MAX >> PAGE_SHIFT);
    pages_free(page, 1);
    PROPERTY_EXPECT_STATUS(run, STATUS_INVALID, misaligned);
    PROPERTY_EXPECT_STATUS(run, STATUS_INVALID, none);
    PROPERTY_EXPECT_STATUS(run, STATUS_OUT_OF_RANGE, too_many);
    PROPERTY_EXPECT_STATUS(run, STATUS_OUT_OF_RANGE, pages_mark_invalid(not_a_page, 1));
    PROPERTY_EXPECT_STATUS(run, STATUS_OUT_OF_RANGE, pages_mark_invalid(find_reserved_page(run), 1));
    pages_stats(&after);
    PROPERTY_EXPECT_EQUAL(run, after.pages_invalid, before.pages_invalid);
    PROPERTY_EXPECT_VALID(run, pages_validate());
}

/* ---- page words ---- */

/* Validates 1.10, 1.11: every page of a run has a word of its own, which is there when asked for, and zero. */
static void every_page_of_a_run_has_a_word(property_run_t *run)
{
    pages_fixture_t *const fixture = open_fixture(run);
    const size_t count = property_size_skewed(run, 1500);
    char *const start = pages_alloc(count);
    if (start == NULL) {
        return;
    }
    fixture->live[fixture->live_count++] = (live_run_t){start, count, 0};
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, page_words_claim(start, count, 0));
    for (size_t i = 0; i < count; i++) {
        uint64_t *const word = page_word(start + i * PAGE_SIZE + (i * 37) % PAGE_SIZE);
        const void *page = NULL;
        PROPERTY_EXPECT_EQUAL(run, *word, 0);
        *word = i + 1;
        PROPERTY_EXPECT(run, page_words_fault_address((uintptr_t)word, &page));
        PROPERTY_EXPECT_EQUAL(run, page, start + i * PAGE_SIZE);
    }
    bool is_kept = true;
    for (size_t i = 0; i < count; i++) {
        uint64_t *const word = page_word(start + i * PAGE_SIZE);
        is_kept &= *word == i + 1;
        *word = 0;
    }
    PROPERTY_EXPECT(run, is_kept);
    const void *page;
    PROPERTY_EXPECT(run, !page_words_fault_address((uintptr_t)start, &page));
    expect_all_returned(fixture);
}

/* ---- refusals ---- */

static void end_injection(void *argument)
{
    (void)argument;
    (void)pages_inject_end(NULL);
}

/*
 * Validates 1.10, 3.10: the seam at which tests refuse requests refuses exactly those, whatever contexts had checked
 * out.
 */
static void the_nth_request_is_refused_and_no_other(property_run_t *run)
{
    pages_fixture_t *const fixture = open_fixture(run);
    const uint64_t passes = property_draw(run, 12);
    const uint64_t requests = passes + 1 + property_draw(run, 6);
    uint64_t refused;
    char *const first = pages_alloc(1); /* leaves a block checked out, which must not hide a request from the gate */
    PROPERTY_EXPECT(run, first != NULL);
    fixture->live[fixture->live_count++] = (live_run_t){first, 1, 0};
    property_defer(run, end_injection, NULL);
    pages_inject(passes, 1);
    for (uint64_t i = 0; i < requests; i++) {
        const size_t count = 1 + (size_t)property_draw(run, 3);
        char *const start = pages_alloc(count);
        PROPERTY_EXPECT_EQUAL(run, start == NULL, i == passes);
        if (start != NULL) {
            fixture->live[fixture->live_count++] = (live_run_t){start, count, 0};
        }
    }
    PROPERTY_EXPECT_EQUAL(run, pages_inject_end(&refused), requests);
    PROPERTY_EXPECT_EQUAL(run, refused, 1);
    expect_all_returned(fixture);
}

/* Validates 2.2, 2.14: statistics count what is done, by any path. */
static void statistics_count_every_run_and_page(property_run_t *run)
{
    pages_fixture_t *const fixture = open_fixture(run);
    uint64_t pages = 0;
    for (uint64_t i = 0; i < 20; i++) {
        const size_t count = property_bool(run) ? 1 : 1 + (size_t)property_draw(run, 100);
        char *const start = pages_alloc(count);
        PROPERTY_EXPECT(run, start != NULL);
        fixture->live[fixture->live_count++] = (live_run_t){start, count, 0};
        pages += count;
    }
    PROPERTY_EXPECT(run, pages_alloc(0) == NULL);
    pages_stats_t stats;
    pages_stats(&stats);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_allocated, fixture->before.pages_allocated + pages);
    PROPERTY_EXPECT_EQUAL(run, stats.runs_allocated, fixture->before.runs_allocated + 20);
    PROPERTY_EXPECT_EQUAL(run, stats.runs_freed, fixture->before.runs_freed);
    PROPERTY_EXPECT_EQUAL(run, stats.requests_failed, fixture->before.requests_failed + 1);
    PROPERTY_EXPECT(run, stats.pages_allocated_peak >= stats.pages_allocated);
    PROPERTY_EXPECT(run, stats.metadata_bytes >= stats.pages_reserved * PAGE_SIZE);
    PROPERTY_EXPECT(run, stats.pages_emergency <= stats.pages_free);
    expect_all_returned(fixture);
    pages_stats(&stats);
    PROPERTY_EXPECT_EQUAL(run, stats.runs_freed, fixture->before.runs_freed + 20);
}

/* ---- all of memory ---- */

#define SPREAD_RUNS_MAX 1024u
#define SPREAD_PARTS    64u /* of memory in the longest run that is tried for */

/* All metadata together, in parts of the memory in use. */
#define METADATA_PARTS 400u
#define METADATA_START KIB(64) /* what a tree has before there is anything to describe, however small the machine */

typedef struct spread_run {
    char *start;
    size_t count;
    size_t hole; /* a page in the middle that was given back; 0: none */
    bool is_filled;
} spread_run_t;

/* A single page, which holds its place in the list of them. */
typedef struct spread_single {
    struct spread_single *next;
} spread_single_t;

typedef struct spread {
    pages_fixture_t *fixture;
    spread_run_t runs[SPREAD_RUNS_MAX];
    size_t run_count;
    spread_single_t *singles;
} spread_t;

static void give_spread_back(void *argument)
{
    spread_t *const spread = argument;
    while (spread->singles != NULL) {
        spread_single_t *const single = spread->singles;
        spread->singles = single->next;
        pages_free(single, 1);
    }
    while (spread->run_count > 0) {
        const spread_run_t *const run = &spread->runs[--spread->run_count];
        if (run->hole == 0) {
            pages_free(run->start, run->count);
        } else {
            pages_free(run->start, run->hole);
            pages_free(run->start + (run->hole + 1) * PAGE_SIZE, run->count - run->hole - 1);
        }
    }
}

static void write_ends(const spread_run_t *run)
{
    *(volatile uintptr_t *)(void *)run->start = (uintptr_t)run->start;
    *(volatile uintptr_t *)(void *)(run->start + (run->count - 1) * PAGE_SIZE) = ~(uintptr_t)run->start;
}

static void expect_ends(property_run_t *property, const spread_run_t *run)
{
    const uintptr_t first = *(volatile uintptr_t *)(void *)run->start;
    const uintptr_t last = *(volatile uintptr_t *)(void *)(run->start + (run->count - 1) * PAGE_SIZE);
    PROPERTY_EXPECT_EQUAL(property, first, (uintptr_t)run->start);
    PROPERTY_EXPECT_EQUAL(property, last, ~(uintptr_t)run->start);
}

/* Takes runs as long as they come, from a part of memory down to a block. Returns how many pages they have. */
static uint64_t take_all_over(spread_t *spread)
{
    uint64_t pages = 0;
    size_t count = PAGES_PER_BLOCK;
    while (count * 2 * SPREAD_PARTS <= spread->fixture->before.pages_total) {
        count *= 2;
    }
    while (count >= PAGES_PER_BLOCK && spread->run_count < SPREAD_RUNS_MAX) {
        char *const start = pages_alloc(count);
        if (start == NULL) {
            count /= 2;
            continue;
        }
        spread_run_t *const run = &spread->runs[spread->run_count++];
        *run = (spread_run_t){.start = start, .count = count};
        write_ends(run);
        pages += count;
    }
    return pages;
}

/* Whether the page fills the hole of a run. */
static bool fills_a_hole(spread_t *spread, const char *page)
{
    for (size_t i = 0; i < spread->run_count; i++) {
        spread_run_t *const run = &spread->runs[i];
        if (run->hole != 0 && page == run->start + run->hole * PAGE_SIZE) {
            PROPERTY_EXPECT(spread->fixture->run, !run->is_filled);
            run->is_filled = true;
            return true;
        }
    }
    return false;
}

/*
 * Validates 2.1, 2.2, 2.5, 2.12: huge runs, and single pages, are had from all over memory, however much there is;
 * all of it in use, the allocator keeps no more than a 400th for itself, but for what it starts with.
 */
static void huge_runs_and_single_pages_come_from_all_over_memory(property_run_t *run)
{
    pages_fixture_t *const fixture = open_fixture(run);
    spread_t *const spread = property_alloc(run, sizeof(*spread));
    pages_stats_t stats;
    spread->fixture = fixture;
    property_defer(run, give_spread_back, spread);
    const uint64_t taken = take_all_over(spread);
    pages_stats(&stats);
    PROPERTY_EXPECT(run, taken >= fixture->before.pages_free / 8 * 7);
    PROPERTY_EXPECT(run, stats.metadata_bytes <= METADATA_START + stats.pages_allocated * PAGE_SIZE / METADATA_PARTS);

    for (size_t i = 0; i < spread->run_count; i++) {
        spread->runs[i].hole = (size_t)property_range(run, 1, spread->runs[i].count - 2);
        pages_free(spread->runs[i].start + spread->runs[i].hole * PAGE_SIZE, 1);
    }
    for (size_t holes = spread->run_count; holes > 0;) {
        spread_single_t *const single = pages_alloc(1);
        PROPERTY_EXPECT(run, single != NULL);
        single->next = spread->singles;
        spread->singles = single;
        holes -= fills_a_hole(spread, (const char *)single);
    }
    for (size_t i = 0; i < spread->run_count; i++) {
        expect_ends(run, &spread->runs[i]);
    }
    give_spread_back(spread);
    expect_all_returned(fixture);
}

PROPERTY_SUITE(pages, PROPERTY(pages_belong_to_whoever_has_them, "2.1 2.2 2.4 2.9 2.14"),
               PROPERTY(wrong_frees_are_told_by_name, "5.2 5.7 5.8"),
               PROPERTY_EFFORT(marking_foreign_memory_invalid_is_refused, 5, "2.8"),
               PROPERTY(every_page_of_a_run_has_a_word, "1.10 1.11"),
               PROPERTY(the_nth_request_is_refused_and_no_other, "1.10 3.10"),
               PROPERTY(statistics_count_every_run_and_page, "2.2 2.14"),
               PROPERTY_EFFORT(huge_runs_and_single_pages_come_from_all_over_memory, 1, "2.1 2.2 2.5 2.12"));
