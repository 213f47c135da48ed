/*
 * The memory map: whatever a bootloader says, in whatever order, comes out sorted and disjoint, and nothing restricted
 * comes out usable.
 */
#include "mm/memory_map.h"
#include "testing/property/property.h"

/* The model: cells of a quarter page over a small window, each with the strictest type that covers it. */
#define WINDOW_PAGES   24u
#define CELLS_PER_PAGE 4u
#define WINDOW_CELLS   (WINDOW_PAGES * CELLS_PER_PAGE)
#define CELL_BYTES     (PAGE_SIZE / CELLS_PER_PAGE)

typedef struct map_world {
    memory_map_t map;
    memory_map_t other;
    memory_region_t inputs[24];
    size_t input_count;
    memory_region_type_t cells[WINDOW_CELLS];
    uint64_t window;
} map_world_t;

static memory_region_type_t draw_type(property_run_t *run)
{
    return (memory_region_type_t)property_range(run, MEMORY_REGION_AVAILABLE, MEMORY_REGION_TYPE_COUNT - 1);
}

static map_world_t *draw_world(property_run_t *run)
{
    static const uint64_t windows[] = {0, GIB(4) - WINDOW_PAGES / 2 * PAGE_SIZE, GIB(64) - PAGE_SIZE,
                                       TIB(16) - PAGE_SIZE};
    map_world_t *const world = property_alloc(run, sizeof(*world));
    world->window = windows[property_draw(run, ARRAY_COUNT(windows))];
    memory_map_init(&world->map);
    memory_map_init(&world->other);
    world->input_count = (size_t)property_draw(run, ARRAY_COUNT(world->inputs));
    for (size_t i = 0; i < world->input_count; i++) {
        const uint64_t first = property_draw(run, WINDOW_CELLS);
        const uint64_t count = 1 + property_draw(run, WINDOW_CELLS - first);
        const memory_region_type_t type = draw_type(run);
        world->inputs[i] =
            (memory_region_t){physical_address(world->window + first * CELL_BYTES), count * CELL_BYTES, type};
        for (uint64_t cell = first; cell < first + count; cell++) {
            world->cells[cell] = type > world->cells[cell] ? type : world->cells[cell];
        }
        property_note(run, "%s: cells %llu + %llu", memory_region_type_name(type), (unsigned long long)first,
                      (unsigned long long)count);
    }
    return world;
}

/* What the model makes of a page: the strictest restriction that touches it; available only when all of it is. */
static memory_region_type_t page_type(const map_world_t *world, uint64_t page)
{
    memory_region_type_t strictest = MEMORY_REGION_HOLE;
    bool is_available = true;
    for (uint64_t cell = page * CELLS_PER_PAGE; cell < (page + 1) * CELLS_PER_PAGE; cell++) {
        const memory_region_type_t type = world->cells[cell];
        is_available &= type == MEMORY_REGION_AVAILABLE;
        if (type > MEMORY_REGION_AVAILABLE && type > strictest) {
            strictest = type;
        }
    }
    return is_available ? MEMORY_REGION_AVAILABLE : strictest;
}

static void expect_model(property_run_t *run, const map_world_t *world, const memory_map_t *map, uint64_t limit)
{
    uint64_t usable = 0;
    uint64_t usable_end = 0;
    PROPERTY_EXPECT_VALID(run, memory_map_validate(map));
    for (uint64_t page = 0; page < WINDOW_PAGES; page++) {
        const physical_address_t address = physical_address(world->window + page * PAGE_SIZE);
        const memory_region_t *const region = memory_map_find(map, address);
        const memory_region_type_t expected =
            address.value + PAGE_SIZE > limit ? MEMORY_REGION_HOLE : page_type(world, page);
        PROPERTY_EXPECT_EQUAL(run, region == NULL ? MEMORY_REGION_HOLE : region->type, expected);
        PROPERTY_EXPECT_EQUAL(run, region, memory_map_find(map, physical_address(address.value + PAGE_SIZE - 1)));
        if (expected == MEMORY_REGION_AVAILABLE) {
            PROPERTY_EXPECT(run, memory_region_is_usable(region));
            PROPERTY_EXPECT_EQUAL(run, memory_map_find_usable(map, address), region);
            usable += PAGE_SIZE;
            usable_end = address.value + PAGE_SIZE;
        }
    }
    PROPERTY_EXPECT_EQUAL(run, memory_map_usable_bytes(map), usable);
    PROPERTY_EXPECT_EQUAL(run, memory_map_usable_end(map).value, usable_end);
    PROPERTY_EXPECT(run, memory_map_find(map, physical_address(world->window + WINDOW_PAGES * PAGE_SIZE)) == NULL);
}

/* Validates 2.6, 2.9, 2.13: overlaps go to the stricter type, on whole pages, whatever the alignment and the limit. */
static void every_page_has_the_strictest_type_that_touches_it(property_run_t *run)
{
    map_world_t *const world = draw_world(run);
    const uint64_t limit = world->window + property_draw(run, WINDOW_CELLS + 9) * CELL_BYTES;
    for (size_t i = 0; i < world->input_count; i++) {
        const memory_region_t *const input = &world->inputs[i];
        PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                               memory_map_add(&world->map, input->base, input->size_bytes, input->type));
    }
    const status_t status = memory_map_finish(&world->map, physical_address(limit));
    expect_model(run, world, &world->map, align_down(limit, PAGE_SIZE));
    PROPERTY_EXPECT_STATUS(run, memory_map_usable_bytes(&world->map) == 0 ? STATUS_NOT_FOUND : STATUS_OK, status);
    PROPERTY_EXPECT_STATUS(run, STATUS_BUSY, memory_map_finish(&world->map, physical_address(limit)));
    PROPERTY_EXPECT_STATUS(run, STATUS_BUSY,
                           memory_map_add(&world->map, physical_address(0), PAGE_SIZE, MEMORY_REGION_AVAILABLE));
}

/* Validates 2.6, 2.13: firmware may list regions in any order, and twice. */
static void the_order_of_inputs_makes_no_difference(property_run_t *run)
{
    map_world_t *const world = draw_world(run);
    for (size_t i = 0; i < world->input_count; i++) {
        const memory_region_t *const input = &world->inputs[i];
        const memory_region_t *const reverse = &world->inputs[world->input_count - 1 - i];
        PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                               memory_map_add(&world->map, input->base, input->size_bytes, input->type));
        for (unsigned twice = 0; twice < 2; twice++) {
            PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                                   memory_map_add(&world->other, reverse->base, reverse->size_bytes, reverse->type));
        }
    }
    const status_t status = memory_map_finish(&world->map, physical_address(TIB(32)));
    PROPERTY_EXPECT_STATUS(run, status, memory_map_finish(&world->other, physical_address(TIB(32))));
    expect_model(run, world, &world->map, TIB(32));
    PROPERTY_EXPECT_EQUAL(run, world->map.region_count, world->other.region_count);
    for (size_t i = 0; i < world->map.region_count; i++) {
        PROPERTY_EXPECT_EQUAL(run, world->map.regions[i].base.value, world->other.regions[i].base.value);
        PROPERTY_EXPECT_EQUAL(run, world->map.regions[i].size_bytes, world->other.regions[i].size_bytes);
        PROPERTY_EXPECT_EQUAL(run, world->map.regions[i].type, world->other.regions[i].type);
    }
}

/* Numbers as only broken or hostile firmware says them. */
static uint64_t draw_hostile(property_run_t *run)
{
    static const uint64_t edges[] = {
        0,       1,         PAGE_SIZE - 1,  PAGE_SIZE,  PAGE_SIZE + 1,          GIB(4),
        TIB(16), INT64_MAX, UINT64_MAX - 1, UINT64_MAX, UINT64_MAX - PAGE_SIZE, UINT64_MAX - PAGE_SIZE + 1};
    return property_bool(run) ? edges[property_draw(run, ARRAY_COUNT(edges))] : property_bits64(run);
}

/*
 * Validates 2.6, 2.9, 2.13: no numbers at all make a map that breaks its rules; what makes no sense is refused and
 * counted.
 */
static void any_numbers_make_a_sound_map(property_run_t *run)
{
    memory_map_t *const map = property_alloc(run, sizeof(*map));
    memory_map_init(map);
    size_t refused = 0;
    for (uint32_t step = 0; step < run->steps; step++) {
        const uint64_t base = draw_hostile(run);
        const uint64_t size = draw_hostile(run);
        const unsigned type = (unsigned)property_draw(run, MEMORY_REGION_TYPE_COUNT + 2);
        const bool is_known = size != 0 && type < MEMORY_REGION_TYPE_COUNT;
        const bool is_wrapping = is_known && size - 1 > UINT64_MAX - base;
        PROPERTY_EXPECT_STATUS(run,
                               !is_known     ? STATUS_INVALID
                               : is_wrapping ? STATUS_OUT_OF_RANGE
                                             : STATUS_OK,
                               memory_map_add(map, physical_address(base), size, (memory_region_type_t)type));
        refused += !is_known || is_wrapping;
    }
    PROPERTY_EXPECT_EQUAL(run, map->input_dropped, refused);
    const uint64_t limit = draw_hostile(run);
    const status_t status = memory_map_finish(map, physical_address(limit));
    PROPERTY_EXPECT_VALID(run, memory_map_validate(map));
    PROPERTY_EXPECT(run, memory_map_usable_end(map).value <= limit);
    PROPERTY_EXPECT_STATUS(run, memory_map_usable_bytes(map) == 0 ? STATUS_NOT_FOUND : STATUS_OK, status);
}

/* The window of the crowded map, in pages, and how many of them a sliver has at most. */
#define CROWD_PAGES  8192u
#define SLIVER_PAGES 4u

/* Validates 2.6, 2.9, 2.13: thousands of slivers, more than there is room for, lose memory, but never a restriction. */
static void a_crowded_map_never_frees_what_was_restricted(property_run_t *run)
{
    memory_map_t *const map = property_alloc(run, sizeof(*map));
    bool *const is_restricted = property_alloc(run, CROWD_PAGES);
    memory_map_init(map);
    const uint64_t slivers = property_draw(run, 4 * MEMORY_MAP_INPUT_MAX);
    const bool has_large_region = property_bool(run);
    const uint64_t large_at = property_draw(run, slivers + 1);
    uint64_t seed = property_bits64(run);
    for (uint64_t i = 0; i <= slivers; i++) {
        if (i == large_at && has_large_region) {
            PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                                   memory_map_add(map, physical_address(GIB(1)), GIB(1), MEMORY_REGION_AVAILABLE));
        }
        const uint64_t first = property_worker_draw(&seed, CROWD_PAGES - SLIVER_PAGES);
        const uint64_t count = 1 + property_worker_draw(&seed, SLIVER_PAGES);
        const memory_region_type_t type =
            (memory_region_type_t)(MEMORY_REGION_AVAILABLE + property_worker_draw(&seed, 3));
        const status_t status = memory_map_add(map, physical_of_page(page_number(first)), count * PAGE_SIZE, type);
        PROPERTY_EXPECT(run, status == STATUS_OK || (status == STATUS_NO_MEMORY && type == MEMORY_REGION_AVAILABLE));
        for (uint64_t page = first; type != MEMORY_REGION_AVAILABLE && page < first + count; page++) {
            is_restricted[page] = true;
        }
    }
    const status_t status = memory_map_finish(map, physical_address(TIB(1)));
    PROPERTY_EXPECT(run, status == STATUS_OK || !has_large_region);
    PROPERTY_EXPECT_VALID(run, memory_map_validate(map));
    for (uint64_t page = 0; page < CROWD_PAGES; page++) {
        const memory_region_t *const region = memory_map_find(map, physical_of_page(page_number(page)));
        PROPERTY_EXPECT(run, !is_restricted[page] || (region != NULL && !memory_region_is_usable(region)));
    }
    /* What gives way is small: the large region is still there, as a whole. */
    const memory_region_t *const large = memory_map_find(map, physical_address(GIB(1)));
    PROPERTY_EXPECT(run, !has_large_region || (large != NULL && large->size_bytes == GIB(1)));
}

/* Validates 2.6, 2.9: all maps of three small regions, each against the model. */
static void every_small_map_agrees_with_the_model(property_run_t *run)
{
    map_world_t *const world = property_alloc(run, sizeof(*world));
    memory_map_init(&world->map);
    for (unsigned i = 0; i < 3; i++) {
        const uint64_t first = property_draw(run, 4);
        const uint64_t count = 1 + property_draw(run, 4 - first);
        const memory_region_type_t type = (memory_region_type_t)(MEMORY_REGION_AVAILABLE + property_draw(run, 3));
        PROPERTY_EXPECT_STATUS(
            run, STATUS_OK,
            memory_map_add(&world->map, physical_address(first * CELL_BYTES * 2), count * CELL_BYTES * 2, type));
        for (uint64_t cell = first * 2; cell < (first + count) * 2; cell++) {
            world->cells[cell] = type > world->cells[cell] ? type : world->cells[cell];
        }
    }
    (void)memory_map_finish(&world->map, physical_address(GIB(1)));
    expect_model(run, world, &world->map, GIB(1));
}

PROPERTY_SUITE(memory_map, PROPERTY(every_page_has_the_strictest_type_that_touches_it, "2.6 2.9 2.13"),
               PROPERTY(the_order_of_inputs_makes_no_difference, "2.6 2.13"),
               PROPERTY(any_numbers_make_a_sound_map, "2.6 2.9 2.13"),
               PROPERTY_EFFORT(a_crowded_map_never_frees_what_was_restricted, 10, "2.6 2.9 2.13"),
               PROPERTY_EXHAUSTIVE(every_small_map_agrees_with_the_model, 1, "2.6 2.9"));
