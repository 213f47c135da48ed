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

#define TREE_PAGES_MAX 2048u

typedef struct shared_tree {
    property_run_t *run;
    uint64_t pages;
    bool is_going_bad; /* every seventh page may, by the hand of the first CPU */
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

/* Whether a run has a page that may. */
static bool may_go_bad(const shared_tree_t *shared, uint64_t first, size_t count)
{
    return shared->is_going_bad && (first + count - 1) / 7 * 7 >= first;
}

static void give_back(const tree_member_t *member, held_run_t held)
{
    shared_tree_t *const shared = member->shared;
    for (size_t i = 0; i < held.count; i++) {
        PROPERTY_EXPECT_EQUAL(shared->run, atomic_fetch_sub(&shared->owners[held.first.value + i], 1), 1);
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
                PROPERTY_EXPECT_EQUAL(run, atomic_fetch_add(&shared->owners[first.value + i], 1), 0);
            }
            if (!may_go_bad(shared, first.value, request.count)) {
                held[held_count++] = (held_run_t){first, request.count};
            }
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

static void run_shared(property_run_t *run, uint64_t pages, size_t run_max, bool is_going_bad)
{
    shared_tree_t *const shared = property_alloc(run, sizeof(*shared));
    shared->run = run;
    shared->pages = pages;
    shared->run_max = run_max;
    shared->is_going_bad = is_going_bad;
    for (unsigned i = 0; i < METADATA_MAX; i++) {
        shared->metadata[i] = property_alloc(run, PAGE_SIZE);
    }
    for (unsigned i = 0; i < CPUS_MAX; i++) {
        shared->seeds[i] = property_bits64(run);
    }
    memory_map_init(&shared->map);
    PROPERTY_EXPECT_STATUS(
        run, STATUS_OK, memory_map_add(&shared->map, physical_address(0), pages * PAGE_SIZE, MEMORY_REGION_AVAILABLE));
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
    for (uint64_t page = 0; page < pages; page++) {
        const page_state_t expected = shared->is_bad[page]        ? PAGE_STATE_INVALID
                                      : shared->owners[page] != 0 ? PAGE_STATE_ALLOCATED
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
    run_shared(run, TREE_PAGES_MAX, 1 + (size_t)property_draw(run, 4), true);
}

/*
 * Validates 2.10, 2.11, 3.10: more CPUs than blocks, and fewer pages than are asked for: the last ones are shared, and
 * never twice.
 */
static void cpus_share_the_last_pages(property_run_t *run)
{
    run_shared(run, property_range(run, 1, 2 * PAGES_PER_BLOCK), 1 + (size_t)property_draw(run, 5), false);
}

/*
 * Validates 2.10, 2.11, 3.10: the same with runs of whole blocks, in a few blocks, so that the chunk is recalled from
 * its borrower all the time; and while pages of such runs go bad.
 */
static void cpus_share_the_last_blocks(property_run_t *run)
{
    run_shared(run, PAGES_PER_BLOCK * property_range(run, 1, 16), 4 * PAGES_PER_BLOCK, property_draw(run, 4) == 0);
}

PROPERTY_SUITE(page_tree_concurrency, PROPERTY_EFFORT(memory_may_go_bad_while_cpus_allocate, 50, "2.8 2.11"),
               PROPERTY_EFFORT(cpus_share_the_last_pages, 50, "2.10 2.11 3.10"),
               PROPERTY_EFFORT(cpus_share_the_last_blocks, 50, "2.10 2.11 3.10"));
