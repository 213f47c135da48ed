/*
 * The page-table walks that ports share (arch/shared/radix_page_table.h), against a table with a row for each page.
 *
 * The tree under test belongs to no machine: its entries are spelled below, and nothing but these walks reads it. So
 * the same property runs on the host, where there are no page tables, and in every kernel beside its real ones.
 */
#include "arch/shared/radix_page_table.h"

#include "arch/machine.h"
#include "arch/page_backend.h"
#include "testing/property/property.h"

#define LEVELS     3u
#define PAGE_COUNT 1536u /* three entries of level 1 */
#define TABLES_MAX 16u
#define WINDOW     MIB(512) /* any multiple of 2 MiB */

/* Where leaves lead: 1 GiB-aligned, so that large leaves are possible, or one page off, so that they are not. */
#define PHYSICAL GIB(7)

#define ENTRY_PRESENT UINT64_C(1)
#define ENTRY_LEAF    UINT64_C(2)
#define ENTRY_ACCESS  2 /* shift */

typedef struct row {
    bool is_mapped;
    uint64_t physical;
    page_access_t access;
} row_t;

typedef struct world {
    property_run_t *run;
    radix_format_t format;
    radix_table_t table;
    void *tables[TABLES_MAX];
    size_t table_count;
    size_t tables_left; /* how many more the source gives */
    row_t rows[PAGE_COUNT];
    row_t rows_before[PAGE_COUNT]; /* of the step's range: as it was, and as a full success leaves it */
    row_t rows_after[PAGE_COUNT];
} world_t;

static uint64_t table_entry(physical_address_t table)
{
    return table.value | ENTRY_PRESENT;
}

static uint64_t leaf_entry(physical_address_t page, unsigned level, page_access_t access)
{
    (void)level;
    return page.value | (uint64_t)access << ENTRY_ACCESS | ENTRY_LEAF | ENTRY_PRESENT;
}

static page_access_t leaf_access(uint64_t entry)
{
    return (page_access_t)(entry >> ENTRY_ACCESS & 15);
}

static void entry_changed(uintptr_t address)
{
    (void)address;
}

/* The source of tables: refuses once `tables_left` is used up. */
static void *take_table(void *context)
{
    world_t *const world = context;

    if (world->tables_left == 0 || world->table_count == TABLES_MAX) {
        return NULL;
    }
    void *const page = pages_alloc(1);
    if (page != NULL) {
        world->tables_left--;
        world->tables[world->table_count++] = page;
    }
    return page;
}

static void give_tables_back(void *argument)
{
    world_t *const world = argument;

    while (world->table_count > 0) {
        pages_free(world->tables[--world->table_count], 1);
    }
}

static world_t *world_open(property_run_t *run, unsigned leaf_level_max)
{
    world_t *const world = property_alloc(run, sizeof(*world));

    world->run = run;
    world->format = (radix_format_t){
        .levels = LEVELS,
        .leaf_level_max = leaf_level_max,
        .table_entry = table_entry,
        .leaf_entry = leaf_entry,
        .address_mask = ~(uint64_t)PAGE_OFFSET_MASK,
        .present_mask = ENTRY_PRESENT,
        .leaf_mask = ENTRY_LEAF,
        .leaf_access = leaf_access,
        .entry_changed = entry_changed,
    };
    property_defer(run, give_tables_back, world);
    world->tables_left = 1;
    uint64_t *const root = take_table(world);
    PROPERTY_EXPECT(run, root != NULL);
    machine_zero_page(root);
    world->table = (radix_table_t){.format = &world->format, .root = root};
    return world;
}

static uintptr_t address_of(size_t page)
{
    return (uintptr_t)(WINDOW + page * PAGE_SIZE);
}

/* What the walks say about one page is what its row says. */
static bool page_is_as_in_its_row(const world_t *world, size_t page)
{
    const row_t *const row = &world->rows[page];
    radix_leaf_t leaf;

    if (!radix_find(&world->table, address_of(page) + 5, &leaf)) {
        return !row->is_mapped;
    }
    return row->is_mapped && leaf.address.value == row->physical + 5 && leaf.access == row->access &&
           leaf.level <= world->format.leaf_level_max;
}

/* Maps in the model as radix_map() does, page by page; stops where it must. */
static status_t model_map(world_t *world, size_t first, size_t count, uint64_t physical, page_access_t access)
{
    for (size_t index = 0; index < count; index++) {
        row_t *const row = &world->rows[first + index];
        const uint64_t wanted = physical + index * PAGE_SIZE;
        if (row->is_mapped && row->physical != wanted) {
            return STATUS_EXISTS;
        }
        if (!row->is_mapped) {
            *row = (row_t){true, wanted, access};
        }
    }
    return STATUS_OK;
}

static status_t model_protect(world_t *world, size_t first, size_t count, page_access_t access)
{
    for (size_t index = 0; index < count; index++) {
        row_t *const row = &world->rows[first + index];
        if (!row->is_mapped) {
            return STATUS_NOT_FOUND;
        }
        row->access = access;
    }
    return STATUS_OK;
}

/*
 * Tables ran out: the range was done from its start up to some page, and is as before from there on. Tells the
 * model how far.
 */
static void accept_a_part(world_t *world, size_t first, size_t count)
{
    size_t done = 0;

    while (done < count) {
        const row_t before = world->rows[first + done];
        world->rows[first + done] = world->rows_after[done];
        if (!page_is_as_in_its_row(world, first + done)) {
            world->rows[first + done] = before;
            return;
        }
        done++;
    }
}

static void step(world_t *world)
{
    property_run_t *const run = world->run;
    const bool maps = property_draw(run, 3) != 2;
    const size_t first = (size_t)property_draw(run, PAGE_COUNT);
    const size_t count = (size_t)property_draw(run, PAGE_COUNT - first + 1);
    const page_access_t access = (page_access_t)property_draw(run, 8);
    const uint64_t physical = PHYSICAL + first * PAGE_SIZE + (property_draw(run, 4) == 3 ? PAGE_SIZE : 0);
    world->tables_left = (size_t)property_draw(run, 4);

    for (size_t index = 0; index < count; index++) {
        world->rows_before[index] = world->rows[first + index];
    }
    const status_t expected =
        maps ? model_map(world, first, count, physical, access) : model_protect(world, first, count, access);
    const status_t status =
        maps ? radix_map(&world->table, address_of(first), physical_address(physical), count * PAGE_SIZE, access,
                         take_table, world)
             : radix_protect(&world->table, address_of(first), count * PAGE_SIZE, access, take_table, world);
    if (status == STATUS_NO_MEMORY) {
        PROPERTY_EXPECT(run, world->tables_left == 0 || world->table_count == TABLES_MAX);
        for (size_t index = 0; index < count; index++) {
            world->rows_after[index] = world->rows[first + index];
            world->rows[first + index] = world->rows_before[index];
        }
        accept_a_part(world, first, count);
    } else {
        PROPERTY_EXPECT_STATUS(run, expected, status);
    }
    for (size_t page = 0; page < PAGE_COUNT; page++) {
        PROPERTY_EXPECT(run, page_is_as_in_its_row(world, page));
    }
}

/*
 * Validates 2.4, 3.10: whatever is mapped, mapped again, and protected, in large leaves and small, with tables or
 * for want of them.
 */
static void walks_agree_with_a_row_a_page(property_run_t *run)
{
    world_t *const world = world_open(run, (unsigned)property_draw(run, LEVELS));
    const uint32_t steps = run->steps < 12 ? run->steps : 12; /* each looks at every page */

    for (uint32_t count = 0; count < steps; count++) {
        step(world);
    }
}

/* Validates 2.4: an aligned stretch becomes large leaves, and needs no table below them. */
static void aligned_stretches_become_large_leaves(property_run_t *run)
{
    world_t *const world = world_open(run, 1);
    const size_t page = (size_t)property_draw(run, PAGE_COUNT);
    radix_leaf_t leaf;

    world->tables_left = 1; /* level 1 */
    PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                           radix_map(&world->table, WINDOW, physical_address(PHYSICAL), PAGE_COUNT * PAGE_SIZE,
                                     PAGE_ACCESS_WRITE, take_table, world));
    PROPERTY_EXPECT(run, radix_find(&world->table, address_of(page), &leaf));
    PROPERTY_EXPECT_EQUAL(run, leaf.level, 1);
    PROPERTY_EXPECT_EQUAL(run, leaf.address.value, PHYSICAL + page * PAGE_SIZE);
}

/* Validates 2.4: a page of a leaf of 1 GiB gets rights of its own, and every other page keeps its own and its place. */
static void the_largest_leaf_splits_around_a_page(property_run_t *run)
{
    const size_t pages = (size_t)(GIB(1) / PAGE_SIZE);
    world_t *const world = world_open(run, 2);
    const size_t chosen = (size_t)property_draw(run, pages);
    radix_leaf_t leaf;

    world->tables_left = LEVELS - 1;
    PROPERTY_EXPECT_STATUS(
        run, STATUS_OK,
        radix_map(&world->table, GIB(1), physical_address(PHYSICAL), GIB(1), PAGE_ACCESS_WRITE, take_table, world));
    PROPERTY_EXPECT_EQUAL(run, world->table_count, 1);
    PROPERTY_EXPECT_STATUS(
        run, STATUS_OK,
        radix_protect(&world->table, GIB(1) + chosen * PAGE_SIZE, PAGE_SIZE, PAGE_ACCESS_READ, take_table, world));
    for (unsigned look = 0; look < 20; look++) {
        const size_t page = look == 0 ? chosen : (size_t)property_draw(run, pages);
        PROPERTY_EXPECT(run, radix_find(&world->table, GIB(1) + page * PAGE_SIZE, &leaf));
        PROPERTY_EXPECT_EQUAL(run, leaf.address.value, PHYSICAL + page * PAGE_SIZE);
        PROPERTY_EXPECT_EQUAL(run, leaf.access, page == chosen ? PAGE_ACCESS_READ : PAGE_ACCESS_WRITE);
    }
}

/* Validates 2.4: numbers that are no multiples of a page, and ranges that wrap, are refused and change nothing. */
static void odd_ranges_are_refused(property_run_t *run)
{
    world_t *const world = world_open(run, 1);
    const uint64_t off = property_range(run, 1, PAGE_SIZE - 1);
    const unsigned which = (unsigned)property_draw(run, 4);
    const uintptr_t address = which == 3 ? 0 - PAGE_SIZE : WINDOW + (which == 0 ? off : 0);
    const uint64_t physical = PHYSICAL + (which == 1 ? off : 0);
    const uint64_t size = 2 * PAGE_SIZE + (which == 2 ? off : 0);

    world->tables_left = TABLES_MAX;
    PROPERTY_EXPECT_STATUS(
        run, STATUS_INVALID,
        radix_map(&world->table, address, physical_address(physical), size, PAGE_ACCESS_WRITE, take_table, world));
    if (which != 1) {
        PROPERTY_EXPECT_STATUS(run, STATUS_INVALID,
                               radix_protect(&world->table, address, size, PAGE_ACCESS_WRITE, take_table, world));
    }
    PROPERTY_EXPECT_EQUAL(run, world->table_count, 1);
}

/* Validates 3.10: with tables prepared, mapping a page needs none; without enough tables, a later call gets further. */
static void prepared_tables_are_enough(property_run_t *run)
{
    world_t *const world = world_open(run, 2);
    const size_t page = (size_t)property_draw(run, PAGE_COUNT);
    unsigned calls = 0;
    status_t status;

    do {
        world->tables_left = 1;
        status = radix_prepare(&world->table, address_of(page), 0, take_table, world);
        calls++;
    } while (status == STATUS_NO_MEMORY && calls < LEVELS);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, status);
    PROPERTY_EXPECT_EQUAL(run, world->table_count, LEVELS);
    world->tables_left = 0;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                           radix_map(&world->table, address_of(page), physical_address(PHYSICAL), PAGE_SIZE,
                                     PAGE_ACCESS_WRITE, take_table, world));
}

PROPERTY_SUITE(radix_page_table, PROPERTY_EFFORT(walks_agree_with_a_row_a_page, 50, "2.4 3.10"),
               PROPERTY(aligned_stretches_become_large_leaves, "2.4"),
               PROPERTY(the_largest_leaf_splits_around_a_page, "2.4"), PROPERTY(odd_ranges_are_refused, "2.4"),
               PROPERTY(prepared_tables_are_enough, "3.10"));
