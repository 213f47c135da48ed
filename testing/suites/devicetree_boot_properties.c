/*
 * From a device tree to the kernel's memory map: what boards say arrives whole, whatever the banks, holes and firmware;
 * damaged trees are read in bounds, with the same outcome whatever lies around them.
 */
#include "arch/shared/devicetree_board.h"
#include "kernel/boot/devicetree.h"
#include "testing/models/boot_world.h"
#include "testing/models/tree_board.h"

/* The tree in a window of memory, at its start. */
static boot_world_t *put_in_world(property_run_t *run, const tree_builder_t *tree)
{
    boot_world_t *const world = boot_world_open(run);
    for (size_t i = 0; i < tree->blob_size; i++) {
        boot_world_put(run, world, tree->blob[i], 1);
    }
    return world;
}

static bool overlaps(const devicetree_range_t *range, uint64_t base, uint64_t size)
{
    /* Both end at or below the top: ends are told by their last bytes. */
    return range->size != 0 && base <= range->base + (range->size - 1) && range->base <= base + (size - 1);
}

/* Whether a page is memory as a whole, and nobody keeps any of it. */
static bool page_is_usable(const tree_board_t *board, const tree_builder_t *tree, uint64_t page)
{
    const devicetree_range_t blob = {BOOT_WORLD_BASE, tree->blob_size};
    for (uint64_t grain = page; grain < page + PAGE_SIZE; grain += TREE_GRAIN) {
        bool is_memory = false;
        for (size_t i = 0; i < board->bank_count; i++) {
            is_memory |= overlaps(&board->banks[i], grain, TREE_GRAIN);
        }
        if (!is_memory) {
            return false;
        }
    }
    for (size_t i = 0; i < board->kept_count; i++) {
        if (overlaps(&board->kept[i], page, PAGE_SIZE)) {
            return false;
        }
    }
    return !overlaps(&blob, page, PAGE_SIZE) && !(board->has_initrd && overlaps(&board->initrd, page, PAGE_SIZE));
}

/* Around every edge of everything, a page can be had exactly when the board says so. */
static void expect_pages(property_run_t *run, const tree_board_t *board, const tree_builder_t *tree,
                         const memory_map_t *map)
{
    devicetree_range_t all[TREE_BANKS_MAX + TREE_KEPT_MAX + 2];
    size_t count = 0;
    for (size_t i = 0; i < board->bank_count; i++) {
        all[count++] = board->banks[i];
    }
    for (size_t i = 0; i < board->kept_count; i++) {
        all[count++] = board->kept[i];
    }
    all[count++] = board->initrd;
    all[count++] = (devicetree_range_t){BOOT_WORLD_BASE, tree->blob_size};
    for (size_t i = 0; i < 2 * count; i++) {
        const uint64_t edge = all[i / 2].base + (i % 2 == 0 ? 0 : all[i / 2].size);
        for (uint64_t page = 0; page < 3; page++) {
            const uint64_t address = align_down(edge, PAGE_SIZE) + (page - 1) * PAGE_SIZE;
            if (address >= TIB(64) - PAGE_SIZE) {
                continue; /* the map is cut there */
            }
            const memory_region_t *const region = memory_map_find(map, physical_address(address));
            const bool is_usable = region != NULL && memory_region_is_usable(region);
            PROPERTY_EXPECT_EQUAL(run, page_is_usable(board, tree, address), is_usable);
        }
    }
}

/*
 * Validates 2.6, 2.9, 2.13, 6.1: banks, holes, firmware inside memory and the tree itself arrive, and the command line.
 */
static void every_board_arrives_whole(property_run_t *run)
{
    tree_board_t board;
    const tree_builder_t *const tree = tree_board_draw(run, &board);
    boot_world_t *const world = put_in_world(run, tree);
    uint64_t memory = 0;
    for (size_t i = 0; i < board.bank_count; i++) {
        boot_world_expect(world, board.banks[i].base, board.banks[i].size, MEMORY_REGION_AVAILABLE);
        memory |= board.banks[i].size;
    }
    for (size_t i = 0; i < board.kept_count; i++) {
        boot_world_expect(world, board.kept[i].base, board.kept[i].size, MEMORY_REGION_RESERVED);
    }
    boot_world_expect(world, BOOT_WORLD_BASE, tree->blob_size, MEMORY_REGION_RESERVED);
    if (board.has_initrd) {
        boot_world_expect(world, board.initrd.base, board.initrd.size, MEMORY_REGION_RESERVED);
    }
    const boot_outcome_t *const outcome = boot_world_read(run, world, devicetree_read, BOOT_WORLD_BASE);
    PROPERTY_EXPECT_STATUS(run, memory != 0 ? STATUS_OK : STATUS_NOT_FOUND, outcome->status);
    PROPERTY_EXPECT_TEXT(run, board.bootargs, outcome->cmdline.text);
    PROPERTY_EXPECT_EQUAL(run, board.has_initrd, outcome->boot.module_count);
    if (board.has_initrd) {
        PROPERTY_EXPECT_EQUAL(run, board.initrd.base, outcome->boot.modules[0].base.value);
        PROPERTY_EXPECT_EQUAL(run, board.initrd.size, outcome->boot.modules[0].size_bytes);
    }
    boot_world_expect_map(run, world, outcome);
    expect_pages(run, &board, tree, &outcome->map);
}

/* Validates 2.13: console, its interrupt and CPUs are found as the board has them. */
static void every_board_names_its_devices(property_run_t *run)
{
    tree_board_t board;
    const tree_builder_t *const built = tree_board_draw(run, &board);
    devicetree_t tree;
    devicetree_range_t range;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, devicetree_open(built->blob, built->blob_size, &tree));

    devicetree_node_t node;
    PROPERTY_EXPECT_STATUS(run, board.has_console ? STATUS_OK : STATUS_NOT_FOUND, devicetree_stdout(&tree, &node));
    node = devicetree_root(&tree);
    PROPERTY_EXPECT(run, devicetree_find_compatible(&node, "ns16550a"));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, devicetree_reg(&node, 0, &range));
    PROPERTY_EXPECT_EQUAL(run, board.console, range.base);
    if (board.has_console) {
        devicetree_node_t console;
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, devicetree_stdout(&tree, &console));
        PROPERTY_EXPECT_EQUAL(run, console.path[console.depth], node.path[node.depth]);
    }
    uint32_t cursor = 0;
    devicetree_interrupt_t interrupt;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, devicetree_next_interrupt(&node, &cursor, &interrupt));
    PROPERTY_EXPECT_TEXT(run, "plic@c000", devicetree_name(&interrupt.controller));
    PROPERTY_EXPECT_EQUAL(run, 1, interrupt.cell_count);
    PROPERTY_EXPECT_EQUAL(run, board.console_interrupt, interrupt.cells[0]);
    PROPERTY_EXPECT_STATUS(run, STATUS_NOT_FOUND, devicetree_next_interrupt(&node, &cursor, &interrupt));

    node = devicetree_root(&tree);
    for (size_t i = 0; i < board.cpu_count; i++) {
        uint64_t id;
        uint64_t hertz;
        PROPERTY_EXPECT(run, devicetree_next_cpu(&node) && devicetree_cpu_id(&node, &id));
        PROPERTY_EXPECT_EQUAL(run, board.cpu_ids[i], id);
        PROPERTY_EXPECT(run, devicetree_timebase_frequency(&node, &hertz) && hertz == 10000000);
    }
    PROPERTY_EXPECT(run, !devicetree_next_cpu(&node));
}

/* Validates 2.6, 2.9, 2.13: a damaged tree is read in bounds, by the kernel's reader. */
static void damaged_trees_are_read_in_bounds(property_run_t *run)
{
    tree_board_t board;
    boot_world_t *const world = put_in_world(run, tree_board_draw(run, &board));
    boot_world_damage(run, world);
    (void)boot_world_read(run, world, devicetree_read, BOOT_WORLD_BASE);
}

static uint64_t mix(uint64_t digest, uint64_t number)
{
    return (digest ^ number) * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static uint64_t mix_text(uint64_t digest, const char *text)
{
    while (text != NULL && *text != '\0') {
        digest = mix(digest, (uint8_t)*text++);
    }
    return digest;
}

/* Asks everything that can be asked of a node. */
static uint64_t ask_node(const devicetree_node_t *node)
{
    static const char *const strings[] = {"compatible", "device_type", "status", "stdout-path", "enable-method"};
    uint64_t digest = mix_text(node->depth, devicetree_name(node));
    uint32_t cursor = 0;
    const char *name;
    devicetree_value_t value;
    while (devicetree_next_property(node, &cursor, &name, &value)) {
        digest = mix_text(mix(digest, value.length), name);
        for (uint32_t i = 0; i < value.length; i++) {
            digest = mix(digest, value.bytes[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(strings); i++) {
        digest = mix_text(digest, devicetree_property_string(node, strings[i]));
    }
    devicetree_range_t range = {0, 0};
    for (size_t i = 0; i < 4; i++) {
        digest = mix(mix(digest, (uint64_t)devicetree_reg(node, i, &range)), range.base + range.size);
    }
    devicetree_interrupt_t interrupt = {.cell_count = 0};
    cursor = 0;
    for (size_t i = 0; i < 4; i++) {
        digest = mix(mix(digest, (uint64_t)devicetree_next_interrupt(node, &cursor, &interrupt)), cursor);
        digest = mix(digest, interrupt.cell_count);
    }
    uint64_t number = 0;
    digest = mix(digest, devicetree_is_available(node) + 2 * (uint64_t)devicetree_is_compatible(node, "ns16550a"));
    digest = mix(digest, devicetree_cpu_id(node, &number) + number);
    digest = mix(digest, devicetree_timebase_frequency(node, &number) + number);
    return mix(digest, devicetree_riscv_has(node, "zbb"));
}

/*
 * For boot_world_read(): asks everything of a tree; what was answered stands in for the root pointer, which twins must
 * agree on.
 */
static status_t ask_everything(const boot_window_t *window, physical_address_t address, boot_data_t *boot)
{
    const byte_span_t bytes = boot_window_view(window, address.value, UINT64_MAX);
    uint64_t digest = devicetree_total_size(bytes.bytes, bytes.length);
    devicetree_t tree;
    const status_t status = devicetree_open(bytes.bytes, bytes.length, &tree);
    digest = mix(digest, (uint64_t)status);
    if (status == STATUS_OK) {
        devicetree_node_t node = devicetree_root(&tree);
        do {
            digest = mix(digest, ask_node(&node));
        } while (devicetree_next(&node));
        devicetree_range_t range = {0, 0};
        for (size_t i = 0; devicetree_reservation(&tree, i, &range); i++) {
            digest = mix(mix(digest, range.base), range.size);
        }
        digest = mix(digest, (uint64_t)devicetree_stdout(&tree, &node));
        digest = mix(digest, (uint64_t)devicetree_initrd(&tree, &range));
        digest = mix(digest, (uint64_t)devicetree_find(&tree, "serial0/gone", SIZE_MAX, &node));
        digest = mix(digest, (uint64_t)devicetree_find_phandle(&tree, 7, &node));
    }
    boot->has_rsdp = true;
    boot->rsdp = physical_address(digest);
    return STATUS_OK;
}

/* Validates 2.13: a damaged tree answers every question in bounds, or is refused. */
static void damaged_trees_answer_in_bounds(property_run_t *run)
{
    tree_board_t board;
    boot_world_t *const world = put_in_world(run, tree_board_draw(run, &board));
    boot_world_damage(run, world);
    (void)boot_world_read(run, world, ask_everything, BOOT_WORLD_BASE);
}

/* Validates 2.13: random tokens behind a sound header, and any address. */
static void random_trees_are_read_in_bounds(property_run_t *run)
{
    tree_builder_t *const tree = tree_builder(run);
    const size_t count = property_draw(run, 64);
    for (size_t i = 0; i < count; i++) {
        static const uint8_t tokens[] = {0, 1, 2, 3, 4, 9};
        const bool is_token = property_bool(run);
        const uint64_t choice = property_draw(run, 64);
        const uint8_t number = (uint8_t)(is_token ? tokens[choice % ARRAY_COUNT(tokens)] : choice);
        tree->structure[tree->structure_size + 3] = number;
        tree->structure_size += 4;
    }
    tree->strings_size = property_draw(run, 32);
    tree_finish(tree);
    boot_world_t *const world = put_in_world(run, tree);
    const uint64_t address = property_bool(run) ? BOOT_WORLD_BASE : property_bits64(run) >> property_draw(run, 64);
    (void)boot_world_read(run, world, property_bool(run) ? ask_everything : devicetree_read, address);
}

/* Validates 2.13: a misaligned tree is refused, with a word. */
static void misaligned_trees_are_refused(property_run_t *run)
{
    tree_board_t board;
    const tree_builder_t *const tree = tree_board_draw(run, &board);
    boot_world_t *const world = boot_world_open(run);
    const uint64_t offset = property_range(run, 1, 7);
    boot_world_put(run, world, 0, offset);
    for (size_t i = 0; i < tree->blob_size; i++) {
        boot_world_put(run, world, tree->blob[i], 1);
    }
    const boot_outcome_t *const outcome = boot_world_read(run, world, devicetree_read, BOOT_WORLD_BASE + offset);
    PROPERTY_EXPECT_STATUS(run, STATUS_CORRUPT, outcome->status);
    PROPERTY_EXPECT_EQUAL(run, 0, outcome->map.region_count);
}

PROPERTY_SUITE(devicetree_boot, PROPERTY(every_board_arrives_whole, "2.6 2.9 2.13 6.1"),
               PROPERTY(every_board_names_its_devices, "2.13"),
               PROPERTY(damaged_trees_are_read_in_bounds, "2.6 2.9 2.13"),
               PROPERTY(damaged_trees_answer_in_bounds, "2.13"), PROPERTY(random_trees_are_read_in_bounds, "2.13"),
               PROPERTY(misaligned_trees_are_refused, "2.13"));
