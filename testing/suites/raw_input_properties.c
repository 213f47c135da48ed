/*
 * What outsiders hand the kernel, as bytes and nothing else: one choice a byte, so that a fuzzer's input is the input itself.
 *
 * Any bytes at all are read in bounds, come to an end, and leave something valid. The suites of each subject build sound input
 * and damage it; here nothing is sound unless a fuzzer, or its seeds (testing/fuzz/seeds.py), found out how.
 */
#include "arch/x86_64/acpi.h"
#include "base/text.h"
#include "fs/kfs.h"
#include "kernel/boot/acpi_tables.h"
#include "kernel/boot/multiboot2.h"
#include "kernel/boot/pvh.h"
#include "kernel/shell/shell_parse.h"
#include "mm/memory_map.h"
#include "testing/models/boot_world.h"

/* As many choices still fit a replay text. */
#define INPUT_MAX 1000u

/* Draws a length, then so many bytes. */
static size_t draw_input(property_run_t *run, uint8_t *bytes)
{
    const size_t length = property_draw(run, INPUT_MAX + 1);
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (uint8_t)property_draw(run, 256);
    }
    return length;
}

/* ---- boot data ---- */

static void read_as_boot_data(property_run_t *run, boot_reader_t reader)
{
    boot_world_t *const world = boot_world_open(run);
    uint8_t *const bytes = property_alloc(run, INPUT_MAX);
    const size_t length = draw_input(run, bytes);
    for (size_t i = 0; i < length; i++) {
        boot_world_put(run, world, bytes[i], 1);
    }
    world->window_bytes = length;
    (void)boot_world_read(run, world, reader, BOOT_WORLD_BASE);
}

/* Validates 2.6, 2.13: any bytes where the bootloader says that Multiboot2 information is. */
static void any_bytes_are_multiboot2_data(property_run_t *run)
{
    read_as_boot_data(run, multiboot2_read);
}

/* Validates 2.6, 2.13: any bytes where PVH start info should be. */
static void any_bytes_are_pvh_data(property_run_t *run)
{
    read_as_boot_data(run, pvh_read);
}

/* For boot_world_read(): the reader of ACPI tables, which has no status of its own. */
static status_t read_acpi(const boot_window_t *window, physical_address_t address, boot_data_t *boot)
{
    boot->has_rsdp = true;
    boot->rsdp = address;
    acpi_tables_reserve(window, boot);
    return STATUS_OK;
}

/* Validates 2.9, 2.13: any bytes where ACPI's root pointer should be, and all that it leads to. */
static void any_bytes_are_acpi_tables(property_run_t *run)
{
    read_as_boot_data(run, read_acpi);
}

/* ---- ACPI's contents, for ports that have it ---- */

typedef struct acpi_twin {
    uint8_t table[INPUT_MAX + 16];
    acpi_info_t info;
    status_t status;
} acpi_twin_t;

/* Reads the same bytes twice, with others behind them: what differs was read out of bounds. */
static void read_as_acpi_contents(property_run_t *run,
                                  status_t (*reader)(const uint8_t *table, size_t length, acpi_info_t *info))
{
    acpi_twin_t *const twins = property_alloc(run, 2 * sizeof(*twins));
    const size_t length = draw_input(run, twins[0].table);
    __builtin_memcpy(twins[1].table, twins[0].table, length);
    __builtin_memset(twins[0].table + length, 0x01, 16);
    __builtin_memset(twins[1].table + length, 0xfe, 16);
    for (size_t i = 0; i < 2; i++) {
        acpi_info_reset(&twins[i].info);
        twins[i].status = reader(twins[i].table, length, &twins[i].info);
    }
    PROPERTY_EXPECT_STATUS(run, twins[0].status, twins[1].status);
    PROPERTY_EXPECT_EQUAL(run, __builtin_memcmp(&twins[0].info, &twins[1].info, sizeof(acpi_info_t)), 0);
    PROPERTY_EXPECT(run, twins[0].status == STATUS_OK || twins[0].status == STATUS_CORRUPT);
    PROPERTY_EXPECT(run, twins[0].info.cpu_id_count <= CPU_COUNT_MAX);
    PROPERTY_EXPECT(run, twins[0].info.io_apic_count <= ACPI_IO_APICS_MAX);
}

/* Validates 2.13: any bytes as a table of interrupt controllers. */
static void any_bytes_are_an_acpi_madt(property_run_t *run)
{
    read_as_acpi_contents(run, acpi_read_madt);
}

/* Validates 2.13: any bytes as a table of I/O ports. */
static void any_bytes_are_an_acpi_fadt(property_run_t *run)
{
    read_as_acpi_contents(run, acpi_read_fadt);
}

/* ---- the memory map ---- */

/* Validates 2.6, 2.9, 2.13: any regions make a valid map, and what one of them restricts is not usable. */
static void any_regions_make_a_map(property_run_t *run)
{
    memory_region_t inputs[40];
    memory_map_t *const map = property_alloc(run, sizeof(*map));
    const uint64_t limit = property_bits64(run);
    const size_t count = property_draw(run, ARRAY_COUNT(inputs) + 1);
    memory_map_init(map);
    for (size_t i = 0; i < count; i++) {
        inputs[i].base = physical_address(property_bits64(run));
        inputs[i].size_bytes = property_bits64(run);
        inputs[i].type = (memory_region_type_t)property_draw(run, 256);
        const status_t status = memory_map_add(map, inputs[i].base, inputs[i].size_bytes, inputs[i].type);
        if (status != STATUS_OK) {
            PROPERTY_EXPECT(run, status == STATUS_INVALID || status == STATUS_OUT_OF_RANGE);
            inputs[i].type = MEMORY_REGION_HOLE;
        }
    }
    const status_t status = memory_map_finish(map, physical_address(limit));
    PROPERTY_EXPECT_VALID(run, memory_map_validate(map));
    PROPERTY_EXPECT_STATUS(run, memory_map_usable_bytes(map) == 0 ? STATUS_NOT_FOUND : STATUS_OK, status);
    PROPERTY_EXPECT(run, memory_map_usable_end(map).value <= limit);
    for (size_t i = 0; i < count; i++) {
        const uint64_t last = inputs[i].base.value + inputs[i].size_bytes - 1;
        const memory_region_t *const first = memory_map_find(map, inputs[i].base);
        const memory_region_t *const end = memory_map_find(map, physical_address(last));
        if (inputs[i].type > MEMORY_REGION_AVAILABLE) {
            PROPERTY_EXPECT(run, first == NULL || !memory_region_is_usable(first));
            PROPERTY_EXPECT(run, end == NULL || !memory_region_is_usable(end));
        }
    }
}

/* ---- what users type ---- */

static void say_little(const kfs_node_t *node, text_writer_t *writer)
{
    text_string(writer, node->name);
}

typedef struct path_world {
    kfs_t kfs;
    kfs_node_t file;
    char path[INPUT_MAX + 1];
} path_world_t;

static void close_path_world(void *argument)
{
    path_world_t *const world = argument;
    CHECK(kfs_destroy(&world->kfs) == STATUS_OK, "a look-up left a node held");
}

/* Validates 4.12: any bytes are a path, which leads to something or is refused, by every function alike. */
static void any_bytes_are_a_path(property_run_t *run)
{
    path_world_t *const world = property_alloc(run, sizeof(*world));
    kfs_init(&world->kfs);
    property_defer(run, close_path_world, world);
    world->file = (kfs_node_t){.name = "b", .read = say_little};
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_make_directory(&world->kfs, "//a/a"));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_add(&world->kfs, "//a", &world->file));
    world->path[draw_input(run, (uint8_t *)world->path)] = '\0';

    kfs_stat_t stat;
    kfs_file_t *file = NULL;
    const status_t status = kfs_stat(&world->kfs, world->path, &stat);
    PROPERTY_EXPECT_STATUS(run, status, kfs_open(&world->kfs, world->path, &file));
    if (status == STATUS_OK) {
        kfs_close(file);
        PROPERTY_EXPECT(run, text_starts_with(world->path, "//"));
        PROPERTY_EXPECT(run, text_equal(stat.entry.name, "//") || text_equal(stat.entry.name, "a") ||
                                 text_equal(stat.entry.name, "b"));
    } else {
        PROPERTY_EXPECT(run, status == STATUS_INVALID || status == STATUS_NOT_FOUND || status == STATUS_OUT_OF_RANGE);
    }
    const status_t made = kfs_make_directory(&world->kfs, world->path);
    PROPERTY_EXPECT(run, made == STATUS_OK || status != STATUS_OK || stat.entry.name[0] == 'b');
}

static shell_words_t words;

/* Validates 4.12: any bytes are a command list: it comes to an end, and every word of it is terminated and in bounds. */
static void any_bytes_are_a_command_list(property_run_t *run)
{
    uint8_t *const bytes = property_alloc(run, INPUT_MAX + 1);
    (void)draw_input(run, bytes); /* a zero byte among them ends the list */
    const char *const list = (const char *)bytes;
    const size_t length = text_length(list);
    const char *at = list;
    status_t status = STATUS_OK;
    for (size_t command = 0; command <= length + 1 && status != STATUS_NOT_FOUND; command++) {
        status = shell_parse_command(&at, &words);
        PROPERTY_EXPECT(run, at >= list && at <= list + length);
        PROPERTY_EXPECT(run, words.count >= 0 && words.count <= SHELL_ARGUMENTS_MAX);
        for (int word = 0; word < words.count && status == STATUS_OK; word++) {
            const char *const start = words.words[word];
            PROPERTY_EXPECT(run, start >= words.text && start < words.text + sizeof(words.text));
            PROPERTY_EXPECT(run, start + text_length(start) < words.text + sizeof(words.text));
        }
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_NOT_FOUND, status);
}

PROPERTY_SUITE(raw_input, PROPERTY(any_bytes_are_multiboot2_data, "2.6 2.13"),
               PROPERTY(any_bytes_are_pvh_data, "2.6 2.13"), PROPERTY(any_bytes_are_acpi_tables, "2.9 2.13"),
               PROPERTY(any_bytes_are_an_acpi_madt, "2.13"), PROPERTY(any_bytes_are_an_acpi_fadt, "2.13"),
               PROPERTY(any_regions_make_a_map, "2.6 2.9 2.13"), PROPERTY(any_bytes_are_a_path, "4.12"),
               PROPERTY(any_bytes_are_a_command_list, "4.12"));
