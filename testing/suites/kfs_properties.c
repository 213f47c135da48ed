/*
 * KFS files: an open file is a snapshot, a write changes the value or nothing, and tables read back what was written.
 */
#include "fs/kfs.h"

#include "fs/kfs_table.h"
#include "mm/kmalloc.h"
#include "mm/pages/page_inject.h"
#include "mm/stats.h"
#include "testing/property/property.h"

#define HANDLES_MAX 5u
#define LINES_MAX   1500u

/* ---- snapshots ---- */

/* A file whose text is its version number, as many times as `lines` says. Making it makes the next version. */
typedef struct versioned {
    kfs_node_t node;
    uint64_t version;
    uint64_t lines;
} versioned_t;

#define LINE_LENGTH 9u /* eight digits and a newline */

static void read_versioned(const kfs_node_t *node, text_writer_t *writer)
{
    versioned_t *const file = node->context;
    file->version++;
    for (uint64_t line = 0; line < file->lines; line++) {
        text_format(writer, "%08llu\n", (unsigned long long)file->version);
    }
}

/* What byte `offset` of a version's text is. */
static char versioned_byte(uint64_t version, uint64_t offset)
{
    uint64_t place = offset % LINE_LENGTH;
    if (place == LINE_LENGTH - 1) {
        return '\n';
    }
    for (; place < LINE_LENGTH - 2; place++) {
        version /= 10;
    }
    return (char)('0' + version % 10);
}

/* An open file, and what its text must be for good. */
typedef struct handle {
    kfs_file_t *file;
    uint64_t version;
    uint64_t length;
} handle_t;

typedef struct snapshot_world {
    kfs_t kfs;
    versioned_t file;
    handle_t handles[HANDLES_MAX];
    char buffer[2048];
} snapshot_world_t;

static void close_snapshot_world(void *argument)
{
    snapshot_world_t *const world = argument;
    for (size_t i = 0; i < HANDLES_MAX; i++) {
        kfs_close(world->handles[i].file);
    }
    CHECK(kfs_destroy(&world->kfs) == STATUS_OK, "the tree of a property has an open file");
}

static void read_handle(property_run_t *run, snapshot_world_t *world, const handle_t *handle)
{
    const uint64_t offset =
        property_draw(run, 4) == 3 ? property_bits64(run) : property_draw(run, handle->length + 2 * LINE_LENGTH);
    const size_t capacity = property_draw(run, sizeof(world->buffer) + 1);
    const uint64_t rest = offset < handle->length ? handle->length - offset : 0;
    size_t count = 12345;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_read(handle->file, offset, world->buffer, capacity, &count));
    PROPERTY_EXPECT_EQUAL(run, count, rest < capacity ? rest : capacity);
    for (size_t i = 0; i < count; i++) {
        PROPERTY_EXPECT_EQUAL(run, world->buffer[i], versioned_byte(handle->version, offset + i));
    }
}

/* Validates 4.10, 4.11, 4.12: reads at any offset see the text of the moment of opening, whole and from one version. */
static void an_open_file_never_changes(property_run_t *run)
{
    snapshot_world_t *const world = property_alloc(run, sizeof(*world));
    kfs_init(&world->kfs);
    property_defer(run, close_snapshot_world, world);
    world->file.node = (kfs_node_t){.name = "versions", .read = read_versioned, .context = &world->file};
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_add(&world->kfs, "//", &world->file.node));
    for (uint32_t step = 0; step < run->steps; step++) {
        handle_t *const handle = &world->handles[property_draw(run, HANDLES_MAX)];
        if (handle->file == NULL) {
            world->file.lines = property_size_skewed(run, LINES_MAX) - 1;
            PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_open(&world->kfs, "//versions", &handle->file));
            handle->version = world->file.version;
            handle->length = world->file.lines * LINE_LENGTH;
        } else if (property_draw(run, 5) == 4) {
            kfs_close(handle->file);
            handle->file = NULL;
        } else {
            read_handle(run, world, handle);
        }
    }
}

/*
 * The Nth request for pages, and all after it, fail: the open does so, too, or needs no more; in the end nothing is
 * missing.
 */
static void open_without_memory(property_run_t *run, snapshot_world_t *world, uint64_t passes)
{
    stats_slab_t before;
    stats_slab_t after;
    kfs_file_t *file = NULL;
    uint64_t refused;
    stats_slab_take(&before);
    pages_inject(passes, UINT64_MAX);
    const status_t status = kfs_open(&world->kfs, "//versions", &file);
    (void)pages_inject_end(&refused);
    kfs_close(file);
    stats_slab_take(&after);
    PROPERTY_EXPECT(run, status == STATUS_OK || (status == STATUS_NO_MEMORY && refused != 0));
    PROPERTY_EXPECT_EQUAL(run, after.objects_live + after.large_blocks, before.objects_live + before.large_blocks);
    PROPERTY_EXPECT_EQUAL(run, world->file.node.references, 0);
}

/* Validates 3.10: an open that runs out of memory says so and leaves nothing behind, wherever it runs out. */
static void an_open_without_memory_leaves_nothing(property_run_t *run)
{
    snapshot_world_t *const world = property_alloc(run, sizeof(*world));
    kfs_init(&world->kfs);
    property_defer(run, close_snapshot_world, world);
    world->file.node = (kfs_node_t){.name = "versions", .read = read_versioned, .context = &world->file};
    world->file.lines = property_size_skewed(run, LINES_MAX) - 1;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_add(&world->kfs, "//", &world->file.node));
    for (uint64_t passes = 0; passes < 6; passes++) {
        open_without_memory(run, world, passes);
    }
}

/* ---- tunables ---- */

typedef struct tunable_world {
    kfs_t kfs;
    kfs_node_t tunable;
    kfs_node_t fixed;
    kfs_file_t *file;
    char value[KFS_WRITE_MAX + 2];
    char bytes[KFS_WRITE_MAX + 64];
} tunable_world_t;

static void read_tunable(const kfs_node_t *node, text_writer_t *writer)
{
    const tunable_world_t *const world = node->context;
    text_string(writer, world->value);
}

static void read_nothing(const kfs_node_t *node, text_writer_t *writer)
{
    text_string(writer, node->name);
}

/* Takes any text that does not begin with '!'. */
static status_t write_tunable(kfs_node_t *node, const char *text)
{
    tunable_world_t *const world = node->context;
    if (text[0] == '!') {
        return STATUS_INVALID;
    }
    (void)text_print(world->value, sizeof(world->value), "%s", text);
    return STATUS_OK;
}

static void close_tunable_world(void *argument)
{
    tunable_world_t *const world = argument;
    kfs_close(world->file);
    CHECK(kfs_destroy(&world->kfs) == STATUS_OK, "the tree of a property has an open file");
}

/* Validates 4.12: a write changes the value or nothing; a file that was open before keeps its snapshot. */
static void a_write_changes_the_value_or_nothing(property_run_t *run)
{
    tunable_world_t *const world = property_alloc(run, sizeof(*world));
    kfs_init(&world->kfs);
    property_defer(run, close_tunable_world, world);
    world->tunable = (kfs_node_t){.name = "tunable", .read = read_tunable, .write = write_tunable, .context = world};
    world->fixed = (kfs_node_t){.name = "fixed", .read = read_nothing};
    (void)text_print(world->value, sizeof(world->value), "old");
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_add(&world->kfs, "//", &world->tunable));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_add(&world->kfs, "//", &world->fixed));

    static const char *const paths[] = {"//tunable", "//fixed", "//"};
    const size_t which = property_draw(run, ARRAY_COUNT(paths));
    const size_t length = property_size_skewed(run, sizeof(world->bytes)) - 1;
    size_t zero_at = length;
    for (size_t i = 0; i < length; i++) {
        world->bytes[i] = 'v';
    }
    if (length != 0 && property_bool(run)) {
        world->bytes[0] = "!v"[property_draw(run, 2)];
    }
    if (length != 0 && property_draw(run, 4) == 3) {
        zero_at = property_draw(run, length);
        world->bytes[zero_at] = '\0';
    }
    const status_t expected = which == 2                              ? STATUS_INVALID
                              : which == 1                            ? STATUS_DENIED
                              : length > KFS_WRITE_MAX                ? STATUS_OUT_OF_RANGE
                              : zero_at < length                      ? STATUS_INVALID
                              : length != 0 && world->bytes[0] == '!' ? STATUS_INVALID
                                                                      : STATUS_OK;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_open(&world->kfs, paths[which], &world->file));
    PROPERTY_EXPECT_STATUS(run, expected, kfs_write(world->file, world->bytes, length));
    if (expected == STATUS_OK) {
        PROPERTY_EXPECT_EQUAL(run, text_length(world->value), length);
        char old[8];
        size_t count;
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_read(world->file, 0, old, sizeof(old), &count));
        PROPERTY_EXPECT_EQUAL(run, count, 3);
    } else {
        PROPERTY_EXPECT_TEXT(run, "old", world->value);
    }
}

/* ---- tables ---- */

/* Validates 4.5: every field is found by its name with its value, in two lines of words with single spaces. */
static void every_field_reads_back_by_name(property_run_t *run)
{
    static const stats_layout_t *const layouts[] = {&stats_physical_layout, &stats_pools_layout, &stats_slab_layout,
                                                    &stats_cache_layout,    &stats_usage_layout, &stats_virtual_layout,
                                                    &stats_system_layout};
    const stats_layout_t *const layout = layouts[property_draw(run, ARRAY_COUNT(layouts))];
    uint64_t values[32];
    char text[2048];
    PROPERTY_EXPECT(run, layout->count <= ARRAY_COUNT(values));
    for (size_t i = 0; i < layout->count; i++) {
        values[i] = property_bits64(run) >> property_draw(run, 64);
    }
    text_writer_t writer = text_writer(text, sizeof(text));
    kfs_table_single(&writer, layout, values);
    PROPERTY_EXPECT(run, !text_is_truncated(&writer));
    size_t lines = 0;
    for (size_t i = 0; i < writer.length; i++) {
        lines += text[i] == '\n';
        PROPERTY_EXPECT(run, text[i] != ' ' || (text[i + 1] != ' ' && text[i + 1] != '\n'));
    }
    PROPERTY_EXPECT_EQUAL(run, lines, 2);
    for (size_t i = 0; i < layout->count; i++) {
        char cell[24];
        uint64_t value = 0;
        PROPERTY_EXPECT_EQUAL(run, stats_value(&layout->fields[i], values), values[i]);
        PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                               kfs_table_find(text, writer.length, layout->fields[i].name, 0, cell, sizeof(cell)));
        PROPERTY_EXPECT(run, text_parse_u64(cell, false, &value));
        PROPERTY_EXPECT_EQUAL(run, value, values[i]);
        PROPERTY_EXPECT_STATUS(run, STATUS_NOT_FOUND,
                               kfs_table_find(text, writer.length, layout->fields[i].name, 1, cell, sizeof(cell)));
    }
    char cell[24];
    PROPERTY_EXPECT_STATUS(run, STATUS_NOT_FOUND,
                           kfs_table_find(text, writer.length, "no_such_field", 0, cell, sizeof(cell)));
}

PROPERTY_SUITE(kfs, PROPERTY(an_open_file_never_changes, "4.10 4.11 4.12"),
               PROPERTY(an_open_without_memory_leaves_nothing, "3.10"),

               PROPERTY(a_write_changes_the_value_or_nothing, "4.12"), PROPERTY(every_field_reads_back_by_name, "4.5"));
