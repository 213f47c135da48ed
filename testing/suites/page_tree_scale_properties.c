/*
 * The page tree at sizes that no test machine has, and on maps that no sane machine has: simulated, with nothing behind
 * the pages.
 */
#include "testing/models/page_world.h"

#define PAGES_PER_REGION ((uint64_t)GIB(1) >> PAGE_SHIFT)

/* A world without a model: what these properties look at would not fit in one. */
static page_world_t *new_large_world(property_run_t *run)
{
    return page_world_new(run, 0, 1);
}

static void add(page_world_t *world, uint64_t base, uint64_t bytes, memory_region_type_t type)
{
    PROPERTY_EXPECT_STATUS(world->run, STATUS_OK, memory_map_add(&world->map, physical_address(base), bytes, type));
}

/*
 * Validates 2.3, 2.5, 2.12: a tree over 16 TiB starts with what one over 128 MiB starts with, and serves its first page
 * as cheaply.
 */
static void starting_costs_the_same_at_any_size(property_run_t *run)
{
    page_world_t *const world = new_large_world(run);
    const unsigned shift = (unsigned)property_range(run, 27, 44);
    const uint64_t size = (UINT64_C(1) << shift) - (property_bool(run) ? 0 : MIB(3));
    pages_stats_t stats;
    page_number_t page;
    add(world, 0, size, MEMORY_REGION_AVAILABLE);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, page_world_start(world, 0));
    page_tree_stats(&world->tree, &stats);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_total, size >> PAGE_SHIFT);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_free, stats.pages_total);
    PROPERTY_EXPECT_EQUAL(run, stats.metadata_bytes, PAGE_SIZE);
    PROPERTY_EXPECT(run, page_tree_alloc(&world->tree, &world->contexts[0], &(pages_request_t){.count = 1}, &page));
    page_tree_stats(&world->tree, &stats);
    PROPERTY_EXPECT_EQUAL(run, stats.metadata_bytes, 2 * PAGE_SIZE);
    PROPERTY_EXPECT_VALID(run, page_tree_validate(&world->tree));
}

/* Validates 2.3, 2.5: metadata follows the memory that is used, however far apart it lies. */
static void metadata_grows_only_with_touched_memory(property_run_t *run)
{
    page_world_t *const world = new_large_world(run);
    pages_stats_t stats;
    page_number_t page;
    add(world, 0, TIB(16), MEMORY_REGION_AVAILABLE);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, page_world_start(world, 0));
    const uint64_t touched = property_range(run, 1, 40);
    for (uint64_t i = 0; i < touched; i++) {
        const uint64_t region = property_draw(run, TIB(16) / GIB(1));
        const uint64_t inside = property_draw(run, PAGES_PER_REGION - 2);
        const page_number_t first = page_number(region * PAGES_PER_REGION + inside);
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, page_tree_mark_invalid(&world->tree, first, 1));
        PROPERTY_EXPECT_EQUAL(run, page_tree_state(&world->tree, first), PAGE_STATE_INVALID);
        PROPERTY_EXPECT_EQUAL(run, page_tree_state(&world->tree, page_number(first.value + 1)), PAGE_STATE_FREE);
    }
    page_tree_stats(&world->tree, &stats);
    PROPERTY_EXPECT(run, stats.metadata_bytes <= KIB(64) + touched * PAGE_SIZE);

    /* All of one region in use: 2 bits a page, and a little. */
    const uint64_t before = stats.metadata_bytes;
    const pages_request_t region = {.count = PAGES_PER_REGION, .alignment = PAGES_PER_REGION};
    PROPERTY_EXPECT(run, page_tree_alloc(&world->tree, &world->contexts[0], &region, &page));
    page_tree_stats(&world->tree, &stats);
    PROPERTY_EXPECT(run, stats.metadata_bytes <= before + KIB(64) + 3 * PAGE_SIZE);
    PROPERTY_EXPECT_VALID(run, page_tree_validate(&world->tree));
}

/* ---- long runs ---- */

#define LONG_BLOCKS (3 * PAGES_PER_REGION / PAGES_PER_BLOCK)
#define LONG_RUNS   48u

typedef struct long_world {
    page_world_t *world;
    bool is_vacant[LONG_BLOCKS];
    page_world_run_t runs[LONG_RUNS];
    size_t run_count;
} long_world_t;

static void mark_blocks(long_world_t *model, page_world_run_t run, bool is_vacant)
{
    for (uint64_t block = run.first / PAGES_PER_BLOCK; block * PAGES_PER_BLOCK < run.first + run.count; block++) {
        PROPERTY_EXPECT(model->world->run, model->is_vacant[block] != is_vacant);
        model->is_vacant[block] = is_vacant;
    }
}

static bool has_long_run(const long_world_t *model, uint64_t count, uint64_t alignment)
{
    const uint64_t blocks = (count + PAGES_PER_BLOCK - 1) / PAGES_PER_BLOCK;
    uint64_t start = 0;
    for (uint64_t block = 0; block < LONG_BLOCKS; block++) {
        if (!model->is_vacant[block]) {
            start = block + 1;
        }
        const uint64_t aligned = align_up(start * PAGES_PER_BLOCK, alignment) / PAGES_PER_BLOCK;
        if (block + 1 >= aligned + blocks) {
            return true;
        }
    }
    return false;
}

/*
 * Validates 2.1, 2.9, 2.10, 2.12: runs of any length are found when they are there, across chunks and regions, and not
 * across holes.
 */
static void long_runs_are_found_wherever_they_are(property_run_t *run)
{
    long_world_t *const model = property_alloc(run, sizeof(*model));
    page_world_t *const world = new_large_world(run);
    model->world = world;
    add(world, 0, GIB(3), MEMORY_REGION_AVAILABLE);
    for (uint64_t i = 0; i < LONG_BLOCKS; i++) {
        model->is_vacant[i] = true;
    }
    for (uint64_t holes = property_draw(run, 5); holes > 0; holes--) {
        const uint64_t page = property_draw(run, LONG_BLOCKS * PAGES_PER_BLOCK);
        add(world, page << PAGE_SHIFT, PAGE_SIZE, MEMORY_REGION_RESERVED);
        model->is_vacant[page / PAGES_PER_BLOCK] = false;
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, page_world_start(world, 0));
    const uint64_t end = memory_map_usable_end(&world->map).value >> PAGE_SHIFT;
    for (uint32_t step = 0; step < run->steps; step++) {
        const uint64_t pick = property_draw(run, LONG_RUNS);
        if (pick < model->run_count && (property_bool(run) || model->run_count == LONG_RUNS)) {
            const page_world_run_t gone = model->runs[pick];
            page_tree_free(&world->tree, &world->contexts[step % 2], page_number(gone.first), gone.count);
            mark_blocks(model, gone, true);
            model->runs[pick] = model->runs[--model->run_count];
            continue;
        }
        const pages_request_t request = {
            .count = PAGES_PER_BLOCK + property_size_skewed(run, LONG_BLOCKS * PAGES_PER_BLOCK),
            .alignment = (size_t)1 << property_draw(run, 20),
        };
        page_number_t first = page_number(0);
        const bool is_met = page_tree_alloc(&world->tree, &world->contexts[0], &request, &first);
        PROPERTY_EXPECT_EQUAL(run, is_met, has_long_run(model, request.count, request.alignment));
        if (is_met && model->run_count < LONG_RUNS) {
            const page_world_run_t got = {first.value, request.count};
            PROPERTY_EXPECT_EQUAL(run, first.value % request.alignment, 0);
            PROPERTY_EXPECT(run, first.value + request.count <= end);
            mark_blocks(model, got, false);
            model->runs[model->run_count++] = got;
        }
    }
    PROPERTY_EXPECT_VALID(run, page_tree_validate(&world->tree));
    while (model->run_count > 0) {
        const page_world_run_t gone = model->runs[--model->run_count];
        page_tree_free(&world->tree, &world->contexts[0], page_number(gone.first), gone.count);
        mark_blocks(model, gone, true);
    }
    PROPERTY_EXPECT_VALID(run, page_tree_validate(&world->tree));
    PROPERTY_EXPECT_EQUAL(run, page_tree_shutdown(&world->tree), 0);
}

/* ---- any map ---- */

#define HOSTILE_RUNS 32u

/* An address where something may go wrong, or any other. */
static uint64_t draw_address(property_run_t *run)
{
    static const uint64_t edges[] = {0, MIB(1), MIB(16), GIB(1), GIB(4), GIB(64), TIB(16), UINT64_MAX};
    const uint64_t edge = edges[property_draw(run, ARRAY_COUNT(edges))];
    return property_bool(run) ? edge + property_draw(run, 64) * 1024 - KIB(32) : property_bits64(run) >> 18;
}

/*
 * Validates 2.6, 2.9, 2.13: whatever the map, only what it calls available is handed out, each page once, and all comes
 * back.
 */
static void any_map_serves_only_its_usable_memory(property_run_t *run)
{
    page_world_t *const world = new_large_world(run);
    page_world_run_t runs[HOSTILE_RUNS];
    size_t run_count = 0;
    const uint64_t inputs = property_draw(run, 40);
    for (uint64_t i = 0; i < inputs; i++) {
        const uint64_t base = draw_address(run);
        const uint64_t size = draw_address(run) >> property_draw(run, 30);
        (void)memory_map_add(&world->map, physical_address(base), size,
                             (memory_region_type_t)property_draw(run, MEMORY_REGION_TYPE_COUNT));
    }
    if (page_world_start(world, property_bool(run) ? PAGES_PER_BLOCK : 0) != STATUS_OK) {
        return;
    }
    for (uint32_t step = 0; step < run->steps && run_count < HOSTILE_RUNS; step++) {
        const pages_request_t request = {.count = property_size_skewed(run, 5000)};
        page_number_t first;
        if (!page_tree_alloc(&world->tree, &world->contexts[step % 3], &request, &first)) {
            continue;
        }
        const memory_region_t *const region = memory_map_find(&world->map, physical_of_page(first));
        PROPERTY_EXPECT(run, region != NULL && memory_region_is_usable(region));
        const uint64_t region_end = (region->base.value + region->size_bytes) >> PAGE_SHIFT;
        PROPERTY_EXPECT(run, first.value + request.count <= region_end);
        for (size_t i = 0; i < run_count; i++) {
            PROPERTY_EXPECT(run, first.value + request.count <= runs[i].first ||
                                     runs[i].first + runs[i].count <= first.value);
        }
        runs[run_count++] = (page_world_run_t){first.value, request.count};
    }
    PROPERTY_EXPECT_VALID(run, page_tree_validate(&world->tree));
    while (run_count > 0) {
        run_count--;
        page_tree_free(&world->tree, &world->contexts[0], page_number(runs[run_count].first), runs[run_count].count);
    }
    PROPERTY_EXPECT_VALID(run, page_tree_validate(&world->tree));
    PROPERTY_EXPECT_EQUAL(run, page_tree_shutdown(&world->tree), 0);
}

/* ---- zones ---- */

/*
 * Validates 2.1: with low memory spared, ordinary pages come from above as long as there are any, and requests with a
 * limit from below.
 */
static void low_memory_is_spared_for_those_who_need_it(property_run_t *run)
{
    const uint64_t blocks = 24;
    page_world_t *const world = page_world_new(run, 0, blocks * PAGES_PER_BLOCK);
    page_world_add(world, 0, blocks * PAGES_PER_BLOCK, MEMORY_REGION_AVAILABLE);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, page_world_start(world, 0));
    const uint64_t low = property_draw(run, blocks) * PAGES_PER_BLOCK;
    const uint64_t size = property_range(run, 1, 200);
    page_tree_spare_below(&world->tree, page_number(low));
    bool is_above_used_up = false;
    while (world->run_count < PAGE_WORLD_RUN_MAX - 2) {
        if (!page_world_alloc(world, &world->contexts[0], &(pages_request_t){.count = size})) {
            break;
        }
        const bool is_low = world->runs[world->run_count - 1].first < low;
        PROPERTY_EXPECT(run, is_low || !is_above_used_up);
        is_above_used_up |= is_low;
    }
    page_world_free_all(world);
    if (low > 0) {
        const pages_request_t limited = {.count = 1, .limit = physical_of_page(page_number(low))};
        PROPERTY_EXPECT(run, page_world_alloc(world, &world->contexts[1], &limited));
        PROPERTY_EXPECT(run, world->runs[0].first < low);
    }
    page_world_expect_agreement(world, true);
}

PROPERTY_SUITE(page_tree_scale, PROPERTY(starting_costs_the_same_at_any_size, "2.3 2.5 2.12"),
               PROPERTY_EFFORT(metadata_grows_only_with_touched_memory, 20, "2.3 2.5"),
               PROPERTY_EFFORT(long_runs_are_found_wherever_they_are, 20, "2.1 2.9 2.10 2.12"),
               PROPERTY(any_map_serves_only_its_usable_memory, "2.6 2.9 2.13"),
               PROPERTY_EFFORT(low_memory_is_spared_for_those_who_need_it, 50, "2.1"));
