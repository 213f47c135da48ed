/*
 * Two user page tables and their rows.
 */
#include "testing/models/user_tables.h"

#include "arch/cpu_jobs.h"
#include "arch/machine.h"
#include "arch/page_backend.h"

void *user_tables_take(void *context)
{
    user_tables_t *const world = context;
    void *const page = world->page_count < USER_TABLES_MAX ? pages_alloc(1) : NULL;

    if (page != NULL) {
        world->pages[world->page_count++] = page;
    }
    return page;
}

static void release_page(void *page, void *context)
{
    user_tables_t *const world = context;

    for (size_t index = 0; index < world->page_count; index++) {
        if (world->pages[index] == page) {
            world->pages[index] = world->pages[--world->page_count];
            pages_free(page, 1);
            return;
        }
    }
    PROPERTY_EXPECT(world->run, !"a table was released that was never taken, or twice");
}

static void activate_nothing(void *argument, uint32_t index)
{
    (void)argument;
    (void)index;
    user_page_table_activate(NULL);
}

static void user_tables_close(void *argument)
{
    user_tables_t *const world = argument;

    cpu_jobs_run_on_all(cpu_count(), activate_nothing, NULL);
    while (world->tables_open > 0) {
        user_page_table_destroy(&world->tables[--world->tables_open], release_page, world);
    }
    for (unsigned frame = 0; frame < USER_TABLES_FRAMES && world->frames[frame] != NULL; frame++) {
        pages_free(world->frames[frame], 1);
    }
    if (world->code != NULL) {
        pages_free(world->code, 1);
    }
    PROPERTY_EXPECT_EQUAL(world->run, world->page_count, 0);
}

static unsigned char *frame_create(user_tables_t *world)
{
    unsigned char *const frame = pages_alloc(1);

    PROPERTY_EXPECT(world->run, frame != NULL);
    machine_zero_page(frame);
    for (size_t offset = 0; offset < PAGE_SIZE; offset += USER_TABLES_CELL) {
        user_access_fill(frame + offset);
    }
    return frame;
}

user_tables_t *user_tables_open(property_run_t *run)
{
    static const uintptr_t starts[] = {GIB(1) - 8 * PAGE_SIZE, USER_SPACE_START,
                                       USER_SPACE_END - USER_TABLES_PAGES * PAGE_SIZE, GIB(200) + 7 * PAGE_SIZE};
    user_tables_t *const world = property_alloc(run, sizeof(*world));

    world->run = run;
    world->start = starts[property_draw(run, ARRAY_COUNT(starts))];
    property_defer(run, user_tables_close, world);
    world->code = pages_alloc(1);
    PROPERTY_EXPECT(run, world->code != NULL);
    user_access_prepare(world->code);
    for (unsigned frame = 0; frame < USER_TABLES_FRAMES; frame++) {
        world->frames[frame] = frame_create(world);
    }
    for (unsigned table = 0; table < USER_TABLES_COUNT; table++) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, user_page_table_create(&world->tables[table], user_tables_take, world));
        world->tables_open++;
        PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                               user_page_table_map(&world->tables[table], USER_ACCESS_CODE,
                                                   pointer_to_physical(world->code), PAGE_SIZE, PAGE_ACCESS_EXECUTE,
                                                   user_tables_take, world));
    }
    return world;
}

/* Whether the row allows the access. */
static bool row_allows(const user_row_t *row, page_access_t access)
{
    return row->is_mapped && (row->access & PAGE_ACCESS_HIDDEN) == 0 && (access & ~row->access) == 0;
}

/* Tries an access in the active table, and holds what comes of it against the row. Any CPU. */
void user_tables_expect(const user_tables_t *world, unsigned table, size_t page, page_access_t kind, uint64_t offset)
{
    property_run_t *const run = world->run;
    const user_row_t *const row = &world->rows[table][page];
    unsigned char *const byte = world->frames[row->frame] + offset;
    uint8_t value = 0;

    const uint8_t before = __atomic_load_n(byte, __ATOMIC_RELAXED);
    const user_access_result_t result = user_access_try(user_tables_address(world, page) + offset, kind, &value);
    const uint8_t after = __atomic_load_n(byte, __ATOMIC_RELAXED);
    if (!row_allows(row, kind)) {
        PROPERTY_EXPECT_EQUAL(run, result, USER_ACCESS_FAULT);
        return;
    }
    PROPERTY_EXPECT_EQUAL(run, result, USER_ACCESS_DONE);
    if (kind == PAGE_ACCESS_READ) {
        PROPERTY_EXPECT(run, value == before || value == after);
    } else if (kind == PAGE_ACCESS_WRITE) {
        PROPERTY_EXPECT_EQUAL(run, after, USER_ACCESS_STORED);
    }
}
