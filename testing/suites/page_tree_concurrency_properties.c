/*
 * A small page tree that all CPUs use at once: to its last page, and while its memory goes bad.
 *
 * Needs the CPUs to be up, with cpu_jobs_idle() as their idle function (arch/cpu_jobs.h). With one CPU the properties
 * hold all the same, and say less.
 */
#include "arch/cpu_jobs.h"
#include "arch/inline.h"
#include "mm/pages/page_tree.h"
#include "testing/property/property.h"

#define CPUS_MAX     8u
#define LOCAL_MAX    24u
#define ROUNDS       2000u
#define METADATA_MAX 8u

static uint32_t cpus_used(void)
{
    return cpu_count() < CPUS_MAX ? cpu_count() : CPUS_MAX;
}

/* Lets no CPU begin before all are there: a job is over in less time than the next CPU takes to notice it. */
static void wait_for_all(_Atomic uint32_t *arrived)
{
    atomic_fetch_add(arrived, 1);
    while (atomic_load(arrived) < cpus_used()) {
        cpu_relax();
    }
}

#define TREE_PAGES_MAX  2048u
#define PAGES_PER_CHUNK (PAGES_PER_BLOCK * BLOCKS_PER_CHUNK)

/* Where a CPU leaves a run for whoever comes next, and takes what it finds there. */
#define EXCHANGE_MAX 4u

typedef struct shared_tree {
    property_run_t *run;
    uint64_t pages;
    uint64_t pages_per_chunk; /* of each chunk the map has so many, from the start */
    bool is_exchanging;       /* CPUs give back each other's runs */
    bool is_going_bad;        /* every seventh page may, by the hand of the first CPU */
    size_t run_max;
    memory_map_t map;
    page_tree_t tree;
    page_context_t contexts[CPUS_MAX];
    uint64_t seeds[CPUS_MAX];
    void *metadata[METADATA_MAX];
    size_t metadata_used;
    _Atomic uint32_t arrived;
    _Atomic bool is_bad[TREE_PAGES_MAX];
    _Atomic uint32_t owners[TREE_PAGES_MAX];
    _Atomic uint64_t exchange[EXCHANGE_MAX]; /* first page and count of a run; 0 when there is none */
} shared_tree_t;

typedef struct tree_member {
    shared_tree_t *shared;
    uint32_t index;
} tree_member_t;

typedef struct held_run {
    page_number_t first;
    size_t count;
} held_run_t;

static void *metadata_page(void *argument)
{
    shared_tree_t *const shared = argument;
    return shared->metadata_used < METADATA_MAX ? shared->metadata[shared->metadata_used++] : NULL;
}

/* Where in the arrays of all pages that the map has a page stands. */
static uint64_t place_of(const shared_tree_t *shared, uint64_t page)
{
    return page / PAGES_PER_CHUNK * shared->pages_per_chunk + page % PAGES_PER_CHUNK;
}

/* Whether a run has a page that may. */
static bool may_go_bad(const shared_tree_t *shared, uint64_t first, size_t count)
{
    return shared->is_going_bad && (first + count - 1) / 7 * 7 >= first;
}

static void give_back(const tree_member_t *member, held_run_t held)
{
    shared_tree_t *const shared = member->shared;
    for (size_t i = 0; i < held.count; i++) {
        const uint64_t place = place_of(shared, held.first.value + i);
        PROPERTY_EXPECT_EQUAL(shared->run, atomic_fetch_sub(&shared->owners[place], 1), 1);
    }
    page_tree_free(&shared->tree, &shared->contexts[member->index], held.first, held.count);
}

/* Runs of up to run_max pages; where those may be whole blocks, every other one is of a power of two of them. */
static size_t draw_count(const shared_tree_t *shared, uint64_t *seed)
{
    const bool is_of_blocks = shared->run_max > PAGES_PER_BLOCK && property_worker_draw(seed, 2) == 0;
    return is_of_blocks ? (size_t)PAGES_PER_BLOCK << property_worker_draw(seed, 3)
                        : 1 + property_worker_draw(seed, shared->run_max);
}

/* Now and then in two parts, which may split a block. */
static void give_back_somehow(const tree_member_t *member, held_run_t held, uint64_t *seed)
{
    const size_t part = (size_t)property_worker_draw(seed, held.count);
    if (part != 0 && property_worker_draw(seed, 4) == 0) {
        give_back(member, (held_run_t){held.first, part});
        held = (held_run_t){page_number(held.first.value + part), held.count - part};
    }
    give_back(member, held);
}

/* Puts a run where another CPU finds it; what was there instead, of which the count may be 0. */
static held_run_t exchange(shared_tree_t *shared, held_run_t held, uint64_t *seed)
{
    const uint64_t number = property_worker_draw(seed, EXCHANGE_MAX);
    const uint64_t found = atomic_exchange(&shared->exchange[number], held.first.value << 32 | held.count);
    return (held_run_t){page_number(found >> 32), (uint32_t)found};
}

/* Allocates and frees, and keeps what may go bad: its owner must not free it any more. */
static void use_tree(void *argument)
{
    const tree_member_t *const member = argument;
    shared_tree_t *const shared = member->shared;
    property_run_t *const run = shared->run;
    uint64_t seed = shared->seeds[member->index];
    held_run_t held[LOCAL_MAX];
    size_t held_count = 0;
    for (unsigned round = 0; round < ROUNDS && !property_worker_has_failed(run); round++) {
        const pages_request_t request = {.count = draw_count(shared, &seed), .alignment = 1};
        page_number_t first;
        if (held_count < LOCAL_MAX &&
            page_tree_alloc(&shared->tree, &shared->contexts[member->index], &request, &first)) {
            for (size_t i = 0; i < request.count; i++) {
                PROPERTY_EXPECT_EQUAL(run, atomic_fetch_add(&shared->owners[place_of(shared, first.value + i)], 1), 0);
            }
            if (!may_go_bad(shared, first.value, request.count)) {
                held[held_count++] = (held_run_t){first, request.count};
            }
        }
        if (held_count > 0 && shared->is_exchanging && property_worker_draw(&seed, 2) == 0) {
            held[held_count - 1] = exchange(shared, held[held_count - 1], &seed);
            held_count -= held[held_count - 1].count == 0;
        }
        if (held_count > 0 && property_worker_draw(&seed, 5) < 2) {
            give_back_somehow(member, held[--held_count], &seed);
        }
    }
    while (held_count > 0) {
        give_back(member, held[--held_count]);
    }
}

static void spoil_tree(void *argument)
{
    const tree_member_t *const member = argument;
    shared_tree_t *const shared = member->shared;
    uint64_t seed = shared->seeds[member->index];
    for (unsigned round = 0; round < ROUNDS / 4; round++) {
        const uint64_t page = property_worker_draw(&seed, shared->pages / 7) * 7;
        PROPERTY_EXPECT_STATUS(shared->run, STATUS_OK, page_tree_mark_invalid(&shared->tree, page_number(page), 1));
        atomic_store(&shared->is_bad[page], true);
    }
}

static void shared_main(void *argument, uint32_t index)
{
    tree_member_t member = {argument, index};
    const bool is_spoiling = member.shared->is_going_bad && index == 0;
    wait_for_all(&member.shared->arrived);
    property_worker_run(member.shared->run, is_spoiling ? spoil_tree : use_tree, &member);
}

/* How the CPUs use a tree: see shared_tree_t. */
typedef struct usage {
    uint64_t chunks;
    uint64_t pages_per_chunk;
    size_t run_max;
    bool is_going_bad;
    bool is_exchanging;
} usage_t;

static void run_shared(property_run_t *run, usage_t usage)
{
    shared_tree_t *const shared = property_alloc(run, sizeof(*shared));
    const uint64_t pages = usage.chunks * usage.pages_per_chunk;
    shared->run = run;
    shared->pages = pages;
    shared->pages_per_chunk = usage.pages_per_chunk;
    shared->is_exchanging = usage.is_exchanging;
    shared->run_max = usage.run_max;
    shared->is_going_bad = usage.is_going_bad;
    for (unsigned i = 0; i < METADATA_MAX; i++) {
        shared->metadata[i] = property_alloc(run, PAGE_SIZE);
    }
    for (unsigned i = 0; i < CPUS_MAX; i++) {
        shared->seeds[i] = property_bits64(run);
    }
    memory_map_init(&shared->map);
    for (uint64_t chunk = 0; chunk < usage.chunks; chunk++) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                               memory_map_add(&shared->map, physical_of_page(page_number(chunk * PAGES_PER_CHUNK)),
                                              usage.pages_per_chunk * PAGE_SIZE, MEMORY_REGION_AVAILABLE));
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, memory_map_finish(&shared->map, physical_address(GIB(1))));
    const page_tree_config_t config = {&shared->map, metadata_page, shared, 0};
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, page_tree_init(&shared->tree, &config));
    cpu_jobs_run_on_all(cpus_used(), shared_main, shared);
    if (property_worker_has_failed(run)) {
        return;
    }
    PROPERTY_EXPECT_VALID(run, page_tree_validate(&shared->tree));
    page_tree_drain_all(&shared->tree);
    PROPERTY_EXPECT_VALID(run, page_tree_validate(&shared->tree));
    for (uint64_t place = 0; place < pages; place++) {
        const uint64_t page = place / usage.pages_per_chunk * PAGES_PER_CHUNK + place % usage.pages_per_chunk;
        const page_state_t expected = shared->is_bad[place]        ? PAGE_STATE_INVALID
                                      : shared->owners[place] != 0 ? PAGE_STATE_ALLOCATED
                                                                   : PAGE_STATE_FREE;
        PROPERTY_EXPECT_EQUAL(run, page_tree_state(&shared->tree, page_number(page)), expected);
    }
}

/*
 * Validates 2.8, 2.11: memory may go bad in the middle of anything, in blocks that other CPUs have checked out; the
 * books stay exact.
 */
static void memory_may_go_bad_while_cpus_allocate(property_run_t *run)
{
    run_shared(run, (usage_t){1, TREE_PAGES_MAX, 1 + (size_t)property_draw(run, 4), true, false});
}

/*
 * Validates 2.10, 2.11, 3.10: more CPUs than blocks, and fewer pages than are asked for: the last ones are shared, and
 * never twice.
 */
static void cpus_share_the_last_pages(property_run_t *run)
{
    const uint64_t pages = property_range(run, 1, 2 * PAGES_PER_BLOCK);
    run_shared(run, (usage_t){1, pages, 1 + (size_t)property_draw(run, 5), false, property_bool(run)});
}

/*
 * Validates 2.10, 2.11, 3.10: the same with runs of whole blocks, in a few blocks, so that the chunk is recalled from
 * its borrower all the time; and while pages of such runs go bad.
 */
static void cpus_share_the_last_blocks(property_run_t *run)
{
    const uint64_t pages = PAGES_PER_BLOCK * property_range(run, 1, 16);
    run_shared(run, (usage_t){1, pages, 4 * PAGES_PER_BLOCK, property_draw(run, 4) == 0, false});
}

/*
 * Validates 2.10, 2.11, 3.10: each has a chunk to itself, until others find nothing elsewhere and take it back; runs
 * come back by any CPU's hand, at any time.
 */
static void cpus_take_chunks_from_each_other(property_run_t *run)
{
    const uint64_t chunks = property_range(run, 2, 6);
    const uint64_t pages = property_range(run, 2, TREE_PAGES_MAX / chunks);
    const size_t run_max = property_bool(run) ? PAGES_PER_BLOCK / 8 : 2 * PAGES_PER_BLOCK;
    run_shared(run, (usage_t){chunks, pages, run_max, false, true});
}

PROPERTY_SUITE(page_tree_concurrency, PROPERTY_EFFORT(memory_may_go_bad_while_cpus_allocate, 50, "2.8 2.11"),
               PROPERTY_EFFORT(cpus_share_the_last_pages, 50, "2.10 2.11 3.10"),
               PROPERTY_EFFORT(cpus_share_the_last_blocks, 50, "2.10 2.11 3.10"),
               PROPERTY_EFFORT(cpus_take_chunks_from_each_other, 50, "2.10 2.11 3.10"));
