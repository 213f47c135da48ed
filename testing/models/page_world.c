/*
 * Steps of a small world, each expected to agree with the model.
 */
#include "testing/models/page_world.h"

#include "arch/inline.h"

static void *metadata_page(void *argument)
{
    page_world_t *const world = argument;
    if (world->metadata_left == 0) {
        return NULL;
    }
    world->metadata_left--;
    return property_alloc(world->run, PAGE_SIZE);
}

page_world_t *page_world_new(property_run_t *run, uint64_t first, uint64_t count)
{
    page_world_t *const world = property_alloc(run, sizeof(*world));
    world->run = run;
    world->metadata_left = UINT64_MAX;
    world->model.first = first;
    world->model.count = count;
    world->model.states = property_alloc(run, count);
    world->model.is_usable = property_alloc(run, count * sizeof(bool));
    memory_map_init(&world->map);
    return world;
}

static void return_borrowed(void *argument)
{
    const page_world_t *const world = argument;
    pages_free(world->borrowed, world->model.count);
}

page_world_t *page_world_new_borrowed(property_run_t *run, uint64_t count)
{
    void *const pages = pages_alloc(count);
    PROPERTY_EXPECT(run, pages != NULL);
    page_world_t *const world = page_world_new(run, pointer_to_physical(pages).value >> PAGE_SHIFT, count);
    world->borrowed = pages;
    property_defer(run, return_borrowed, world);
    return world;
}

void page_world_add(page_world_t *world, uint64_t first, uint64_t count, memory_region_type_t type)
{
    const physical_address_t base = physical_of_page(page_number(world->model.first + first));
    PROPERTY_EXPECT_STATUS(world->run, STATUS_OK, memory_map_add(&world->map, base, count << PAGE_SHIFT, type));
}

void page_world_draw_map(page_world_t *world)
{
    static const memory_region_type_t types[] = {MEMORY_REGION_AVAILABLE, MEMORY_REGION_RESERVED, MEMORY_REGION_BAD,
                                                 MEMORY_REGION_ACPI_NVS, MEMORY_REGION_ACPI_RECLAIMABLE};
    const uint64_t count = world->model.count;
    const uint64_t start = property_draw(world->run, count / 4 + 1);
    page_world_add(world, start, count - start, MEMORY_REGION_AVAILABLE);
    for (uint64_t extra = property_draw(world->run, 6); extra > 0; extra--) {
        const uint64_t first = property_draw(world->run, count);
        const uint64_t length = property_size_skewed(world->run, count - first);
        const memory_region_type_t type = types[property_draw(world->run, ARRAY_COUNT(types))];
        page_world_add(world, first, length / 4 + 1 <= count - first ? length / 4 + 1 : 1, type);
    }
}

status_t page_world_start(page_world_t *world, uint64_t reserve_pages)
{
    page_model_init(&world->model, &world->map);
    const status_t status = memory_map_finish(&world->map, physical_address(TIB(16)));
    if (status != STATUS_OK) {
        return status;
    }
    const page_tree_config_t config = {
        .map = &world->map,
        .metadata_source = world->borrowed == NULL ? metadata_page : NULL,
        .metadata_argument = world,
        .reserve_pages = reserve_pages,
    };
    return page_tree_init(&world->tree, &config);
}

/* ---- what the model can't know by itself ---- */

/* In a world that keeps its own metadata, free pages turn RESERVED as the tree needs them. */
static void adopt_metadata(page_world_t *world)
{
    for (uint64_t i = 0; world->borrowed != NULL && i < world->model.count; i++) {
        const uint64_t page = world->model.first + i;
        if (world->model.states[i] == PAGE_STATE_FREE &&
            page_tree_state(&world->tree, page_number(page)) == PAGE_STATE_RESERVED) {
            world->model.states[i] = PAGE_STATE_RESERVED;
        }
    }
}

/* The reserve is no part of what a request can find, nor, for long runs, are blocks that others have checked out. */
typedef struct reach {
    const page_world_t *world;
    const page_context_t *own;
    bool is_within_block;
} reach_t;

static bool is_out_of_reach(void *argument, uint64_t block)
{
    const reach_t *const reach = argument;
    for (size_t i = 0; i < reach->world->tree.reserve_count; i++) {
        if (reach->world->tree.reserve_blocks[i] == block) {
            return true;
        }
    }
    for (size_t i = 0; !reach->is_within_block && i < PAGE_WORLD_CONTEXTS; i++) {
        const page_context_t *const context = &reach->world->contexts[i];
        if (context != reach->own && context->block != NULL && context->first_page.value / PAGES_PER_BLOCK == block) {
            return true;
        }
    }
    return false;
}

/* The request as the rules of pages_request_t complete it. */
static page_model_search_t search_of(const page_world_t *world, const pages_request_t *request)
{
    const uint64_t window_end = world->model.first + world->model.count;
    const bool is_natural = is_power_of_two(request->count) && request->count <= PAGES_PER_BLOCK;
    return (page_model_search_t){
        .count = request->count,
        .alignment = request->alignment != 0 ? request->alignment
                     : is_natural            ? request->count
                                             : 1,
        .limit = request->limit.value != 0 ? request->limit.value >> PAGE_SHIFT : window_end,
    };
}

/* ---- operations ---- */

bool page_world_alloc(page_world_t *world, page_context_t *context, const pages_request_t *request)
{
    page_number_t first;
    property_run_t *const run = world->run;
    const page_model_search_t search = search_of(world, request);
    const bool is_met = page_tree_alloc(&world->tree, context, request, &first);
    adopt_metadata(world);
    if (!is_met) {
        reach_t reach = {.world = world,
                         .own = context,
                         .is_within_block = search.count <= PAGES_PER_BLOCK && search.alignment <= PAGES_PER_BLOCK};
        PROPERTY_EXPECT(run, !page_model_has_run(&world->model, &search, is_out_of_reach, &reach));
        return false;
    }
    property_note(run, "pages %llu + %llu handed out", (unsigned long long)first.value,
                  (unsigned long long)request->count);
    PROPERTY_EXPECT_EQUAL(run, first.value % search.alignment, 0);
    PROPERTY_EXPECT(run, first.value + search.count <= search.limit);
    PROPERTY_EXPECT(run, page_model_all(&world->model, first.value, search.count, PAGE_STATE_FREE));
    page_model_set(&world->model, first.value, search.count, PAGE_STATE_ALLOCATED);
    PROPERTY_EXPECT(run, world->run_count < PAGE_WORLD_RUN_MAX);
    world->runs[world->run_count++] = (page_world_run_t){first.value, search.count};
    return true;
}

void page_world_free(page_world_t *world, page_context_t *context, size_t index, uint64_t offset, uint64_t count)
{
    const page_world_run_t whole = world->runs[index];
    PROPERTY_EXPECT(world->run, page_model_all(&world->model, whole.first + offset, count, PAGE_STATE_ALLOCATED));
    page_tree_free(&world->tree, context, page_number(whole.first + offset), count);
    page_model_set(&world->model, whole.first + offset, count, PAGE_STATE_FREE);
    world->runs[index] = world->runs[--world->run_count];
    if (offset > 0) {
        world->runs[world->run_count++] = (page_world_run_t){whole.first, offset};
    }
    if (offset + count < whole.count) {
        world->runs[world->run_count++] =
            (page_world_run_t){whole.first + offset + count, whole.count - offset - count};
    }
}

void page_world_free_all(page_world_t *world)
{
    while (world->run_count > 0) {
        page_context_t *const context = &world->contexts[world->run_count % PAGE_WORLD_CONTEXTS];
        page_world_free(world, context, world->run_count - 1, 0, world->runs[world->run_count - 1].count);
    }
}

typedef struct free_call {
    page_world_t *world;
    uint64_t first;
    uint64_t count;
} free_call_t;

static void do_free(void *argument)
{
    const free_call_t *const call = argument;
    page_tree_free(&call->world->tree, &call->world->contexts[0], page_number(call->first), call->count);
}

void page_world_misuse(page_world_t *world, uint64_t first, uint64_t count)
{
    const char *const message = page_model_misuse(&world->model, &world->map, first, count);
    free_call_t call = {world, first, count};
    if (message != NULL) {
        PROPERTY_EXPECT_CHECK(world->run, message, do_free, &call);
    }
}

/* Forgets the parts of runs that are not allocated any more. */
static void cut_runs(page_world_t *world)
{
    for (size_t i = 0; i < world->run_count;) {
        const page_world_run_t whole = world->runs[i];
        uint64_t offset = 0;
        while (offset < whole.count && page_model_state(&world->model, whole.first + offset) == PAGE_STATE_ALLOCATED) {
            offset++;
        }
        if (offset == whole.count) {
            i++;
            continue;
        }
        world->runs[i] = world->runs[--world->run_count];
        if (offset > 0) {
            world->runs[world->run_count++] = (page_world_run_t){whole.first, offset};
        }
        if (offset + 1 < whole.count) {
            world->runs[world->run_count++] = (page_world_run_t){whole.first + offset + 1, whole.count - offset - 1};
        }
        PROPERTY_EXPECT(world->run, world->run_count < PAGE_WORLD_RUN_MAX);
    }
}

void page_world_mark_invalid(page_world_t *world, uint64_t first, uint64_t count)
{
    const status_t status = page_tree_mark_invalid(&world->tree, page_number(first), count);
    adopt_metadata(world);
    bool is_memory = true;
    for (uint64_t page = first; page < first + count; page++) {
        const uint64_t offset = page - world->model.first;
        is_memory &= offset < world->model.count && world->model.is_usable[offset] &&
                     world->model.states[offset] != PAGE_STATE_RESERVED;
    }
    PROPERTY_EXPECT_STATUS(world->run,
                           count == 0  ? STATUS_INVALID
                           : is_memory ? STATUS_OK
                                       : STATUS_OUT_OF_RANGE,
                           status);
    if (status == STATUS_OK) {
        page_model_set(&world->model, first, count, PAGE_STATE_INVALID);
        cut_runs(world);
    }
}

/* ---- steps ---- */

static pages_request_t draw_request(page_world_t *world)
{
    property_run_t *const run = world->run;
    pages_request_t request = {.count = 1};
    switch (property_draw(run, 5)) {
    case 0:
        break;
    case 1:
        request.count = property_range(run, 1, PAGES_PER_BLOCK);
        break;
    case 2:
        request.count = (size_t)PAGES_PER_BLOCK << property_draw(run, 4);
        break;
    case 3:
        request.count = property_size_skewed(run, world->model.count);
        break;
    default:
        request.count = property_size_skewed(run, world->model.count);
        request.alignment = (size_t)1 << property_draw(run, 9);
        request.may_use_reserve = property_bool(run);
        if (property_bool(run)) {
            request.limit =
                physical_of_page(page_number(world->model.first + property_draw(run, world->model.count) + 1));
        }
        break;
    }
    return request;
}

void page_world_step(page_world_t *world)
{
    static const uint32_t weights[] = {40, 30, 8, 8, 4, 6};
    property_run_t *const run = world->run;
    page_context_t *const context = &world->contexts[property_draw(run, PAGE_WORLD_CONTEXTS)];
    const uint64_t anywhere = world->model.first + property_draw(run, world->model.count + 8);
    pages_request_t request;
    switch (property_choice(run, weights, ARRAY_COUNT(weights))) {
    case 0:
        request = draw_request(world);
        if (world->run_count < PAGE_WORLD_RUN_MAX / 2) {
            (void)page_world_alloc(world, context, &request);
        }
        break;
    case 1:
        if (world->run_count > 0) {
            const size_t index = (size_t)property_draw(run, world->run_count);
            page_world_free(world, context, index, 0, world->runs[index].count);
        }
        break;
    case 2:
        if (world->run_count > 0 && world->run_count < PAGE_WORLD_RUN_MAX / 2) {
            const size_t index = (size_t)property_draw(run, world->run_count);
            const uint64_t offset = property_draw(run, world->runs[index].count);
            page_world_free(world, context, index, offset, 1 + property_draw(run, world->runs[index].count - offset));
        }
        break;
    case 3:
        page_world_misuse(world, anywhere, property_draw(run, 130));
        break;
    case 4:
        page_world_mark_invalid(world, anywhere, property_draw(run, 3));
        break;
    default:
        page_tree_drain(&world->tree, context);
        break;
    }
}

void page_world_expect_agreement(page_world_t *world, bool with_every_page)
{
    property_run_t *const run = world->run;
    const page_model_t *const model = &world->model;
    pages_stats_t stats;
    page_tree_stats(&world->tree, &stats);
    PROPERTY_EXPECT_VALID(run, page_tree_validate(&world->tree));
    PROPERTY_EXPECT_EQUAL(run, stats.pages_free, page_model_count(model, PAGE_STATE_FREE));
    PROPERTY_EXPECT_EQUAL(run, stats.pages_allocated, page_model_count(model, PAGE_STATE_ALLOCATED));
    PROPERTY_EXPECT_EQUAL(run, stats.pages_invalid, page_model_count(model, PAGE_STATE_INVALID));
    PROPERTY_EXPECT_EQUAL(run, stats.pages_reserved, page_model_count(model, PAGE_STATE_RESERVED));
    PROPERTY_EXPECT_EQUAL(run, stats.pages_total,
                          stats.pages_free + stats.pages_allocated + stats.pages_invalid + stats.pages_reserved);
    PROPERTY_EXPECT(run, stats.pages_allocated_peak >= stats.pages_allocated);
    PROPERTY_EXPECT(run, stats.largest_free_run <= stats.pages_free);
    for (uint64_t i = 0; with_every_page && i < model->count; i++) {
        const page_number_t page = page_number(model->first + i);
        PROPERTY_EXPECT_EQUAL(run, page_tree_state(&world->tree, page), page_model_state(model, page.value));
    }
}
