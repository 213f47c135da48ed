/*
 * User page tables (arch/user_page_table.h), against a table with a row for each page.
 *
 * No CPU uses the tables here and the frames that they name are never touched: what is checked is what they say.
 * user_access_properties.c checks what machines make of it.
 */
#include "arch/user_page_table.h"

#include "arch/machine.h"
#include "arch/page_backend.h"
#include "testing/property/property.h"

#define PAGE_COUNT       1536u /* three large pages */
#define TABLES_MAX       32u
#define LARGE_PAGE_COUNT (USER_LARGE_PAGE_SIZE / PAGE_SIZE)

/* Where mappings lead: a multiple of a large page, or one page beside it, so that large pages are not possible. */
#define PHYSICAL GIB(7)

typedef struct row {
    bool is_mapped;
    uint64_t physical;
    page_access_t access;
} row_t;

typedef struct world {
    property_run_t *run;
    user_page_table_t table;
    bool is_open;
    uintptr_t start; /* the window's first address */
    void *tables[TABLES_MAX];
    size_t table_count;
    size_t tables_left; /* how many more the source gives */
    row_t rows[PAGE_COUNT];
} world_t;

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

static void release_table(void *page, void *context)
{
    world_t *const world = context;

    for (size_t index = 0; index < world->table_count; index++) {
        if (world->tables[index] == page) {
            world->tables[index] = world->tables[--world->table_count];
            pages_free(page, 1);
            return;
        }
    }
    PROPERTY_EXPECT(world->run, !"a table was released that was never taken, or twice");
}

static void world_close(void *argument)
{
    world_t *const world = argument;

    if (world->is_open) {
        user_page_table_destroy(&world->table, release_table, world);
    }
    const size_t kept = world->table_count;
    while (world->table_count > 0) {
        pages_free(world->tables[--world->table_count], 1);
    }
    PROPERTY_EXPECT_EQUAL(world->run, kept, 0);
}

/* A table, and a window somewhere in user space, its ends included. */
static world_t *world_open(property_run_t *run)
{
    static const uintptr_t starts[] = {GIB(1), USER_SPACE_START, GIB(1) - USER_LARGE_PAGE_SIZE,
                                       USER_SPACE_END - PAGE_COUNT * PAGE_SIZE, GIB(200) + 7 * PAGE_SIZE};
    world_t *const world = property_alloc(run, sizeof(*world));

    world->run = run;
    world->start = starts[property_draw(run, ARRAY_COUNT(starts))];
    property_defer(run, world_close, world);
    world->tables_left = 1;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, user_page_table_create(&world->table, take_table, world));
    world->is_open = true;
    return world;
}

static uintptr_t address_of(const world_t *world, size_t page)
{
    return world->start + page * PAGE_SIZE;
}

/* That `leaf` starts at the page's row or before, is well-formed, and says what all rows that it covers say. */
static void expect_leaf(const world_t *world, const user_leaf_t *leaf, size_t page)
{
    property_run_t *const run = world->run;

    PROPERTY_EXPECT(run, leaf->size == PAGE_SIZE || leaf->size == USER_LARGE_PAGE_SIZE);
    PROPERTY_EXPECT_EQUAL(run, leaf->address % leaf->size, 0);
    PROPERTY_EXPECT_EQUAL(run, leaf->physical.value % leaf->size, 0);
    PROPERTY_EXPECT(run, leaf->address >= world->start && leaf->address <= address_of(world, page));
    const size_t first = (leaf->address - world->start) / PAGE_SIZE;
    PROPERTY_EXPECT(run, first + leaf->size / PAGE_SIZE <= PAGE_COUNT);
    for (size_t index = 0; index < leaf->size / PAGE_SIZE; index++) {
        const row_t *const row = &world->rows[first + index];
        PROPERTY_EXPECT(run, row->is_mapped);
        PROPERTY_EXPECT_EQUAL(run, leaf->physical.value + index * PAGE_SIZE, row->physical);
        PROPERTY_EXPECT_EQUAL(run, leaf->access, row->access);
    }
}

/* That the whole of user space says what the rows say, from leaf to leaf. */
static void expect_rows(const world_t *world)
{
    uintptr_t address = USER_SPACE_START;
    size_t page = 0;
    user_leaf_t leaf;

    while (user_page_table_next(&world->table, address, USER_SPACE_END, &leaf)) {
        while (page < PAGE_COUNT && !world->rows[page].is_mapped) {
            page++;
        }
        PROPERTY_EXPECT(world->run, page < PAGE_COUNT);
        PROPERTY_EXPECT_EQUAL(world->run, leaf.address, address_of(world, page));
        expect_leaf(world, &leaf, page);
        page += leaf.size / PAGE_SIZE;
        address = leaf.address + leaf.size;
    }
    for (; page < PAGE_COUNT; page++) {
        PROPERTY_EXPECT(world->run, !world->rows[page].is_mapped);
    }
}

/* Any rights, or hidden. */
static page_access_t draw_access(property_run_t *run)
{
    const page_access_t rights = (page_access_t)property_draw(run, 5);

    return rights == 4 ? PAGE_ACCESS_HIDDEN : rights;
}

static void expect_lack_of_tables(const world_t *world)
{
    PROPERTY_EXPECT(world->run, world->tables_left == 0 || world->table_count == TABLES_MAX);
}

static void step_map(world_t *world, size_t first, size_t count)
{
    const page_access_t access = draw_access(world->run);
    const bool is_beside = property_draw(world->run, 4) == 3;
    const uint64_t physical =
        PHYSICAL + first * PAGE_SIZE + world->start % USER_LARGE_PAGE_SIZE + (is_beside ? PAGE_SIZE : 0);
    size_t free_count = 0;

    while (free_count < count && !world->rows[first + free_count].is_mapped) {
        free_count++;
    }
    const status_t status = user_page_table_map(&world->table, address_of(world, first), physical_address(physical),
                                                free_count * PAGE_SIZE, access, take_table, world);
    if (status != STATUS_OK) {
        PROPERTY_EXPECT_STATUS(world->run, STATUS_NO_MEMORY, status);
        expect_lack_of_tables(world);
        return;
    }
    for (size_t index = 0; index < free_count; index++) {
        world->rows[first + index] = (row_t){true, physical + index * PAGE_SIZE, access};
    }
}

/* Splits at both ends of the pages; false when that can't be. */
static bool split_at_ends(world_t *world, size_t first, size_t count)
{
    const uintptr_t ends[2] = {address_of(world, first), address_of(world, first + count)};

    for (size_t end = 0; end < 2; end++) {
        const status_t status = user_page_table_split(&world->table, ends[end], take_table, world);
        if (status != STATUS_OK) {
            PROPERTY_EXPECT_STATUS(world->run, STATUS_NO_MEMORY, status);
            expect_lack_of_tables(world);
            return false;
        }
    }
    return true;
}

static void step_protect(world_t *world, size_t first, size_t count)
{
    const page_access_t access = draw_access(world->run);

    if (!split_at_ends(world, first, count)) {
        return;
    }
    user_page_table_protect(&world->table, address_of(world, first), count * PAGE_SIZE, access);
    for (size_t index = 0; index < count; index++) {
        world->rows[first + index].access = access;
    }
}

static void step_unmap(world_t *world, size_t first, size_t count)
{
    const size_t capacity = (size_t)property_range(world->run, 1, 8);
    user_leaf_t leaves[8];

    if (!split_at_ends(world, first, count)) {
        return;
    }
    uintptr_t address = address_of(world, first);
    const uintptr_t end = address_of(world, first + count);
    size_t page = first;
    while (address < end) {
        const uintptr_t before = address;
        const size_t stored = user_page_table_unmap(&world->table, &address, end, leaves, capacity);
        PROPERTY_EXPECT(world->run, stored <= capacity);
        PROPERTY_EXPECT(world->run, address > before && address <= end);
        PROPERTY_EXPECT(world->run, stored == capacity || address == end);
        for (size_t index = 0; index < stored; index++) {
            while (page < PAGE_COUNT && !world->rows[page].is_mapped) {
                page++;
            }
            PROPERTY_EXPECT(world->run, page < first + count);
            PROPERTY_EXPECT_EQUAL(world->run, leaves[index].address, address_of(world, page));
            expect_leaf(world, &leaves[index], page);
            for (uint64_t done = 0; done < leaves[index].size; done += PAGE_SIZE) {
                world->rows[page++].is_mapped = false;
            }
        }
    }
    for (page = first; page < first + count; page++) {
        PROPERTY_EXPECT(world->run, !world->rows[page].is_mapped);
    }
    user_page_table_flush(&world->table, address_of(world, first), count * PAGE_SIZE);
}

/* Looks from somewhere in the pages, and not always from a page's first byte. */
static void step_next(world_t *world, size_t first, size_t count)
{
    const uintptr_t address = address_of(world, first) + property_draw(world->run, 2) * 5;
    size_t page = first;
    user_leaf_t leaf;

    while (page < first + count && !world->rows[page].is_mapped) {
        page++;
    }
    const bool is_found = user_page_table_next(&world->table, address, address_of(world, first + count), &leaf);
    PROPERTY_EXPECT_EQUAL(world->run, is_found, address < address_of(world, first + count) && page < first + count);
    if (is_found) {
        PROPERTY_EXPECT(world->run, leaf.address + leaf.size > address_of(world, page));
        expect_leaf(world, &leaf, page);
    }
}

/* Gives back tables between two mappings. */
static void step_trim(world_t *world, size_t first)
{
    size_t below = first;
    size_t above = first;

    if (world->rows[first].is_mapped) {
        return;
    }
    while (below > 0 && !world->rows[below - 1].is_mapped) {
        below--;
    }
    while (above < PAGE_COUNT && !world->rows[above].is_mapped) {
        above++;
    }
    const uintptr_t from = below == 0 ? USER_SPACE_START : address_of(world, below);
    const uintptr_t to = above == PAGE_COUNT ? USER_SPACE_END : address_of(world, above);
    user_page_table_trim(&world->table, from, to, release_table, world);
    if (below == 0 && above == PAGE_COUNT) {
        PROPERTY_EXPECT_EQUAL(world->run, world->table_count, 1);
    }
}

static void step(world_t *world)
{
    static const uint32_t weights[] = {6, 3, 3, 2, 1, 1};
    const size_t what = property_choice(world->run, weights, ARRAY_COUNT(weights));
    const size_t first = (size_t)property_draw(world->run, PAGE_COUNT);
    const size_t most = PAGE_COUNT - first;
    const size_t count = property_bool(world->run) ? property_size_skewed(world->run, most) : most;
    world->tables_left = (size_t)property_draw(world->run, 6);

    switch (what) {
    case 0:
        step_map(world, first, count);
        break;
    case 1:
        step_unmap(world, first, count);
        break;
    case 2:
        step_protect(world, first, count);
        break;
    case 3:
        step_next(world, first, count);
        break;
    case 4:
        step_trim(world, first);
        break;
    default:
        (void)split_at_ends(world, first, count);
        break;
    }
    expect_rows(world);
}

/*
 * Validates 3.1, 3.10: whatever is mapped, split, protected, unmapped and trimmed, in large pages and small, with
 * tables or for want of them: the table says what a row a page says, and a call that fails changes nothing of it.
 */
static void user_tables_agree_with_a_row_a_page(property_run_t *run)
{
    world_t *const world = world_open(run);
    const uint32_t steps = run->steps < 20 ? run->steps : 20; /* each looks at every page */

    for (uint32_t count = 0; count < steps; count++) {
        step(world);
    }
}

/* Validates 3.10: with one table more each time, mapping fails and changes nothing until it succeeds. */
static void mapping_takes_all_its_tables_first(property_run_t *run)
{
    world_t *const world = world_open(run);
    const size_t first = (size_t)property_draw(run, PAGE_COUNT);
    const size_t count = (size_t)property_range(run, 1, PAGE_COUNT - first);
    status_t status = STATUS_NO_MEMORY;
    user_leaf_t leaf;

    for (size_t tables = 0; status != STATUS_OK; tables++) {
        PROPERTY_EXPECT(run, tables < TABLES_MAX);
        if (tables > 0) {
            user_page_table_trim(&world->table, USER_SPACE_START, USER_SPACE_END, release_table, world);
            PROPERTY_EXPECT_EQUAL(run, world->table_count, 1);
        }
        world->tables_left = tables;
        status = user_page_table_map(&world->table, address_of(world, first), physical_address(PHYSICAL + PAGE_SIZE),
                                     count * PAGE_SIZE, PAGE_ACCESS_WRITE, take_table, world);
        PROPERTY_EXPECT_EQUAL(run, world->tables_left, 0);
        PROPERTY_EXPECT_EQUAL(run, user_page_table_next(&world->table, USER_SPACE_START, USER_SPACE_END, &leaf),
                              status == STATUS_OK);
    }
    PROPERTY_EXPECT_EQUAL(run, leaf.address, address_of(world, first));
}

/* Validates 3.1, 3.10: aligned stretches are large pages; a split takes one table, and for want of it does nothing. */
static void a_large_page_splits_where_it_is_asked_to(property_run_t *run)
{
    world_t *const world = world_open(run);
    const uintptr_t address = align_up(world->start, USER_LARGE_PAGE_SIZE);
    const size_t page = (size_t)property_draw(run, LARGE_PAGE_COUNT);
    const page_access_t access = draw_access(run);
    user_leaf_t leaf;

    world->tables_left = TABLES_MAX;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                           user_page_table_map(&world->table, address, physical_address(PHYSICAL), USER_LARGE_PAGE_SIZE,
                                               access, take_table, world));
    PROPERTY_EXPECT(run, user_page_table_next(&world->table, address + 5, address + PAGE_SIZE, &leaf));
    PROPERTY_EXPECT_EQUAL(run, leaf.size, USER_LARGE_PAGE_SIZE);

    const size_t tables = world->table_count;
    world->tables_left = 0;
    const status_t refused = user_page_table_split(&world->table, address + page * PAGE_SIZE, take_table, world);
    PROPERTY_EXPECT_STATUS(run, page == 0 ? STATUS_OK : STATUS_NO_MEMORY, refused);
    PROPERTY_EXPECT(run, user_page_table_next(&world->table, address, address + PAGE_SIZE, &leaf));
    PROPERTY_EXPECT_EQUAL(run, leaf.size, USER_LARGE_PAGE_SIZE);
    world->tables_left = 1;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                           user_page_table_split(&world->table, address + page * PAGE_SIZE, take_table, world));
    PROPERTY_EXPECT_EQUAL(run, world->table_count, tables + (page != 0));
    const uintptr_t at = address + page * PAGE_SIZE;
    PROPERTY_EXPECT(run, user_page_table_next(&world->table, at, at + PAGE_SIZE, &leaf));
    PROPERTY_EXPECT_EQUAL(run, leaf.address, at);
    PROPERTY_EXPECT_EQUAL(run, leaf.physical.value, PHYSICAL + page * PAGE_SIZE);
    PROPERTY_EXPECT_EQUAL(run, leaf.access, access);
}

/* Validates 3.10: for want of its root no table is made, and nothing is taken. */
static void a_table_without_a_root_is_none(property_run_t *run)
{
    world_t *const world = world_open(run);
    user_page_table_t other;

    world->tables_left = 0;
    PROPERTY_EXPECT_STATUS(run, STATUS_NO_MEMORY, user_page_table_create(&other, take_table, world));
    PROPERTY_EXPECT_EQUAL(run, world->table_count, 1);
}

/* ---- mistakes ---- */

typedef struct mistake {
    world_t *world;
    uintptr_t address;
    uint64_t size;
    uint64_t physical;
    page_access_t access;
} mistake_t;

static void map_by_mistake(void *argument)
{
    const mistake_t *const mistake = argument;
    world_t *const world = mistake->world;

    world->tables_left = TABLES_MAX;
    (void)!user_page_table_map(&world->table, mistake->address, physical_address(mistake->physical), mistake->size,
                               mistake->access, take_table, world);
}

static void protect_by_mistake(void *argument)
{
    const mistake_t *const mistake = argument;

    user_page_table_protect(&mistake->world->table, mistake->address, mistake->size, mistake->access);
}

static void unmap_by_mistake(void *argument)
{
    const mistake_t *const mistake = argument;
    uintptr_t address = mistake->address;
    user_leaf_t leaf;

    (void)user_page_table_unmap(&mistake->world->table, &address, mistake->address + mistake->size, &leaf, 1);
}

/* Validates 3.3, 5.8, 5.9: nothing outside of user space, and nothing between pages, is ever touched. */
static void only_pages_of_user_space_are_touched(property_run_t *run)
{
    world_t *const world = world_open(run);
    mistake_t mistake = {world, world->start, PAGE_SIZE, PHYSICAL, PAGE_ACCESS_WRITE};

    switch (property_draw(run, 6)) {
    case 0:
        mistake.address = USER_SPACE_START - PAGE_SIZE;
        break;
    case 1:
        mistake.address = USER_SPACE_END - PAGE_SIZE;
        mistake.size = 2 * PAGE_SIZE;
        break;
    case 2:
        mistake.size = property_range(run, 1, PAGE_SIZE - 1);
        break;
    case 3:
        mistake.address += property_range(run, 1, PAGE_SIZE - 1);
        break;
    case 4:
        mistake.size = 0 - (uint64_t)PAGE_SIZE;
        break;
    default:
        mistake.address = (uintptr_t)world->table.root;
        break;
    }
    PROPERTY_EXPECT_CHECK(run, "range outside of user space", map_by_mistake, &mistake);
    PROPERTY_EXPECT_CHECK(run, "range outside of user space", protect_by_mistake, &mistake);
    PROPERTY_EXPECT_CHECK(run, "range outside of user space", unmap_by_mistake, &mistake);
    expect_rows(world);
}

/* Validates 5.8, 5.9: what is mapped stays, large pages are not torn, and no user gets more than user rights. */
static void mistakes_change_no_mapping(property_run_t *run)
{
    world_t *const world = world_open(run);
    const uintptr_t large = align_up(world->start, USER_LARGE_PAGE_SIZE);
    const size_t first = (large - world->start) / PAGE_SIZE;
    mistake_t mistake = {world, large, USER_LARGE_PAGE_SIZE, PHYSICAL, PAGE_ACCESS_WRITE};

    map_by_mistake(&mistake);
    for (size_t index = 0; index < LARGE_PAGE_COUNT; index++) {
        world->rows[first + index] = (row_t){true, PHYSICAL + index * PAGE_SIZE, PAGE_ACCESS_WRITE};
    }
    mistake.address += property_range(run, 1, LARGE_PAGE_COUNT - 2) * PAGE_SIZE;
    mistake.size = PAGE_SIZE;
    PROPERTY_EXPECT_CHECK(run, "user page mapped twice", map_by_mistake, &mistake);
    PROPERTY_EXPECT_CHECK(run, "large page reaches out of the range", protect_by_mistake, &mistake);
    PROPERTY_EXPECT_CHECK(run, "large page reaches out of the range", unmap_by_mistake, &mistake);
    mistake.access = PAGE_ACCESS_DEVICE;
    PROPERTY_EXPECT_CHECK(run, "rights that no user page has", map_by_mistake, &mistake);
    PROPERTY_EXPECT_CHECK(run, "rights that no user page has", protect_by_mistake, &mistake);
    mistake.access = PAGE_ACCESS_WRITE;
    mistake.physical += property_range(run, 1, PAGE_SIZE - 1);
    PROPERTY_EXPECT_CHECK(run, "physical address inside a page", map_by_mistake, &mistake);
    expect_rows(world);
}

PROPERTY_SUITE(user_page_table, PROPERTY_EFFORT(user_tables_agree_with_a_row_a_page, 50, "3.1 3.10"),
               PROPERTY(mapping_takes_all_its_tables_first, "3.10"),
               PROPERTY(a_large_page_splits_where_it_is_asked_to, "3.1 3.10"),
               PROPERTY(a_table_without_a_root_is_none, "3.10"),
               PROPERTY(only_pages_of_user_space_are_touched, "3.3 5.8 5.9"),
               PROPERTY(mistakes_change_no_mapping, "5.8 5.9"));
