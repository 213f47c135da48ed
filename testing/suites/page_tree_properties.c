/*
 * The page tree against a naive model: small worlds anywhere below 16 TiB, on simulated memory and on memory that also
 * has to hold the tree's own metadata. Large worlds are in page_tree_scale_properties.c, the kernel's own tree in
 * pages_properties.c.
 */
#include "testing/models/page_world.h"

#define WORLD_PAGES_MAX 1500u

/* ---- one page ---- */

static void put_state(page_block_t *block, unsigned index, unsigned state)
{
    const uint64_t bit = UINT64_C(1) << index;
    atomic_store(&block->low, (state & 1) != 0 ? atomic_load(&block->low) | bit : atomic_load(&block->low) & ~bit);
    atomic_store(&block->high, (state & 2) != 0 ? atomic_load(&block->high) | bit : atomic_load(&block->high) & ~bit);
}

/*
 * Validates 2.7, 5.7: all pairs of states under all operations. What an operation may not do to one of two pages, it
 * does to neither. Claims of pages that are not free happen when a page is retired between the look and the claim.
 */
static void every_transition_is_judged_by_the_state_it_meets(property_run_t *run)
{
    page_block_t block = {0, 0};
    const unsigned near = (unsigned)property_draw(run, 63);
    const unsigned far = near + 1 + (unsigned)property_draw(run, 2) * (62 - near);
    const unsigned states[2] = {(unsigned)property_draw(run, 4), (unsigned)property_draw(run, 4)};
    const uint64_t mask = UINT64_C(1) << near | UINT64_C(1) << far;
    const bool are_free = states[0] == PAGE_STATE_FREE && states[1] == PAGE_STATE_FREE;
    const bool are_allocated = states[0] == PAGE_STATE_ALLOCATED && states[1] == PAGE_STATE_ALLOCATED;
    unsigned expected[2] = {states[0], states[1]};
    put_state(&block, near, states[0]);
    put_state(&block, far, states[1]);
    switch (property_draw(run, 4)) {
    case 0:
        PROPERTY_EXPECT_EQUAL(run, page_block_claim(&block, mask), are_free);
        if (are_free) {
            expected[0] = expected[1] = PAGE_STATE_ALLOCATED;
        }
        break;
    case 1:
        if (states[0] == PAGE_STATE_INVALID) {
            break; /* `low` does not tell it, and so nobody asks */
        }
        PROPERTY_EXPECT_EQUAL(run, page_block_claim_one(&block, near, UINT64_C(1) << near),
                              states[0] == PAGE_STATE_FREE);
        if (states[0] == PAGE_STATE_FREE) {
            expected[0] = PAGE_STATE_ALLOCATED;
        }
        break;
    case 2:
        PROPERTY_EXPECT_EQUAL(run, page_block_release(&block, mask).is_done, are_allocated);
        if (are_allocated) {
            expected[0] = expected[1] = PAGE_STATE_FREE;
        }
        break;
    default:
        PROPERTY_EXPECT_EQUAL(run, page_block_release_one(&block, near), states[0] == PAGE_STATE_ALLOCATED);
        if (states[0] == PAGE_STATE_ALLOCATED) {
            expected[0] = PAGE_STATE_FREE;
        }
        break;
    }
    PROPERTY_EXPECT_EQUAL(run, page_block_state(&block, near), expected[0]);
    PROPERTY_EXPECT_EQUAL(run, page_block_state(&block, far), expected[1]);
}

/* ---- a claim and a retirement, step by step ---- */

typedef struct two_hands {
    page_block_t block;
    uint64_t wanted; /* claimed as one */
    uint64_t bad;    /* retired */
    uint64_t seen;   /* by the claimer */
    uint64_t counted_allocated;
    uint64_t counted_freed;
    bool is_met; /* the claim */
} two_hands_t;

/* The steps of a claim, and what its caller counts. Returns the number of the next one; 0: done. */
static unsigned claimer_step(two_hands_t *hands, unsigned step)
{
    if (step == 1) {
        hands->seen = atomic_load(&hands->block.low);
        return (hands->seen & hands->wanted) == 0 ? 2 : 0;
    }
    hands->is_met = page_block_claim_seen(&hands->block, hands->seen, hands->wanted);
    hands->counted_allocated += hands->is_met ? count_set(hands->wanted) : 0;
    return 0;
}

/* Those of a retirement in a block that is checked out. */
static unsigned retirer_step(two_hands_t *hands, unsigned step)
{
    if (step == 1) {
        hands->counted_allocated += count_set(page_block_retire_begin(&hands->block, hands->bad));
        return 2;
    }
    if (step == 2) {
        page_block_retire_mark(&hands->block, hands->bad);
        return 3;
    }
    hands->counted_freed += count_set(page_block_retire_end_held(&hands->block, hands->bad));
    return 0;
}

/*
 * Validates 2.8, 2.11, 5.7: however the steps of a claim of two pages, without the lock, come between those of a
 * retirement of one of them or both, as many pages are allocated as the two count, and no half of a run is left; an
 * owner who frees one of his two pages meanwhile makes no difference.
 */
static void a_claim_and_a_retirement_keep_the_books_in_any_order(property_run_t *run)
{
    two_hands_t hands = {.wanted = UINT64_C(3) << property_draw(run, 63)};
    hands.bad = property_bool(run) ? hands.wanted & -hands.wanted : hands.wanted;
    const bool is_owned = property_bool(run); /* at first somebody has the pages, who frees them in between */
    unsigned owner = is_owned;
    unsigned claimer = 1;
    unsigned retirer = 1;
    if (is_owned) {
        PROPERTY_EXPECT(run, page_block_claim(&hands.block, hands.wanted));
        hands.counted_allocated = count_set(hands.wanted);
    }
    while (claimer != 0 || retirer != 0 || owner != 0) {
        const uint64_t who = property_draw(run, 3);
        if (who == 0 && claimer != 0) {
            claimer = claimer_step(&hands, claimer);
        } else if (who == 1 && owner != 0) {
            hands.counted_freed += page_block_release_at_once(&hands.block, hands.wanted) ? count_set(hands.wanted) : 0;
            owner = 0;
        } else if (retirer != 0) {
            retirer = retirer_step(&hands, retirer);
        } else if (claimer != 0) {
            claimer = claimer_step(&hands, claimer);
        } else {
            owner = 0;
        }
    }
    const uint64_t low = atomic_load(&hands.block.low);
    const uint64_t high = atomic_load(&hands.block.high);
    PROPERTY_EXPECT_EQUAL(run, high, hands.bad);
    PROPERTY_EXPECT_EQUAL(run, low & hands.bad, hands.bad);
    PROPERTY_EXPECT(run, (low & ~high) == 0 || (low & ~high) == (hands.wanted & ~hands.bad));
    PROPERTY_EXPECT_EQUAL(run, hands.counted_allocated - hands.counted_freed, count_set(low & ~high));
}

/* A window that is likely to cross a boundary of blocks, chunks, regions or groups. */
static page_world_t *draw_world(property_run_t *run)
{
    static const uint64_t boundaries[] = {0, MIB(16), GIB(1), GIB(4), GIB(64), TIB(1)};
    const uint64_t boundary = boundaries[property_draw(run, ARRAY_COUNT(boundaries))] >> PAGE_SHIFT;
    const uint64_t count = property_range(run, 64, WORLD_PAGES_MAX);
    const uint64_t before = property_draw(run, count);
    page_world_t *const world = page_world_new(run, boundary > before ? boundary - before : 0, count);
    page_world_draw_map(world);
    return world;
}

static void do_steps(page_world_t *world)
{
    for (uint32_t step = 0; step < world->run->steps; step++) {
        page_world_step(world);
        page_world_expect_agreement(world, false);
    }
    page_world_expect_agreement(world, true);
    page_world_free_all(world);
    page_tree_drain_all(&world->tree);
    page_world_expect_agreement(world, true);
    PROPERTY_EXPECT_EQUAL(world->run, page_tree_shutdown(&world->tree), 0);
}

/* Validates 2.1, 2.3, 2.5, 2.6, 2.7, 2.8, 2.9, 2.10, 2.14, 5.7, 5.8: any operations, on any map, at any place. */
static void random_operations_agree_with_the_model(property_run_t *run)
{
    page_world_t *const world = draw_world(run);
    const status_t status = page_world_start(world, property_bool(run) ? PAGES_PER_BLOCK : 0);
    if (status == STATUS_OK) {
        do_steps(world);
    } else {
        PROPERTY_EXPECT_EQUAL(run, page_model_count(&world->model, PAGE_STATE_FREE), 0);
    }
}

/* Validates 2.1, 2.3, 2.5, 2.7, 2.9, 2.14: the same where metadata comes out of the very memory that is managed. */
static void a_tree_that_lives_in_its_own_memory_agrees_with_the_model(property_run_t *run)
{
    page_world_t *const world = page_world_new_borrowed(run, property_range(run, 1, WORLD_PAGES_MAX));
    page_world_draw_map(world);
    const status_t status = page_world_start(world, 0);
    if (status != STATUS_OK) {
        /* The smallest maps have no two usable pages in one chunk. */
        PROPERTY_EXPECT(run, page_model_count(&world->model, PAGE_STATE_FREE) < WORLD_PAGES_MAX / 8);
        return;
    }
    for (uint64_t i = 0; i < world->model.count; i++) {
        const uint64_t page = world->model.first + i;
        if (page_model_state(&world->model, page) == PAGE_STATE_FREE &&
            page_tree_state(&world->tree, page_number(page)) == PAGE_STATE_RESERVED) {
            page_model_set(&world->model, page, 1, PAGE_STATE_RESERVED);
        }
    }
    do_steps(world);
}

/* Takes all there is, in runs of drawn sizes, down to single pages. */
static void exhaust(page_world_t *world)
{
    page_context_t *const context = &world->contexts[0];
    size_t count = property_size_skewed(world->run, world->model.count);
    while (count > 0 && world->run_count < PAGE_WORLD_RUN_MAX - 2) {
        const pages_request_t request = {.count = count};
        if (!page_world_alloc(world, context, &request)) {
            count /= 2;
        }
    }
}

/*
 * Validates 2.1, 2.9, 2.14, 3.10: running out is no end: what comes back can be had again, and at last all is as at the
 * start.
 */
static void everything_returned_equals_the_start(property_run_t *run)
{
    pages_stats_t before;
    pages_stats_t after;
    page_world_t *const world = draw_world(run);
    if (page_world_start(world, 0) != STATUS_OK) {
        return;
    }
    page_tree_stats(&world->tree, &before);
    for (unsigned round = 0; round < 3; round++) {
        exhaust(world);
        page_world_expect_agreement(world, true);
        for (size_t left = world->run_count; left > 0; left--) {
            const size_t index = (size_t)property_draw(run, world->run_count);
            page_world_free(world, &world->contexts[left % PAGE_WORLD_CONTEXTS], index, 0, world->runs[index].count);
        }
        page_world_expect_agreement(world, true);
    }
    page_tree_drain_all(&world->tree);
    page_tree_stats(&world->tree, &after);
    PROPERTY_EXPECT_EQUAL(run, after.pages_free, before.pages_free);
    PROPERTY_EXPECT_EQUAL(run, after.pages_allocated, 0);
    PROPERTY_EXPECT(run, after.largest_free_run + PAGES_PER_BLOCK > before.largest_free_run / PAGES_PER_BLOCK);
    PROPERTY_EXPECT_EQUAL(run, after.runs_freed, after.runs_allocated);
}

/* Validates 2.1, 2.2, 2.10: as many single pages as are free, each once, and then no more. */
static void single_pages_are_handed_out_to_the_last(property_run_t *run)
{
    page_world_t *const world = draw_world(run);
    if (page_world_start(world, 0) != STATUS_OK) {
        return;
    }
    uint64_t left = page_model_count(&world->model, PAGE_STATE_FREE);
    page_number_t page;
    while (page_tree_alloc(&world->tree, &world->contexts[0], &(pages_request_t){.count = 1}, &page)) {
        PROPERTY_EXPECT(run, page_model_state(&world->model, page.value) == PAGE_STATE_FREE);
        page_model_set(&world->model, page.value, 1, PAGE_STATE_ALLOCATED);
        left--;
    }
    PROPERTY_EXPECT_EQUAL(run, left, 0);
    page_world_expect_agreement(world, true);
    for (uint64_t i = 0; i < world->model.count; i++) {
        if (world->model.states[i] == PAGE_STATE_ALLOCATED) {
            page_tree_free(&world->tree, &world->contexts[i % 3], page_number(world->model.first + i), 1);
            world->model.states[i] = PAGE_STATE_FREE;
        }
    }
    page_world_expect_agreement(world, true);
}

/* Validates 5.7, 5.8: each mistake stops with its own message, and the tree is as if nothing had been asked. */
static void every_misuse_is_told_by_name_and_changes_nothing(property_run_t *run)
{
    /* [allocated 4][free 4][bad 4][reserved 4][hole 4][allocated 4] and then nothing. */
    page_world_t *const world = page_world_new(run, (MIB(16) >> PAGE_SHIFT) - 12, 24);
    page_world_add(world, 0, 16, MEMORY_REGION_AVAILABLE);
    page_world_add(world, 20, 4, MEMORY_REGION_AVAILABLE);
    page_world_add(world, 8, 4, MEMORY_REGION_BAD);
    page_world_add(world, 12, 4, MEMORY_REGION_RESERVED);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, page_world_start(world, 0));
    const pages_request_t eight = {.count = 8};
    const pages_request_t four = {.count = 4};
    PROPERTY_EXPECT(run, page_world_alloc(world, &world->contexts[0], &four));
    PROPERTY_EXPECT(run, !page_world_alloc(world, &world->contexts[0], &eight));
    if (property_bool(run)) {
        page_tree_drain_all(&world->tree);
    }
    const uint64_t first = property_draw(run, 32);
    const uint64_t count = property_bool(run) ? property_draw(run, 32) : UINT64_MAX - property_draw(run, 32);
    page_world_misuse(world, world->model.first + first, count);
    page_world_expect_agreement(world, true);
}

/* Validates 6.7: the reserve is there for who must not fail, for nobody else, and fills up again. */
static void the_emergency_reserve_is_kept_for_emergencies(property_run_t *run)
{
    page_world_t *const world = page_world_new(run, 0, 8 * PAGES_PER_BLOCK);
    pages_stats_t stats;
    page_number_t page;
    const pages_request_t ordinary = {.count = 1};
    const pages_request_t urgent = {.count = 1, .may_use_reserve = true};
    const uint64_t blocks = property_range(run, 1, 4);
    page_world_add(world, 0, 8 * PAGES_PER_BLOCK, MEMORY_REGION_AVAILABLE);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, page_world_start(world, blocks * PAGES_PER_BLOCK));
    while (page_tree_alloc(&world->tree, &world->contexts[0], &ordinary, &page)) {
        page_model_set(&world->model, page.value, 1, PAGE_STATE_ALLOCATED);
    }
    page_tree_stats(&world->tree, &stats);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_free, blocks * PAGES_PER_BLOCK);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_emergency, blocks * PAGES_PER_BLOCK);
    for (uint64_t i = 0; i < blocks * PAGES_PER_BLOCK; i++) {
        PROPERTY_EXPECT(run, page_world_alloc(world, &world->contexts[1], &urgent));
    }
    PROPERTY_EXPECT(run, !page_tree_alloc(&world->tree, &world->contexts[1], &urgent, &page));
    page_world_expect_agreement(world, true);
    page_world_free_all(world);
    PROPERTY_EXPECT(run, !page_tree_alloc(&world->tree, &world->contexts[0], &ordinary, &page));
    page_tree_stats(&world->tree, &stats);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_emergency, blocks * PAGES_PER_BLOCK);
    page_world_expect_agreement(world, true);
}

/* Validates 2.8: bad memory leaves at once, whoever has it, and comes never again. */
static void bad_memory_is_never_handed_out_again(property_run_t *run)
{
    page_world_t *const world = draw_world(run);
    if (page_world_start(world, 0) != STATUS_OK) {
        return;
    }
    for (unsigned i = 0; i < 24; i++) {
        const pages_request_t request = {.count = 1 + property_draw(run, 40)};
        if (property_bool(run)) {
            (void)page_world_alloc(world, &world->contexts[i % PAGE_WORLD_CONTEXTS], &request);
        }
        page_world_mark_invalid(world, world->model.first + property_draw(run, world->model.count),
                                property_draw(run, 20));
        page_world_expect_agreement(world, false);
    }
    page_world_free_all(world);
    exhaust(world); /* expects of each page that the model has it as free */
    page_world_expect_agreement(world, true);
}

/* Validates 3.10, 1.10: whichever request is refused, nothing of it stays. */
static void a_refused_request_changes_nothing(property_run_t *run)
{
    page_world_t *const world = draw_world(run);
    uint64_t refused;
    if (page_world_start(world, 0) != STATUS_OK) {
        return;
    }
    const uint64_t passes = property_draw(run, 8);
    const uint64_t refusals = 1 + property_draw(run, 4);
    page_tree_inject(&world->tree, passes, refusals);
    uint64_t expected = 0;
    for (uint64_t i = 0; i < 16; i++) {
        const pages_request_t request = {.count = 1};
        const bool has_memory = page_model_count(&world->model, PAGE_STATE_FREE) > 0;
        page_number_t page;
        const bool is_refused = i >= passes && i < passes + refusals;
        const bool is_met = page_tree_alloc(&world->tree, &world->contexts[i % PAGE_WORLD_CONTEXTS], &request, &page);
        PROPERTY_EXPECT_EQUAL(run, is_met, has_memory && !is_refused);
        if (is_met) {
            page_model_set(&world->model, page.value, 1, PAGE_STATE_ALLOCATED);
        }
        expected += is_refused;
        page_world_expect_agreement(world, true);
    }
    PROPERTY_EXPECT_EQUAL(run, page_tree_inject_end(&world->tree, &refused), 16);
    PROPERTY_EXPECT_EQUAL(run, refused, expected);
}

/* Validates 2.5, 3.10: where memory for nodes is out, requests fail, and what was handed out is unharmed. */
static void a_dry_source_of_metadata_fails_requests_and_nothing_else(property_run_t *run)
{
    page_world_t *const world = draw_world(run);
    world->metadata_left = property_draw(run, 4);
    const bool is_dry = world->metadata_left == 0;
    const status_t status = page_world_start(world, 0);
    if (is_dry || status != STATUS_OK) {
        PROPERTY_EXPECT(run, status != STATUS_OK);
        return;
    }
    page_number_t first;
    for (size_t count = world->model.count; count > 0;) {
        const pages_request_t request = {.count = count};
        if (page_tree_alloc(&world->tree, &world->contexts[0], &request, &first)) {
            PROPERTY_EXPECT(run, page_model_all(&world->model, first.value, count, PAGE_STATE_FREE));
            page_model_set(&world->model, first.value, count, PAGE_STATE_ALLOCATED);
        } else {
            count /= 2;
        }
        page_world_expect_agreement(world, false);
    }
    page_world_expect_agreement(world, true);
}

/* Validates 2.1: all requests that break a rule are refused, by every path. */
static void requests_that_make_no_sense_are_refused(property_run_t *run)
{
    page_world_t *const world = page_world_new(run, 0, 256);
    page_number_t first;
    page_world_add(world, 0, 256, MEMORY_REGION_AVAILABLE);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, page_world_start(world, 0));
    if (property_bool(run)) {
        PROPERTY_EXPECT(run, page_world_alloc(world, &world->contexts[0], &(pages_request_t){.count = 1}));
    }
    const pages_request_t bad[] = {
        {.count = 0},
        {.count = 257},
        {.count = SIZE_MAX},
        {.count = SIZE_MAX - 63, .alignment = 1},
        {.count = 1, .alignment = 3},
        {.count = 1, .alignment = SIZE_MAX},
        {.count = 65, .alignment = (SIZE_MAX >> 1) + 1},
        {.count = 1, .limit = physical_address(1)},
        {.count = 129, .limit = physical_of_page(page_number(128))},
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        /* The largest alignment is met by page 0 alone, if at all. */
        const bool is_met = page_tree_alloc(&world->tree, &world->contexts[0], &bad[i], &first);
        PROPERTY_EXPECT(run, !is_met || (first.value == 0 && bad[i].count == 65));
        if (is_met) {
            page_tree_free(&world->tree, &world->contexts[0], first, bad[i].count);
        }
    }
    page_world_expect_agreement(world, true);
}

PROPERTY_SUITE(page_tree, PROPERTY_EXHAUSTIVE(every_transition_is_judged_by_the_state_it_meets, 1, "2.7 5.7"),
               PROPERTY_EXHAUSTIVE(a_claim_and_a_retirement_keep_the_books_in_any_order, 1, "2.8 2.11 5.7"),
               PROPERTY(random_operations_agree_with_the_model, "2.1 2.3 2.5 2.6 2.7 2.8 2.9 2.10 2.14 5.7 5.8"),
               PROPERTY(a_tree_that_lives_in_its_own_memory_agrees_with_the_model, "2.1 2.3 2.5 2.7 2.9 2.14"),
               PROPERTY(everything_returned_equals_the_start, "2.1 2.9 2.14 3.10"),
               PROPERTY(single_pages_are_handed_out_to_the_last, "2.1 2.2 2.10"),
               PROPERTY(every_misuse_is_told_by_name_and_changes_nothing, "5.7 5.8"),
               PROPERTY(the_emergency_reserve_is_kept_for_emergencies, "6.7"),
               PROPERTY(bad_memory_is_never_handed_out_again, "2.8"),
               PROPERTY(a_refused_request_changes_nothing, "1.10 3.10"),
               PROPERTY(a_dry_source_of_metadata_fails_requests_and_nothing_else, "2.5 3.10"),
               PROPERTY(requests_that_make_no_sense_are_refused, "2.1"));
