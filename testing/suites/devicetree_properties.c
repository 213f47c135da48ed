/*
 * Device trees: what was built is read back, addresses go through buses as arithmetic has it, and what is
 * cut or nested too deeply is refused. devicetree_boot_properties.c damages trees.
 */
#include "arch/shared/devicetree_board.h"
#include "base/text.h"
#include "testing/models/tree_builder.h"

#define NODES_MAX      24u
#define PROPERTIES_MAX 40u
#define VALUE_MAX      9u
#define PATH_MAX_BYTES 256u
#define BUSES_MAX      5u
#define WINDOWS_MAX    3u

/* A tree as two tables. */
typedef struct model_property {
    size_t node;
    char name[12];
    uint8_t value[VALUE_MAX];
    size_t length;
} model_property_t;

typedef struct model_node {
    char name[12];
    size_t parent; /* the root is its own */
    uint32_t depth;
    size_t children;
} model_node_t;

typedef struct model {
    model_node_t nodes[NODES_MAX];
    size_t node_count;
    model_property_t properties[PROPERTIES_MAX];
    size_t property_count;
} model_t;

static void add_node(tree_builder_t *tree, model_t *model, size_t parent, bool has_address)
{
    model_node_t *const node = &model->nodes[model->node_count];
    if (model->node_count != 0) {
        /* Counted down, so that a name which begins with another comes first. */
        text_print(node->name, sizeof(node->name), has_address ? "n%zu@%zx" : "n%zu", NODES_MAX - model->node_count,
                   model->node_count * 16);
        node->parent = parent;
        node->depth = model->nodes[parent].depth + 1;
        model->nodes[parent].children++;
    }
    model->node_count++;
    tree_begin(tree, node->name);
}

static void add_property(tree_builder_t *tree, model_t *model, size_t node)
{
    static const char *const names[] = {"a", "reg", "b-reg", "size-cells", "#size-cells", "x"};
    model_property_t *const property = &model->properties[model->property_count++];
    const size_t name = property_draw(tree->run, ARRAY_COUNT(names));
    property->node = node;
    property->length = property_draw(tree->run, VALUE_MAX + 1);
    text_print(property->name, sizeof(property->name), "%s", names[name]);
    for (size_t i = 0; i < property->length; i++) {
        property->value[i] = (uint8_t)property_draw(tree->run, 256);
    }
    tree_property(tree, property->name, property->value, property->length);
}

static tree_builder_t *draw_tree(property_run_t *run, model_t *model)
{
    tree_builder_t *const tree = tree_builder(run);
    size_t at = 0;
    const size_t reservations = property_draw(run, 4);
    for (size_t i = 0; i < reservations; i++) {
        const uint64_t base = property_bits64(run);
        tree_reserve(tree, base, property_bits64(run) | 1);
    }
    add_node(tree, model, 0, false);
    for (uint32_t step = 0; step < run->steps; step++) {
        const uint64_t operation = property_draw(run, 4);
        const bool has_address = property_bool(run);
        if (operation <= 1 && model->nodes[at].children == 0 && model->property_count < PROPERTIES_MAX) {
            add_property(tree, model, at);
        } else if (operation == 2 && model->node_count < NODES_MAX) {
            add_node(tree, model, at, has_address);
            at = model->node_count - 1;
        } else if (operation == 3 && at != 0) {
            tree_end(tree);
            at = model->nodes[at].parent;
        }
    }
    while (at != 0) {
        tree_end(tree);
        at = model->nodes[at].parent;
    }
    tree_end(tree);
    tree_finish(tree);
    return tree;
}

/* Writes the path of a node, without unit addresses when they need not be. */
static void write_path(const model_t *model, size_t index, bool is_short, text_writer_t *writer)
{
    size_t way[NODES_MAX];
    size_t length = 0;
    for (size_t at = index; at != 0; at = model->nodes[at].parent) {
        way[length++] = at;
    }
    text_char(writer, '/');
    while (length-- > 0) {
        for (const char *name = model->nodes[way[length]].name; *name != '\0' && !(is_short && *name == '@'); name++) {
            text_char(writer, *name);
        }
        if (length != 0) {
            text_char(writer, '/');
        }
    }
}

static void expect_properties(property_run_t *run, const model_t *model, size_t index, const devicetree_node_t *node)
{
    uint32_t cursor = 0;
    const char *name;
    devicetree_value_t value;
    for (size_t i = 0; i < model->property_count; i++) {
        const model_property_t *const property = &model->properties[i];
        if (property->node != index) {
            continue;
        }
        PROPERTY_EXPECT(run, devicetree_next_property(node, &cursor, &name, &value));
        PROPERTY_EXPECT_TEXT(run, property->name, name);
        PROPERTY_EXPECT_EQUAL(run, property->length, value.length);
        PROPERTY_EXPECT(run, __builtin_memcmp(property->value, value.bytes, value.length) == 0);

        size_t first = 0;
        while (model->properties[first].node != index || !text_equal(model->properties[first].name, name)) {
            first++;
        }
        PROPERTY_EXPECT(run, devicetree_property(node, property->name, &value));
        PROPERTY_EXPECT_EQUAL(run, model->properties[first].length, value.length);
        PROPERTY_EXPECT(run, __builtin_memcmp(model->properties[first].value, value.bytes, value.length) == 0);
    }
    PROPERTY_EXPECT(run, !devicetree_next_property(node, &cursor, &name, &value));
    PROPERTY_EXPECT(run, !devicetree_property(node, "no such", &value) && value.length == 0);
}

static void expect_node(property_run_t *run, const model_t *model, size_t index, const devicetree_node_t *node)
{
    char path[PATH_MAX_BYTES];
    devicetree_node_t other;
    PROPERTY_EXPECT_TEXT(run, model->nodes[index].name, devicetree_name(node));
    PROPERTY_EXPECT_EQUAL(run, model->nodes[index].depth, node->depth);
    other = devicetree_parent(node);
    PROPERTY_EXPECT_TEXT(run, model->nodes[model->nodes[index].parent].name, devicetree_name(&other));

    size_t children = 0;
    for (bool more = devicetree_first_child(node, &other); more; more = devicetree_next_sibling(&other)) {
        PROPERTY_EXPECT_EQUAL(run, other.depth, node->depth + 1);
        PROPERTY_EXPECT_EQUAL(run, other.path[node->depth], node->path[node->depth]);
        children++;
    }
    PROPERTY_EXPECT_EQUAL(run, model->nodes[index].children, children);

    for (int is_short = 0; is_short <= 1; is_short++) {
        text_writer_t writer = text_writer(path, sizeof(path));
        write_path(model, index, is_short != 0, &writer);
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, devicetree_find(node->tree, path, SIZE_MAX, &other));
        PROPERTY_EXPECT_EQUAL(run, other.path[other.depth], node->path[node->depth]);
        text_string(&writer, "/gone");
        PROPERTY_EXPECT_STATUS(run, STATUS_NOT_FOUND, devicetree_find(node->tree, path, SIZE_MAX, &other));
    }
    expect_properties(run, model, index, node);
}

/* Validates 2.13: nodes, their order and nesting, properties and reservations are read as they were built. */
static void trees_are_read_as_they_were_built(property_run_t *run)
{
    model_t *const model = property_alloc(run, sizeof(*model));
    const tree_builder_t *const built = draw_tree(run, model);
    devicetree_t tree;
    PROPERTY_EXPECT_EQUAL(run, devicetree_total_size(built->blob, DEVICETREE_HEADER_SIZE), built->blob_size);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, devicetree_open(built->blob, built->blob_size, &tree));

    devicetree_node_t node = devicetree_root(&tree);
    for (size_t index = 0; index < model->node_count; index++) {
        expect_node(run, model, index, &node);
        PROPERTY_EXPECT_EQUAL(run, index + 1 < model->node_count, devicetree_next(&node));
    }
    devicetree_range_t range;
    for (size_t i = 0; i < built->reservation_count; i++) {
        PROPERTY_EXPECT(run, devicetree_reservation(&tree, i, &range));
        PROPERTY_EXPECT_EQUAL(run, built->reservations[i].base, range.base);
        PROPERTY_EXPECT_EQUAL(run, built->reservations[i].size, range.size);
    }
    PROPERTY_EXPECT(run, !devicetree_reservation(&tree, built->reservation_count, &range));
    PROPERTY_EXPECT(run, !devicetree_reservation(&tree, SIZE_MAX, &range));
}

/* Validates 2.13: a tree that ends early is refused, wherever it ends. */
static void cut_trees_are_refused(property_run_t *run)
{
    model_t *const model = property_alloc(run, sizeof(*model));
    tree_builder_t *const built = draw_tree(run, model);
    const size_t length = property_draw(run, built->blob_size);
    devicetree_t tree;
    PROPERTY_EXPECT(run, devicetree_open(built->blob, length, &tree) != STATUS_OK);
}

/* Validates 2.13: a tree with a property whose name does not end in the strings block is refused. */
static void names_end_in_the_strings_block(property_run_t *run)
{
    tree_builder_t *const built = tree_builder(run);
    devicetree_t tree;
    const size_t cut = property_draw(run, 5);
    tree_begin(built, "");
    tree_string(built, "first", "a");
    tree_string(built, "last", "b");
    tree_end(built);
    built->strings_size -= cut;
    tree_finish(built);
    PROPERTY_EXPECT_STATUS(run, cut == 0 ? STATUS_OK : STATUS_CORRUPT,
                           devicetree_open(built->blob, built->blob_size, &tree));
}

/* Validates 2.13: a reservation block that does not end in the tree is refused. */
static void reservations_end_in_the_tree(property_run_t *run)
{
    model_t *const model = property_alloc(run, sizeof(*model));
    tree_builder_t *const built = draw_tree(run, model);
    devicetree_t tree;
    const size_t offset = built->blob_size - property_draw(run, 16); /* too little room for an entry */
    for (size_t i = 0; i < 4; i++) {
        built->blob[16 + i] = (uint8_t)(offset >> (24 - 8 * i));
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_CORRUPT, devicetree_open(built->blob, built->blob_size, &tree));
}

/* Validates 2.13: nodes nested as deeply as is allowed are read; one deeper, the tree is refused. */
static void depth_has_a_limit(property_run_t *run)
{
    const uint32_t depth = (uint32_t)property_range(run, DEVICETREE_DEPTH_MAX - 1, DEVICETREE_DEPTH_MAX + 1);
    tree_builder_t *const built = tree_builder(run);
    devicetree_t tree;
    for (uint32_t i = 0; i < depth; i++) {
        tree_begin(built, i == 0 ? "" : "n");
    }
    for (uint32_t i = 0; i < depth; i++) {
        tree_end(built);
    }
    tree_finish(built);
    const status_t status = devicetree_open(built->blob, built->blob_size, &tree);
    PROPERTY_EXPECT_STATUS(run, depth <= DEVICETREE_DEPTH_MAX ? STATUS_OK : STATUS_CORRUPT, status);
    if (status == STATUS_OK) {
        devicetree_node_t node = devicetree_root(&tree);
        for (uint32_t i = 1; i < depth; i++) {
            PROPERTY_EXPECT(run, devicetree_next(&node));
        }
        PROPERTY_EXPECT_EQUAL(run, node.depth, depth - 1);
        PROPERTY_EXPECT(run, !devicetree_next(&node));
    }
}

/* A bus and what it says of addresses inside. */
typedef struct model_bus {
    devicetree_cells_t cells;
    bool has_ranges;
    size_t window_count; /* none: the same addresses */
    struct {
        uint64_t inside;
        uint64_t outside;
        uint64_t size;
    } windows[WINDOWS_MAX];
} model_bus_t;

static uint64_t draw_number(property_run_t *run, uint32_t cells)
{
    const uint64_t shift = property_draw(run, 56);
    const uint64_t number = property_bits64(run) >> shift;
    return cells == 1 ? number & UINT32_MAX : number;
}

/* Windows of a bus, of which some hold the range that is inside. */
static void draw_windows(property_run_t *run, model_bus_t *bus, const model_bus_t *above, uint64_t base)
{
    bus->has_ranges = property_draw(run, 12) != 11;
    bus->window_count = property_draw(run, WINDOWS_MAX + 1);
    for (size_t i = 0; i < bus->window_count; i++) {
        const bool is_near = property_bool(run);
        const uint64_t inside = is_near ? base & ~UINT64_C(0xfff) : draw_number(run, bus->cells.address);
        const bool is_small = property_bool(run);
        const uint64_t size = is_small ? property_draw(run, 0x4000) : draw_number(run, bus->cells.size);
        const bool is_high = above->cells.address > 1 && property_draw(run, 4) == 3;
        const uint64_t outside = is_high ? 0 - property_draw(run, 0x4000) : draw_number(run, above->cells.address);
        bus->windows[i].inside = bus->cells.address == 1 ? inside & UINT32_MAX : inside;
        bus->windows[i].outside = outside;
        bus->windows[i].size = size;
    }
}

/* Moves an address out of a bus; false when it can't be. */
static bool model_translate(const model_bus_t *bus, uint64_t *base, uint64_t size)
{
    if (!bus->has_ranges || bus->window_count == 0) {
        return bus->has_ranges;
    }
    for (size_t i = 0; i < bus->window_count; i++) {
        const uint64_t inside = bus->windows[i].inside;
        const uint64_t window = bus->windows[i].size;
        if (*base >= inside && *base - inside < window && size <= window - (*base - inside)) {
            const uint64_t moved = bus->windows[i].outside + (*base - inside);
            if (moved < bus->windows[i].outside || (size != 0 && moved + (size - 1) < moved)) {
                return false;
            }
            *base = moved;
            return true;
        }
    }
    return false;
}

static void put_bus(tree_builder_t *tree, const model_bus_t *bus, const model_bus_t *above)
{
    uint64_t numbers[3 * WINDOWS_MAX];
    uint32_t widths[3 * WINDOWS_MAX];
    for (size_t i = 0; i < bus->window_count; i++) {
        numbers[3 * i] = bus->windows[i].inside;
        numbers[3 * i + 1] = bus->windows[i].outside;
        numbers[3 * i + 2] = bus->windows[i].size;
        widths[3 * i] = bus->cells.address;
        widths[3 * i + 1] = above->cells.address;
        widths[3 * i + 2] = bus->cells.size;
    }
    tree_begin(tree, "bus");
    tree_u32(tree, "#address-cells", bus->cells.address);
    tree_u32(tree, "#size-cells", bus->cells.size);
    if (bus->has_ranges) {
        tree_numbers(tree, "ranges", numbers, widths, 3 * bus->window_count);
    }
}

/* Validates 2.13: a device's address is that which the windows of all buses above it make of it. */
static void addresses_go_through_every_bus(property_run_t *run)
{
    model_bus_t buses[BUSES_MAX] = {{.cells = {2, 1}}}; /* the first is the root, by its defaults */
    const size_t count = property_range(run, 1, BUSES_MAX);
    const uint64_t base = property_draw(run, UINT64_C(1) << 32);
    const uint64_t size = property_draw(run, 0x2000);
    for (size_t i = 1; i < count; i++) {
        buses[i].cells.address = (uint32_t)property_range(run, 1, 3);
        buses[i].cells.size = (uint32_t)property_range(run, 1, 2);
    }
    uint64_t expected = base;
    bool is_reachable = true;
    for (size_t i = count; i-- > 1;) {
        draw_windows(run, &buses[i], &buses[i - 1], expected);
        is_reachable = is_reachable && model_translate(&buses[i], &expected, size);
    }
    tree_builder_t *const built = tree_builder(run);
    tree_begin(built, "");
    for (size_t i = 1; i < count; i++) {
        put_bus(built, &buses[i], &buses[i - 1]);
    }
    const uint64_t reg[] = {0, 0, base, size};
    const devicetree_cells_t *const cells = &buses[count - 1].cells;
    const uint32_t widths[] = {cells->address, cells->size, cells->address, cells->size};
    tree_begin(built, "device");
    tree_numbers(built, "reg", reg, widths, 4);
    for (size_t i = 0; i < count + 1; i++) {
        tree_end(built);
    }
    tree_finish(built);

    devicetree_t tree;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, devicetree_open(built->blob, built->blob_size, &tree));
    devicetree_node_t node = devicetree_root(&tree);
    while (devicetree_next(&node)) {
    }
    devicetree_range_t range;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, devicetree_reg_local(&node, 1, &range));
    PROPERTY_EXPECT_EQUAL(run, base, range.base);
    PROPERTY_EXPECT_EQUAL(run, size, range.size);
    PROPERTY_EXPECT_STATUS(run, is_reachable ? STATUS_OK : STATUS_OUT_OF_RANGE, devicetree_reg(&node, 1, &range));
    if (is_reachable) {
        PROPERTY_EXPECT_EQUAL(run, expected, range.base);
        PROPERTY_EXPECT_EQUAL(run, size, range.size);
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_NOT_FOUND, devicetree_reg(&node, 2, &range));
}

/* Validates 2.13: extensions are found in ISA strings and lists, whole names only. */
static void riscv_extensions_are_whole_names(property_run_t *run)
{
    static const struct {
        const char *isa;
        const char *extension;
        bool is_there;
    } cases[] = {
        {"rv64imafdc_zba_zbb_sstc", "zbb", true},
        {"rv64imafdc_zba_zbb_sstc", "sstc", true},
        {"rv64imafdc_zba_zbb", "zb", false},
        {"rv64imafdc_zba_zbb", "zbbx", false},
        {"rv64imafdc_zbb", "c", true},
        {"rv64imafdc_zbb", "v", false},
        {"rv64imafdc_zbb", "b", false},
        {"RV64IMAC_Zbb", "zbb", true},
        {"rv64", "i", false},
        {"rv", "v", false},
        {"", "i", false},
        {"rv64i__zbb_", "zbb", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        tree_builder_t *const built = tree_builder(run);
        devicetree_t tree;
        tree_begin(built, "");
        tree_string(built, "riscv,isa", cases[i].isa);
        tree_begin(built, "cpu");
        tree_property(built, "riscv,isa-extensions", "i\0zba\0zbb", 10);
        tree_string(built, "riscv,isa", "rv64i_sstc");
        tree_end(built);
        tree_end(built);
        tree_finish(built);
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, devicetree_open(built->blob, built->blob_size, &tree));
        devicetree_node_t node = devicetree_root(&tree);
        PROPERTY_EXPECT_EQUAL(run, cases[i].is_there, devicetree_riscv_has(&node, cases[i].extension));
        PROPERTY_EXPECT(run, devicetree_next(&node));
        PROPERTY_EXPECT(run, devicetree_riscv_has(&node, "zba") && devicetree_riscv_has(&node, "zbb"));
        PROPERTY_EXPECT(run, !devicetree_riscv_has(&node, "sstc") && !devicetree_riscv_has(&node, "zb"));
    }
}

PROPERTY_SUITE(devicetree, PROPERTY(trees_are_read_as_they_were_built, "2.13"), PROPERTY(cut_trees_are_refused, "2.13"),
               PROPERTY(names_end_in_the_strings_block, "2.13"), PROPERTY(reservations_end_in_the_tree, "2.13"),
               PROPERTY(depth_has_a_limit, "2.13"), PROPERTY(addresses_go_through_every_bus, "2.13"),
               PROPERTY(riscv_extensions_are_whole_names, "2.13"));
