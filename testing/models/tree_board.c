/*
 * Boards: testing/models/tree_board.h. Draws are taken before anything is written with them.
 */
#include "testing/models/tree_board.h"

#include "base/text.h"
#include "base/units.h"

#define BUS_BASE       UINT64_C(0x08000000)
#define BUS_SIZE       UINT64_C(0x04000000)
#define PHANDLE_PLIC   7u
#define ENTRIES_A_NODE 3u

static uint64_t draw_grains(property_run_t *run, uint64_t bytes_max)
{
    return property_draw(run, bytes_max / TREE_GRAIN) * TREE_GRAIN;
}

/* A bank that fits in so many cells. */
static devicetree_range_t draw_bank(property_run_t *run, const devicetree_cells_t *cells)
{
    static const uint64_t bases[] = {GIB(1), 0, MIB(128), GIB(2), GIB(4) - MIB(16), GIB(8), GIB(512), TIB(63)};
    const size_t low_bases = 5;
    const uint64_t base = bases[property_draw(run, cells->address == 1 ? low_bases : ARRAY_COUNT(bases))];
    const uint64_t offset = property_bool(run) ? draw_grains(run, MIB(1)) : 0;
    const uint64_t size_max = cells->size == 1 ? GIB(4) - MIB(16) : TIB(2);
    const uint64_t size = property_bool(run) ? draw_grains(run, MIB(64)) : property_draw(run, 33) * (size_max >> 5);
    return (devicetree_range_t){base + offset, size > size_max ? size_max : size};
}

/* A region to keep: mostly somewhere in memory, of any size. */
static devicetree_range_t draw_kept(property_run_t *run, const tree_board_t *board, const devicetree_cells_t *cells)
{
    const devicetree_range_t *const bank = &board->banks[property_draw(run, board->bank_count)];
    const uint64_t offset = property_bool(run) ? property_draw(run, MIB(2)) : property_draw(run, 16) * PAGE_SIZE;
    const uint64_t size = 1 + (property_bool(run) ? property_draw(run, MIB(2)) : property_draw(run, 16) * PAGE_SIZE);
    uint64_t base = bank->base + offset;
    if (cells->address == 1) {
        base &= UINT32_MAX;
    }
    return (devicetree_range_t){base, size};
}

static void keep(tree_board_t *board, devicetree_range_t range)
{
    board->kept[board->kept_count++] = range;
}

static void put_reg(tree_builder_t *tree, const devicetree_cells_t *cells, const devicetree_range_t *entries,
                    size_t count)
{
    uint64_t numbers[2 * ENTRIES_A_NODE];
    uint32_t widths[2 * ENTRIES_A_NODE];
    for (size_t i = 0; i < count; i++) {
        numbers[2 * i] = entries[i].base;
        numbers[2 * i + 1] = entries[i].size;
        widths[2 * i] = cells->address;
        widths[2 * i + 1] = cells->size;
    }
    tree_numbers(tree, "reg", numbers, widths, 2 * count);
}

static void put_cells(tree_builder_t *tree, const devicetree_cells_t *cells)
{
    /* 2 and 1 need not be said. */
    if (cells->address != 2 || property_bool(tree->run)) {
        tree_u32(tree, "#address-cells", cells->address);
    }
    if (cells->size != 1 || property_bool(tree->run)) {
        tree_u32(tree, "#size-cells", cells->size);
    }
}

/* Memory nodes with one bank or some each, and perhaps one that is switched off and one that makes no sense. */
static void put_memory(tree_builder_t *tree, tree_board_t *board, const devicetree_cells_t *cells)
{
    property_run_t *const run = tree->run;
    char name[24];
    for (size_t next = 0; next < board->bank_count;) {
        const size_t rest = board->bank_count - next;
        const size_t wanted = property_range(run, 1, ENTRIES_A_NODE);
        const size_t count = wanted < rest ? wanted : rest;
        const bool has_numa = property_bool(run);
        text_print(name, sizeof(name), "memory@%llx", (unsigned long long)board->banks[next].base);
        tree_begin(tree, name);
        tree_string(tree, "device_type", "memory");
        if (has_numa) {
            tree_u32(tree, "numa-node-id", (uint32_t)next);
        }
        put_reg(tree, cells, &board->banks[next], count);
        tree_end(tree);
        next += count;
    }
    if (property_bool(run)) {
        const devicetree_range_t off = draw_bank(run, cells);
        tree_begin(tree, "memory@off");
        tree_string(tree, "device_type", "memory");
        tree_string(tree, "status", "disabled");
        put_reg(tree, cells, &off, 1);
        tree_end(tree);
    }
    if (cells->address > 1 && cells->size > 1 && property_draw(run, 4) == 3) {
        const devicetree_range_t wrapping = {GIB(1), UINT64_MAX - MIB(1)};
        tree_begin(tree, "memory@wraps");
        tree_string(tree, "device_type", "memory");
        put_reg(tree, cells, &wrapping, 1);
        tree_end(tree);
    }
}

static void put_reserved(tree_builder_t *tree, tree_board_t *board, const devicetree_cells_t *cells)
{
    property_run_t *const run = tree->run;
    for (size_t count = property_draw(run, 4); count != 0; count--) {
        devicetree_range_t range = draw_kept(run, board, &(devicetree_cells_t){2, 2});
        if (property_draw(run, 8) == 7) {
            range.size = (0 - range.base) + 1 + property_draw(run, 16); /* reaches beyond the top: cut there */
        }
        tree_reserve(tree, range.base, range.size);
        if (range.base != 0 && range.size > 0 - range.base) {
            range.size = 0 - range.base;
        }
        keep(board, range);
    }
    tree_begin(tree, "reserved-memory");
    put_cells(tree, cells);
    tree_property(tree, "ranges", "", 0);
    for (size_t count = property_draw(run, 4); count != 0; count--) {
        const devicetree_range_t range = draw_kept(run, board, cells);
        const bool has_no_map = property_bool(run);
        tree_begin(tree, "firmware");
        put_reg(tree, cells, &range, 1);
        if (has_no_map) {
            tree_property(tree, "no-map", "", 0);
        }
        tree_end(tree);
        keep(board, range);
    }
    if (property_bool(run)) {
        tree_begin(tree, "pool"); /* dynamic: nothing is reserved yet */
        tree_u32(tree, "size", 0x1000);
        tree_end(tree);
    }
    tree_end(tree);
}

static void put_cpus(tree_builder_t *tree, tree_board_t *board)
{
    property_run_t *const run = tree->run;
    const size_t count = property_draw(run, TREE_CPUS_MAX + 1);
    char name[16];
    tree_begin(tree, "cpus");
    put_cells(tree, &(devicetree_cells_t){1, 0});
    tree_u32(tree, "timebase-frequency", 10000000);
    for (size_t i = 0; i < count; i++) {
        static const char *const states[] = {"okay", "ok", "disabled", "fail", "fail-sss"};
        const size_t state = property_draw(run, ARRAY_COUNT(states));
        const bool has_method = property_bool(run);
        text_print(name, sizeof(name), "cpu@%zx", i);
        tree_begin(tree, name);
        tree_string(tree, "device_type", "cpu");
        tree_u32(tree, "reg", (uint32_t)(i * 0x100));
        if (has_method) {
            tree_string(tree, "enable-method", "psci");
        }
        if (state != 0 || has_method) {
            tree_string(tree, "status", states[state]);
        }
        tree_end(tree);
        if (state < 2 || (state == 2 && has_method)) {
            board->cpu_ids[board->cpu_count++] = i * 0x100;
        }
    }
    tree_end(tree);
}

/* A bus that is somewhere else than its insides think, with a console on it. */
static void put_bus(tree_builder_t *tree, tree_board_t *board, const devicetree_cells_t *cells)
{
    const uint64_t inside = property_draw(tree->run, 16) * 0x1000;
    const uint64_t ranges[] = {0, BUS_BASE, BUS_SIZE};
    const uint32_t widths[] = {1, cells->address, 1};
    tree_begin(tree, "soc");
    put_cells(tree, &(devicetree_cells_t){1, 1});
    tree_numbers(tree, "ranges", ranges, widths, 3);
    tree_u32(tree, "interrupt-parent", PHANDLE_PLIC);
    tree_begin(tree, "plic@c000");
    tree_string(tree, "compatible", "riscv,plic0");
    tree_property(tree, "interrupt-controller", "", 0);
    tree_u32(tree, "#interrupt-cells", 1);
    tree_u32(tree, "phandle", PHANDLE_PLIC);
    tree_end(tree);
    tree_begin(tree, "serial@1000");
    tree_property(tree, "compatible", "vendor,uart\0ns16550a", 21);
    put_reg(tree, &(devicetree_cells_t){1, 1}, &(devicetree_range_t){inside, 0x100}, 1);
    board->console_interrupt = 1 + (uint32_t)property_draw(tree->run, 100);
    tree_u32(tree, "interrupts", board->console_interrupt);
    tree_end(tree);
    tree_end(tree);
    board->console = BUS_BASE + inside;
}

static void put_chosen(tree_builder_t *tree, tree_board_t *board)
{
    static const char *const paths[] = {"/soc/serial@1000", "/soc/serial:115200n8", "serial0", "serial0:9600", "gone"};
    property_run_t *const run = tree->run;
    const size_t path = property_draw(run, ARRAY_COUNT(paths));
    board->has_console = path + 1 < ARRAY_COUNT(paths);
    tree_begin(tree, "aliases");
    tree_string(tree, "serial0", "/soc/serial@1000");
    tree_string(tree, "gone", "/soc/modem");
    tree_end(tree);
    tree_begin(tree, "chosen");
    tree_string(tree, "stdout-path", paths[path]);
    board->has_bootargs = property_bool(run);
    if (board->has_bootargs) {
        const size_t length = property_draw(run, TREE_BOOTARGS_MAX);
        for (size_t i = 0; i < length; i++) {
            board->bootargs[i] = (char)property_range(run, ' ', '~');
        }
        tree_string(tree, "bootargs", board->bootargs);
    }
    board->has_initrd = property_bool(run);
    if (board->has_initrd) {
        const bool is_short = property_bool(run);
        board->initrd = (devicetree_range_t){MIB(64) + property_draw(run, MIB(64)), 1 + property_draw(run, MIB(8))};
        const uint64_t ends[] = {board->initrd.base, board->initrd.base + board->initrd.size};
        const uint32_t width = is_short ? 1 : 2;
        tree_numbers(tree, "linux,initrd-start", &ends[0], &width, 1);
        tree_numbers(tree, "linux,initrd-end", &ends[1], &width, 1);
    }
    tree_end(tree);
}

tree_builder_t *tree_board_draw(property_run_t *run, tree_board_t *board)
{
    tree_builder_t *const tree = tree_builder(run);
    *board = (tree_board_t){0};
    devicetree_cells_t cells;
    cells.address = (uint32_t)property_range(run, 1, 3);
    cells.size = (uint32_t)property_range(run, 1, 3);
    const size_t bank_count = property_range(run, 1, TREE_BANKS_MAX);
    while (board->bank_count < bank_count) {
        board->banks[board->bank_count++] = draw_bank(run, &cells);
    }
    const size_t order = property_draw(run, 3);
    tree_begin(tree, "");
    put_cells(tree, &cells);
    for (size_t i = 0; i < 3; i++) {
        switch ((order + i) % 3) {
        case 0:
            put_chosen(tree, board);
            break;
        case 1:
            put_memory(tree, board, &cells);
            put_reserved(tree, board, &cells);
            break;
        default:
            put_cpus(tree, board);
            put_bus(tree, board, &cells);
            break;
        }
    }
    tree_end(tree);
    tree_finish(tree);
    return tree;
}
