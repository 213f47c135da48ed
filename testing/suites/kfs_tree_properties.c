/*
 * The tree of KFS: paths lead where a naive walk over a list of paths leads, and directories list what they have.
 */
#include "fs/kfs.h"

#include "testing/property/property.h"

#define NODES_MAX    24u
#define PATH_LETTERS 96u

/* A node that should be in the tree, by its canonical path ("//a/b"; the root is "//"). */
typedef struct model_node {
    char path[PATH_LETTERS];
    bool is_present;
    bool is_directory;
    kfs_node_t node; /* files: ours */
} model_node_t;

typedef struct tree_world {
    kfs_t kfs;
    model_node_t nodes[NODES_MAX];
} tree_world_t;

static void read_nothing(const kfs_node_t *node, text_writer_t *writer)
{
    text_string(writer, node->name);
}

static model_node_t *model_find(tree_world_t *world, const char *path)
{
    for (size_t i = 0; i < NODES_MAX; i++) {
        if (world->nodes[i].is_present && text_equal(world->nodes[i].path, path)) {
            return &world->nodes[i];
        }
    }
    return NULL;
}

/* Adds "/name" to a canonical path, or takes the last name off it. */
static void path_down(char *path, const char *name)
{
    const size_t length = text_length(path);
    (void)text_print(path + length, PATH_LETTERS - length, length == 2 ? "%s" : "/%s", name);
}

static void path_up(char *path)
{
    size_t length = text_length(path);
    while (length > 2 && path[length - 1] != '/') {
        length--;
    }
    length -= length > 2;
    path[length < 2 ? 2 : length] = '\0';
}

/*
 * Draws a path as somebody may type it, and walks it in the model: stores where it leads in `canonical` and returns
 * whether it leads anywhere.
 */
static bool draw_path(property_run_t *run, tree_world_t *world, char *path, char *canonical)
{
    static const char *const words[] = {"a", "b", "ab", "..", "."};
    bool leads = true;
    (void)text_print(path, PATH_LETTERS, "//");
    (void)text_print(canonical, PATH_LETTERS, "//");
    for (uint64_t count = property_draw(run, 6); count != 0; count--) {
        const char *const word = words[property_draw(run, ARRAY_COUNT(words))];
        const size_t length = text_length(path);
        const bool is_doubled = property_bool(run);
        (void)text_print(path + length, PATH_LETTERS - length, is_doubled ? "%s//" : "%s/", word);
        const model_node_t *const here = model_find(world, canonical);
        leads = leads && here != NULL && here->is_directory;
        if (text_equal(word, "..")) {
            path_up(canonical);
        } else if (!text_equal(word, ".")) {
            path_down(canonical, word);
        }
    }
    const model_node_t *const end = model_find(world, canonical);
    leads = leads && end != NULL;
    /* A slash at the end asks for a directory. */
    if (text_length(path) > 2 && property_bool(run)) {
        size_t length = text_length(path);
        while (path[length - 1] == '/' && length > 2) {
            length--;
        }
        path[length] = '\0';
    } else if (text_length(path) > 2) {
        leads = leads && end != NULL && end->is_directory;
    }
    return leads;
}

static void check_stat(property_run_t *run, tree_world_t *world)
{
    char path[PATH_LETTERS];
    char canonical[PATH_LETTERS];
    const bool leads = draw_path(run, world, path, canonical);
    const model_node_t *const node = leads ? model_find(world, canonical) : NULL;
    kfs_stat_t stat;
    property_note(run, "stat %s", path);
    PROPERTY_EXPECT_STATUS(run, leads ? STATUS_OK : STATUS_NOT_FOUND, kfs_stat(&world->kfs, path, &stat));
    if (node != NULL) {
        PROPERTY_EXPECT_EQUAL(run, stat.entry.is_directory, node->is_directory);
        const char *name = canonical + text_length(canonical);
        while (name > canonical + 2 && name[-1] != '/') {
            name--;
        }
        PROPERTY_EXPECT_TEXT(run, text_equal(canonical, "//") ? "//" : name, stat.entry.name);
        if (!node->is_directory) {
            PROPERTY_EXPECT_EQUAL(run, stat.size_bytes, text_length(node->node.name));
        }
    }
}

/* Whether `path` is `directory` plus one name. */
static bool is_child(const char *directory, const char *path)
{
    char parent[PATH_LETTERS];
    (void)text_print(parent, sizeof(parent), "%s", path);
    path_up(parent);
    return !text_equal(path, "//") && text_equal(parent, directory);
}

static bool comes_before(const char *left, const char *right)
{
    while (*left != '\0' && *left == *right) {
        left++;
        right++;
    }
    return (unsigned char)*left < (unsigned char)*right;
}

/* Every directory lists its own entries and no others, in order. */
static void check_lists(property_run_t *run, tree_world_t *world)
{
    for (size_t i = 0; i < NODES_MAX; i++) {
        const model_node_t *const directory = &world->nodes[i];
        if (!directory->is_present || !directory->is_directory) {
            continue;
        }
        kfs_file_t *file;
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_open(&world->kfs, directory->path, &file));
        kfs_entry_t entry;
        kfs_entry_t before = {.name = ""};
        uint64_t count = 0;
        bool is_right = true;
        for (; kfs_readdir(file, count, &entry) == STATUS_OK; count++) {
            char path[PATH_LETTERS];
            (void)text_print(path, sizeof(path), "%s", directory->path);
            path_down(path, entry.name);
            const model_node_t *const child = model_find(world, path);
            is_right = is_right && child != NULL && child->is_directory == entry.is_directory &&
                       comes_before(before.name, entry.name);
            before = entry;
        }
        kfs_close(file); /* before any expectation, which could leave it open */
        for (size_t other = 0; other < NODES_MAX; other++) {
            count -= world->nodes[other].is_present && is_child(directory->path, world->nodes[other].path);
        }
        PROPERTY_EXPECT(run, is_right);
        PROPERTY_EXPECT_EQUAL(run, count, 0);
    }
}

static model_node_t *model_free_place(tree_world_t *world)
{
    for (size_t i = 0; i < NODES_MAX; i++) {
        if (!world->nodes[i].is_present) {
            return &world->nodes[i];
        }
    }
    return NULL;
}

static void add_file(property_run_t *run, tree_world_t *world)
{
    static const char *const names[] = {"a", "b", "ab", "a", "b", "ab", "a", "b", "", ".", "..", "a/b", "with blank"};
    char path[PATH_LETTERS];
    char canonical[PATH_LETTERS];
    const bool leads = draw_path(run, world, path, canonical);
    const size_t which = property_draw(run, ARRAY_COUNT(names));
    model_node_t *const place = model_free_place(world);
    if (place == NULL) {
        return;
    }
    const model_node_t *const parent = leads ? model_find(world, canonical) : NULL;
    path_down(canonical, names[which]);
    const status_t expected = which > 7                                 ? STATUS_INVALID
                              : parent == NULL || !parent->is_directory ? STATUS_NOT_FOUND
                              : model_find(world, canonical) != NULL    ? STATUS_EXISTS
                                                                        : STATUS_OK;
    property_note(run, "add %s to %s", names[which], path);
    place->node = (kfs_node_t){.name = names[which], .read = read_nothing};
    PROPERTY_EXPECT_STATUS(run, expected, kfs_add(&world->kfs, path, &place->node));
    if (expected == STATUS_OK) {
        (void)text_print(place->path, sizeof(place->path), "%s", canonical);
        place->is_present = true;
        place->is_directory = false;
    }
}

/* Makes "//x/y": canonical, so that the model can tell which directories appear on the way. */
static void make_directory(property_run_t *run, tree_world_t *world)
{
    static const char *const names[] = {"a", "b", "ab"};
    char path[PATH_LETTERS] = "//";
    status_t expected = STATUS_OK;
    for (uint64_t depth = 1 + property_draw(run, 3); depth != 0; depth--) {
        path_down(path, names[property_draw(run, ARRAY_COUNT(names))]);
        const model_node_t *const there = model_find(world, path);
        model_node_t *const place = model_free_place(world);
        if (expected != STATUS_OK || place == NULL) {
            break;
        }
        if (there == NULL) {
            (void)text_print(place->path, sizeof(place->path), "%s", path);
            place->is_present = place->is_directory = true;
        } else if (!there->is_directory) {
            expected = STATUS_EXISTS;
        }
    }
    if (model_free_place(world) == NULL) {
        path[2] = '\0'; /* the model is full: nothing more may appear, and what it holds is made below */
        for (size_t i = 0; i < NODES_MAX; i++) {
            if (world->nodes[i].is_directory) {
                PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_make_directory(&world->kfs, world->nodes[i].path));
            }
        }
        return;
    }
    property_note(run, "make directory %s", path);
    PROPERTY_EXPECT_STATUS(run, expected, kfs_make_directory(&world->kfs, path));
}

static void remove_file(property_run_t *run, tree_world_t *world)
{
    model_node_t *const node = &world->nodes[property_draw(run, NODES_MAX)];
    if (!node->is_present || node->is_directory) {
        return;
    }
    kfs_file_t *file;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_open(&world->kfs, node->path, &file));
    const status_t while_open = kfs_remove(&world->kfs, &node->node);
    kfs_close(file);
    PROPERTY_EXPECT_STATUS(run, STATUS_BUSY, while_open);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_remove(&world->kfs, &node->node));
    node->is_present = false;
}

static void close_tree_world(void *argument)
{
    tree_world_t *const world = argument;
    CHECK(kfs_destroy(&world->kfs) == STATUS_OK, "the tree of a property has an open file");
}

static tree_world_t *open_tree_world(property_run_t *run)
{
    tree_world_t *const world = property_alloc(run, sizeof(*world));
    kfs_init(&world->kfs);
    property_defer(run, close_tree_world, world);
    world->nodes[0] = (model_node_t){.path = "//", .is_present = true, .is_directory = true};
    return world;
}

/*
 * Validates 4.12: whatever is added and removed, paths lead where a naive walk leads, and directories list what they
 * have.
 */
static void paths_lead_where_a_naive_walk_leads(property_run_t *run)
{
    tree_world_t *const world = open_tree_world(run);
    for (uint32_t step = 0; step < run->steps; step++) {
        static const uint32_t weights[] = {6, 2, 2, 1};
        switch (property_choice(run, weights, ARRAY_COUNT(weights))) {
        case 0:
            check_stat(run, world);
            break;
        case 1:
            add_file(run, world);
            break;
        case 2:
            make_directory(run, world);
            break;
        default:
            remove_file(run, world);
            break;
        }
    }
    check_lists(run, world);
}

/* Validates 4.12: any string is a path, or is refused; it is never read past its end or past the limit. */
static void any_string_is_refused_or_found(property_run_t *run)
{
    static const char alphabet[] = "//ab.\\ \t\x01\x7f";
    tree_world_t *const world = open_tree_world(run);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_make_directory(&world->kfs, "//a/b"));
    const size_t length = property_size_skewed(run, KFS_PATH_MAX + 40);
    char *const path = property_alloc(run, length + 1);
    for (size_t i = 0; i < length; i++) {
        path[i] = alphabet[property_draw(run, sizeof(alphabet) - 1)];
    }
    kfs_stat_t stat;
    const bool starts_right = length >= 2 && path[0] == '/' && path[1] == '/';
    const status_t status = kfs_stat(&world->kfs, path, &stat);
    if (!starts_right) {
        PROPERTY_EXPECT_STATUS(run, STATUS_INVALID, status);
    } else if (length > KFS_PATH_MAX) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OUT_OF_RANGE, status);
    } else {
        PROPERTY_EXPECT(run, status == STATUS_OK || status == STATUS_NOT_FOUND);
    }
    kfs_file_t *file = NULL;
    const status_t open_status = kfs_open(&world->kfs, path, &file);
    kfs_close(file);
    PROPERTY_EXPECT_STATUS(run, status, open_status);
}

/* ---- nodes that go while they are open ---- */

#define READERS_MAX 6u

static void count_release(kfs_node_t *node)
{
    ++*(uint64_t *)node->context;
}

/*
 * Validates 4.10, 4.12: a detached file is found no more, is read on by who has it open, and is released once, at the
 * end.
 */
static void a_detached_file_is_released_when_its_last_reader_is_done(property_run_t *run)
{
    tree_world_t *const world = open_tree_world(run);
    uint64_t released = 0;
    kfs_node_t file = {.name = "file", .read = read_nothing, .context = &released};
    kfs_node_t directory = {.name = "directory", .context = &released};
    kfs_file_t *readers[READERS_MAX] = {NULL};
    const bool has_directory_open = property_bool(run);
    kfs_file_t *listing = NULL;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_add(&world->kfs, "//", &directory));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_add(&world->kfs, "//directory", &file));
    const size_t count = property_draw(run, READERS_MAX + 1);
    for (size_t i = 0; i < count; i++) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_open(&world->kfs, "//directory/file", &readers[i]));
    }
    if (has_directory_open) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_open(&world->kfs, "//directory", &listing));
    }
    /* All is looked at first and expected last: a failure must not leave files open. */
    const status_t too_early = kfs_detach(&world->kfs, &directory, count_release);
    const status_t first = kfs_detach(&world->kfs, &file, count_release);
    const uint64_t at_once = released;
    const status_t second = kfs_detach(&world->kfs, &file, count_release);
    kfs_stat_t stat;
    const status_t found = kfs_stat(&world->kfs, "//directory/file", &stat);
    const status_t emptied = kfs_detach(&world->kfs, &directory, count_release);
    const uint64_t early = released;
    bool reads_on = true;
    for (size_t i = 0; i < count; i++) {
        char text[8];
        size_t length = 0;
        reads_on &= kfs_read(readers[i], 0, text, sizeof(text), &length) == STATUS_OK && length == 4;
        reads_on &= released == early;
        kfs_close(readers[i]);
    }
    kfs_close(listing);
    PROPERTY_EXPECT_STATUS(run, STATUS_BUSY, too_early);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, first);
    PROPERTY_EXPECT_EQUAL(run, at_once, count == 0);
    PROPERTY_EXPECT_STATUS(run, STATUS_BUSY, second);
    PROPERTY_EXPECT_STATUS(run, STATUS_NOT_FOUND, found);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, emptied);
    PROPERTY_EXPECT_EQUAL(run, early, (count == 0) + !has_directory_open);
    PROPERTY_EXPECT(run, reads_on);
    PROPERTY_EXPECT_EQUAL(run, released, 2);
}

PROPERTY_SUITE(kfs_tree, PROPERTY(paths_lead_where_a_naive_walk_leads, "4.12"),
               PROPERTY(any_string_is_refused_or_found, "4.12"),
               PROPERTY(a_detached_file_is_released_when_its_last_reader_is_done, "4.10 4.12"));
