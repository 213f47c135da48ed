/*
 * The kernel's window (arch/kernel_window.h): what is mapped there is the very memory, on every CPU, and what was mapped
 * there before is forgotten.
 *
 * The last pages of the window are used, which nothing else has got to; their tables are given back.
 */
#include "arch/kernel_window.h"

#include "arch/cpu_jobs.h"
#include "arch/machine.h"
#include "arch/page_backend.h"
#include "arch/user_page_table.h"
#include "testing/property/property.h"

#define PAGE_COUNT  12u
#define FRAME_COUNT 6u
#define TABLES_MAX  8u

typedef struct world {
    property_run_t *run;
    uintptr_t start;
    unsigned char *frames[FRAME_COUNT];
    unsigned mapped[PAGE_COUNT]; /* the frame's index plus 1; 0 when nothing is mapped */
    size_t tables_left;          /* how many more the source gives */
    size_t tables_back;
} world_t;

static void *take_table(void *context)
{
    world_t *const world = context;

    if (world->tables_left == 0) {
        return NULL;
    }
    world->tables_left--;
    return pages_alloc(1);
}

static void release_table(void *page, void *context)
{
    world_t *const world = context;

    world->tables_back++;
    pages_free(page, 1);
}

static void world_close(void *argument)
{
    world_t *const world = argument;

    kernel_window_unmap(world->start, PAGE_COUNT * PAGE_SIZE);
    const kernel_window_t window = kernel_window();
    const uint64_t part = window.size / 2 < GIB(1) ? window.size / 2 : GIB(1);
    kernel_window_trim(window.start + window.size - part, part, release_table, world);
    PROPERTY_EXPECT_EQUAL(world->run, world->tables_left + world->tables_back, TABLES_MAX);
    for (unsigned frame = 0; frame < FRAME_COUNT && world->frames[frame] != NULL; frame++) {
        pages_free(world->frames[frame], 1);
    }
}

static world_t *world_open(property_run_t *run)
{
    const kernel_window_t window = kernel_window();
    world_t *const world = property_alloc(run, sizeof(*world));
    physical_address_t physical;

    world->run = run;
    world->start = window.start + window.size - PAGE_COUNT * PAGE_SIZE;
    for (size_t page = 0; page < PAGE_COUNT; page++) {
        PROPERTY_EXPECT(run, !kernel_window_find(world->start + page * PAGE_SIZE, &physical));
    }
    property_defer(run, world_close, world);
    for (unsigned frame = 0; frame < FRAME_COUNT; frame++) {
        world->frames[frame] = pages_alloc(1);
        PROPERTY_EXPECT(run, world->frames[frame] != NULL);
        machine_zero_page(world->frames[frame]);
    }
    world->tables_left = TABLES_MAX;
    return world;
}

static uintptr_t address_of(const world_t *world, size_t page)
{
    return world->start + page * PAGE_SIZE;
}

static void map(world_t *world, size_t page, unsigned frame, page_access_t access)
{
    PROPERTY_EXPECT_STATUS(world->run, STATUS_OK,
                           kernel_window_map(address_of(world, page), pointer_to_physical(world->frames[frame]), access,
                                             take_table, world));
    world->mapped[page] = frame + 1;
}

static void unmap(world_t *world, size_t first, size_t count)
{
    kernel_window_unmap(address_of(world, first), count * PAGE_SIZE);
    for (size_t page = first; page < first + count; page++) {
        world->mapped[page] = 0;
    }
}

/* What every CPU does: reads all that is mapped, by both of its names. */
static void read_all(void *argument)
{
    const world_t *const world = argument;

    for (size_t page = 0; page < PAGE_COUNT; page++) {
        if (world->mapped[page] != 0) {
            const unsigned char *const here = (const unsigned char *)address_of(world, page);
            const unsigned char *const there = world->frames[world->mapped[page] - 1];
            for (size_t offset = 0; offset < PAGE_SIZE; offset += PAGE_SIZE / 8 - 1) {
                PROPERTY_EXPECT_EQUAL(world->run, __atomic_load_n(&here[offset], __ATOMIC_RELAXED),
                                      __atomic_load_n(&there[offset], __ATOMIC_RELAXED));
            }
        }
    }
}

static void reader(void *argument, uint32_t index)
{
    world_t *const world = argument;

    (void)index;
    property_worker_run(world->run, read_all, world);
}

static void step(world_t *world)
{
    property_run_t *const run = world->run;
    const uint64_t what = property_draw(run, 3);
    const size_t first = (size_t)property_draw(run, PAGE_COUNT);
    const size_t count = (size_t)property_range(run, 1, PAGE_COUNT - first);
    const unsigned frame = (unsigned)property_draw(run, FRAME_COUNT);
    const uint64_t value = property_draw(run, 256);

    if (what == 0) {
        unmap(world, first, count);
    } else if (world->mapped[first] == 0) {
        map(world, first, frame, PAGE_ACCESS_WRITE);
    }
    if (world->mapped[first] != 0) {
        const size_t offset = (size_t)property_draw(run, PAGE_SIZE);
        *(volatile unsigned char *)(address_of(world, first) + offset) = (unsigned char)value;
        PROPERTY_EXPECT_EQUAL(run, world->frames[world->mapped[first] - 1][offset], value);
    }
}

/*
 * Validates 1.9, 2.4: whatever is mapped and unmapped in the window, every CPU reads there what is in the page that is
 * mapped now, and lookups say which that is.
 */
static void the_window_shows_what_is_mapped_now(property_run_t *run)
{
    world_t *const world = world_open(run);
    const uint32_t steps = run->steps < 30 ? run->steps : 30;

    for (unsigned frame = 0; frame < FRAME_COUNT; frame++) {
        for (size_t offset = 0; offset < PAGE_SIZE; offset++) {
            world->frames[frame][offset] = (unsigned char)(frame * 37 + offset / 7);
        }
    }
    for (uint32_t count = 0; count < steps && !property_worker_has_failed(run); count++) {
        physical_address_t physical = {0};
        step(world);
        for (size_t page = 0; page < PAGE_COUNT; page++) {
            const bool is_found = kernel_window_find(address_of(world, page) + 5, &physical);
            PROPERTY_EXPECT_EQUAL(run, is_found, world->mapped[page] != 0);
            PROPERTY_EXPECT(run,
                            !is_found || physical.value ==
                                             pointer_to_physical(world->frames[world->mapped[page] - 1]).value + 5);
        }
        if (count % 3 == 0) {
            cpu_jobs_run_on_all(cpu_count(), reader, world);
        }
    }
}

static void *no_table(void *context)
{
    (void)context;
    return NULL;
}

/* Validates 3.10: tables stay until they are given back, so what was mapped once can be mapped again when there is no memory left. */
static void a_second_mapping_needs_no_memory(property_run_t *run)
{
    world_t *const world = world_open(run);
    const size_t page = (size_t)property_draw(run, PAGE_COUNT);

    map(world, page, 0, PAGE_ACCESS_READ);
    unmap(world, page, 1);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                           kernel_window_map(address_of(world, page), pointer_to_physical(world->frames[1]),
                                             PAGE_ACCESS_READ, no_table, NULL));
}

/* Validates 3.1: all address spaces share the window, with what is mapped after they were made. */
static void address_spaces_share_the_window(property_run_t *run)
{
    world_t *const world = world_open(run);
    const size_t page = (size_t)property_draw(run, PAGE_COUNT);
    user_page_table_t table;

    PROPERTY_EXPECT_STATUS(run, STATUS_OK, user_page_table_create(&table, take_table, world));
    user_page_table_activate(&table);
    map(world, page, 2, PAGE_ACCESS_WRITE);
    *(volatile unsigned char *)address_of(world, page) = 0x5a;
    user_page_table_activate(NULL);
    const unsigned char seen = *(volatile unsigned char *)address_of(world, page);
    user_page_table_destroy(&table, release_table, world);
    PROPERTY_EXPECT_EQUAL(run, seen, 0x5a);
    PROPERTY_EXPECT_EQUAL(run, world->frames[2][0], 0x5a);
}

typedef struct mistake {
    world_t *world;
    uintptr_t address;
} mistake_t;

static void map_by_mistake(void *argument)
{
    const mistake_t *const mistake = argument;

    (void)!kernel_window_map(mistake->address, pointer_to_physical(mistake->world->frames[0]), PAGE_ACCESS_READ,
                             take_table, mistake->world);
}

static void unmap_by_mistake(void *argument)
{
    const mistake_t *const mistake = argument;

    kernel_window_unmap(mistake->address, PAGE_SIZE);
}

/* Validates 5.8, 5.9: outside of the window nothing is mapped or unmapped, and nothing twice. */
static void only_the_window_is_changed(property_run_t *run)
{
    world_t *const world = world_open(run);
    const kernel_window_t window = kernel_window();
    const uintptr_t places[] = {
        window.start + window.size, window.start - PAGE_SIZE, (uintptr_t)world->frames[0], world->start + 1, GIB(1), 0,
    };
    mistake_t mistake = {world, places[property_draw(run, ARRAY_COUNT(places))]};

    PROPERTY_EXPECT_CHECK(run, "range outside of the kernel's window", map_by_mistake, &mistake);
    PROPERTY_EXPECT_CHECK(run, "range outside of the kernel's window", unmap_by_mistake, &mistake);
    map(world, 0, 0, PAGE_ACCESS_READ);
    mistake.address = address_of(world, 0);
    PROPERTY_EXPECT_CHECK(run, "kernel page mapped twice", map_by_mistake, &mistake);
}

PROPERTY_SUITE(kernel_window, PROPERTY_EFFORT(the_window_shows_what_is_mapped_now, 50, "1.9 2.4"),
               PROPERTY(a_second_mapping_needs_no_memory, "3.10"), PROPERTY(address_spaces_share_the_window, "3.1"),
               PROPERTY(only_the_window_is_changed, "5.8 5.9"));
