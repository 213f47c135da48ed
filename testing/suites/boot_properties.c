/*
 * Boot data: what a sound bootloader says arrives whole; whatever else it says is read in bounds and leaves a valid map.
 */
#include "kernel/boot/acpi_tables.h"
#include "kernel/boot/multiboot2.h"
#include "kernel/boot/pvh.h"
#include "testing/models/boot_world.h"

#include "base/text.h"

#define TAGS_MAX    6u
#define ENTRIES_MAX 12u

/* What the builder put in, beyond memory. */
typedef struct boot_facts {
    char cmdline[32];
    bool has_cmdline;
    bool has_memory;
    bool has_rsdp;
    size_t modules;
} boot_facts_t;

static void draw_text(property_run_t *run, char *text, size_t capacity)
{
    const size_t length = property_draw(run, capacity);
    for (size_t i = 0; i < length; i++) {
        text[i] = (char)property_range(run, ' ', '~');
    }
    text[length] = '\0';
}

/* Multiboot2: a tag's header, whose size is filled in by end_tag(). */
static uint64_t begin_tag(property_run_t *run, boot_world_t *world, uint32_t type)
{
    boot_world_align(world, 8);
    const uint64_t start = world->next;
    boot_world_put(run, world, type, 4);
    boot_world_put(run, world, 0, 4);
    return start;
}

static void end_tag(boot_world_t *world, uint64_t start)
{
    boot_world_put_at(world, start + 4, world->next - start, 4);
}

static void put_map_tag(property_run_t *run, boot_world_t *world, boot_facts_t *facts)
{
    const uint64_t start = begin_tag(run, world, 6);
    const uint64_t entry_size = 24 + 8 * property_draw(run, 3);
    const uint64_t count = property_draw(run, ENTRIES_MAX);
    boot_world_put(run, world, entry_size, 4);
    boot_world_put(run, world, 0, 4);
    for (uint64_t i = 0; i < count; i++) {
        const memory_region_t region = boot_world_draw_region(run);
        const uint64_t entry = world->next;
        static const uint32_t types[] = {
            [MEMORY_REGION_AVAILABLE] = 1, [MEMORY_REGION_RESERVED] = 2, [MEMORY_REGION_ACPI_RECLAIMABLE] = 3,
            [MEMORY_REGION_ACPI_NVS] = 4,  [MEMORY_REGION_BAD] = 5,
        };
        boot_world_put(run, world, region.base.value, 8);
        boot_world_put(run, world, region.size_bytes, 8);
        boot_world_put(run, world, types[region.type], 4);
        world->next = entry + entry_size;
        boot_world_expect(world, region.base.value, region.size_bytes, region.type);
    }
    end_tag(world, start);
    facts->has_memory = true;
}

static void put_module_tag(property_run_t *run, boot_world_t *world, boot_facts_t *facts)
{
    const uint64_t start = begin_tag(run, world, 3);
    const uint64_t from = property_draw(run, 1u << 20);
    const uint64_t to = from + property_draw(run, 1u << 16);
    boot_world_put(run, world, from, 4);
    boot_world_put(run, world, to, 4);
    boot_world_put_text(run, world, "module");
    end_tag(world, start);
    boot_world_expect(world, from, to - from, MEMORY_REGION_RESERVED);
    facts->modules += to > from;
}

static void put_cmdline_tag(property_run_t *run, boot_world_t *world, boot_facts_t *facts)
{
    char text[sizeof(facts->cmdline)];
    const uint64_t start = begin_tag(run, world, 1);
    draw_text(run, text, sizeof(text));
    boot_world_put_text(run, world, text);
    end_tag(world, start);
    if (!facts->has_cmdline) {
        __builtin_memcpy(facts->cmdline, text, sizeof(text));
        facts->has_cmdline = true;
    }
}

/* A tag that the kernel has no use for, with any contents. */
static void put_other_tag(property_run_t *run, boot_world_t *world)
{
    const uint64_t start = begin_tag(run, world, 100 + (uint32_t)property_draw(run, 100));
    for (uint64_t count = property_draw(run, 20); count != 0; count--) {
        boot_world_put(run, world, property_draw(run, 256), 1);
    }
    end_tag(world, start);
}

static boot_world_t *build_multiboot2(property_run_t *run, boot_facts_t *facts)
{
    boot_world_t *const world = boot_world_open(run);
    *facts = (boot_facts_t){0};
    boot_world_put(run, world, 0, 8);
    for (uint64_t tags = property_draw(run, TAGS_MAX); tags != 0; tags--) {
        switch (property_draw(run, 5)) {
        case 0:
            put_map_tag(run, world, facts);
            break;
        case 1:
            put_module_tag(run, world, facts);
            break;
        case 2:
            put_cmdline_tag(run, world, facts);
            break;
        case 3:
            (void)begin_tag(run, world, 15);
            boot_world_put_at(world, world->next - 4, 44, 4);
            world->next += 36;
            facts->has_rsdp = true;
            break;
        default:
            put_other_tag(run, world);
            break;
        }
    }
    end_tag(world, begin_tag(run, world, 0));
    boot_world_put_at(world, 0, world->next, 4);
    boot_world_expect(world, BOOT_WORLD_BASE, world->next, MEMORY_REGION_RESERVED);
    return world;
}

static void expect_facts(property_run_t *run, const boot_facts_t *facts, const boot_outcome_t *outcome)
{
    PROPERTY_EXPECT_STATUS(run, facts->has_memory ? STATUS_OK : STATUS_NOT_FOUND, outcome->status);
    PROPERTY_EXPECT_TEXT(run, facts->cmdline, outcome->cmdline.text);
    PROPERTY_EXPECT_EQUAL(run, outcome->boot.module_count, facts->modules);
    PROPERTY_EXPECT_EQUAL(run, outcome->boot.has_rsdp, facts->has_rsdp);
}

/* Validates 2.6, 2.9, 2.13, 6.1: sound Multiboot2 tags, in any order and number, arrive whole. */
static void sound_multiboot2_data_arrives_whole(property_run_t *run)
{
    boot_facts_t facts;
    boot_world_t *const world = build_multiboot2(run, &facts);
    const boot_outcome_t *const outcome = boot_world_read(run, world, multiboot2_read, BOOT_WORLD_BASE);
    expect_facts(run, &facts, outcome);
    boot_world_expect_map(run, world, outcome);
}

/* Validates 2.6, 2.13: damaged tags are read in bounds, with the same outcome whatever lies around them. */
static void damaged_multiboot2_data_is_read_in_bounds(property_run_t *run)
{
    boot_facts_t facts;
    boot_world_t *const world = build_multiboot2(run, &facts);
    boot_world_damage(run, world);
    (void)boot_world_read(run, world, multiboot2_read, BOOT_WORLD_BASE);
}

static boot_world_t *build_pvh(property_run_t *run, boot_facts_t *facts)
{
    boot_world_t *const world = boot_world_open(run);
    *facts = (boot_facts_t){0};
    world->next = 56;
    boot_world_put_at(world, 0, 0x336ec578, 4);
    boot_world_put_at(world, 4, 1, 4);

    const uint64_t region_count = property_draw(run, ENTRIES_MAX);
    boot_world_align(world, 8);
    boot_world_put_at(world, 40, boot_world_address(world), 8);
    boot_world_put_at(world, 48, region_count, 4);
    boot_world_expect(world, boot_world_address(world), region_count * 24, MEMORY_REGION_RESERVED);
    for (uint64_t i = 0; i < region_count; i++) {
        const memory_region_t region = boot_world_draw_region(run);
        static const uint32_t types[] = {
            [MEMORY_REGION_AVAILABLE] = 1, [MEMORY_REGION_RESERVED] = 2, [MEMORY_REGION_ACPI_RECLAIMABLE] = 3,
            [MEMORY_REGION_ACPI_NVS] = 4,  [MEMORY_REGION_BAD] = 5,
        };
        boot_world_put(run, world, region.base.value, 8);
        boot_world_put(run, world, region.size_bytes, 8);
        boot_world_put(run, world, types[region.type], 8);
        boot_world_expect(world, region.base.value, region.size_bytes, region.type);
    }
    facts->has_memory = region_count != 0;

    const uint64_t module_count = property_draw(run, 4);
    boot_world_put_at(world, 12, module_count, 4);
    boot_world_put_at(world, 16, boot_world_address(world), 8);
    boot_world_expect(world, boot_world_address(world), module_count * 32, MEMORY_REGION_RESERVED);
    for (uint64_t i = 0; i < module_count; i++) {
        const uint64_t from = property_draw(run, 1u << 30);
        const uint64_t size = property_draw(run, 1u << 16);
        boot_world_put(run, world, from, 8);
        boot_world_put(run, world, size, 8);
        boot_world_put(run, world, 0, 8);
        boot_world_put(run, world, 0, 8);
        boot_world_expect(world, from, size, MEMORY_REGION_RESERVED);
        facts->modules += size != 0;
    }

    if (property_bool(run)) {
        facts->has_cmdline = true;
        draw_text(run, facts->cmdline, sizeof(facts->cmdline));
        boot_world_put_at(world, 24, boot_world_address(world), 8);
        boot_world_expect(world, boot_world_address(world), text_length(facts->cmdline) + 1, MEMORY_REGION_RESERVED);
        boot_world_put_text(run, world, facts->cmdline);
    }
    if (property_bool(run)) {
        facts->has_rsdp = true;
        boot_world_put_at(world, 32, boot_world_address(world), 8);
    }
    boot_world_expect(world, BOOT_WORLD_BASE, 56, MEMORY_REGION_RESERVED);
    return world;
}

/* Validates 2.6, 2.9, 2.13, 6.1: sound PVH start info arrives whole. */
static void sound_pvh_data_arrives_whole(property_run_t *run)
{
    boot_facts_t facts;
    boot_world_t *const world = build_pvh(run, &facts);
    const boot_outcome_t *const outcome = boot_world_read(run, world, pvh_read, BOOT_WORLD_BASE);
    expect_facts(run, &facts, outcome);
    boot_world_expect_map(run, world, outcome);
}

/* Validates 2.6, 2.13: damaged start info, with pointers to anywhere, is read in bounds. */
static void damaged_pvh_data_is_read_in_bounds(property_run_t *run)
{
    boot_facts_t facts;
    boot_world_t *const world = build_pvh(run, &facts);
    boot_world_damage(run, world);
    (void)boot_world_read(run, world, pvh_read, BOOT_WORLD_BASE);
}

/* Validates 2.13: random bytes that start like boot data, read at any address. */
static void random_bytes_are_read_in_bounds(property_run_t *run)
{
    boot_world_t *const world = boot_world_open(run);
    const uint64_t length = 16 + property_draw(run, 200);
    for (uint64_t i = 0; i < length; i++) {
        /* Small numbers make tags and counts that lead on. */
        boot_world_put(run, world, property_bool(run) ? property_draw(run, 32) : 0, 1);
    }
    const bool is_pvh = property_bool(run);
    boot_world_put_at(world, 0, is_pvh ? 0x336ec578 : length, 4);
    world->window_bytes = property_draw(run, length + 1);
    const uint64_t address = property_bool(run) ? BOOT_WORLD_BASE : property_bits64(run) >> property_draw(run, 64);
    (void)boot_world_read(run, world, is_pvh ? pvh_read : multiboot2_read, address);
}

/* For boot_world_read(): the ACPI reader, which has no status of its own. */
static status_t read_acpi(const boot_window_t *window, physical_address_t address, boot_data_t *boot)
{
    boot->has_rsdp = true;
    boot->rsdp = address;
    acpi_tables_reserve(window, boot);
    return STATUS_OK;
}

/* Puts a table with `entries` addresses behind its header; returns where it is. */
static uint64_t put_table(property_run_t *run, boot_world_t *world, uint32_t signature, uint64_t length)
{
    const uint64_t address = boot_world_address(world);
    boot_world_put(run, world, signature, 4);
    boot_world_put(run, world, length, 4);
    world->next = address - BOOT_WORLD_BASE + length;
    boot_world_expect(world, address, length, MEMORY_REGION_ACPI_RECLAIMABLE);
    return address;
}

static void fix_checksum(boot_world_t *world, uint64_t offset, size_t length, uint64_t at)
{
    uint8_t sum = 0;
    boot_world_put_at(world, at, 0, 1);
    for (size_t i = 0; i < length; i++) {
        sum = (uint8_t)(sum + world->memory[0][BOOT_WORLD_MARGIN + offset + i]);
    }
    boot_world_put_at(world, at, (uint8_t)-sum, 1);
}

static boot_world_t *build_acpi(property_run_t *run)
{
    boot_world_t *const world = boot_world_open(run);
    const bool is_new = property_bool(run);
    const size_t entry_size = is_new ? 8 : 4;
    const uint64_t count = property_draw(run, 8);
    world->next = 40;
    const uint64_t list = put_table(run, world, 0x54445352, 36 + count * entry_size);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t table = put_table(run, world, 0x43495041 + (uint32_t)i, 36 + property_draw(run, 100));
        boot_world_put_at(world, list - BOOT_WORLD_BASE + 36 + i * entry_size, table, entry_size);
    }
    boot_world_put_at(world, 0, UINT64_C(0x2052545020445352), 8);
    boot_world_put_at(world, 15, is_new ? 2 : 0, 1);
    boot_world_put_at(world, is_new ? 24 : 16, list, entry_size);
    fix_checksum(world, 0, 20, 8);
    boot_world_expect(world, BOOT_WORLD_BASE, is_new ? 36 : 20, MEMORY_REGION_ACPI_RECLAIMABLE);
    return world;
}

/* Validates 2.9: every ACPI table that the root pointer leads to is kept. */
static void every_acpi_table_is_kept(property_run_t *run)
{
    boot_world_t *const world = build_acpi(run);
    const boot_outcome_t *const outcome = boot_world_read(run, world, read_acpi, BOOT_WORLD_BASE);
    PROPERTY_EXPECT(run, outcome->boot.has_rsdp);
    boot_world_expect_map(run, world, outcome);
}

/* Validates 2.9, 2.13: damaged tables, pointing at each other or anywhere, are read in bounds and come to an end. */
static void damaged_acpi_tables_are_read_in_bounds(property_run_t *run)
{
    boot_world_t *const world = build_acpi(run);
    boot_world_damage(run, world);
    if (property_bool(run)) {
        fix_checksum(world, 0, 20, 8);
    }
    (void)boot_world_read(run, world, read_acpi, BOOT_WORLD_BASE);
}

PROPERTY_SUITE(boot, PROPERTY(sound_multiboot2_data_arrives_whole, "2.6 2.9 2.13 6.1"),
               PROPERTY(damaged_multiboot2_data_is_read_in_bounds, "2.6 2.13"),
               PROPERTY(sound_pvh_data_arrives_whole, "2.6 2.9 2.13 6.1"),
               PROPERTY(damaged_pvh_data_is_read_in_bounds, "2.6 2.13"),
               PROPERTY(random_bytes_are_read_in_bounds, "2.13"), PROPERTY(every_acpi_table_is_kept, "2.9"),
               PROPERTY(damaged_acpi_tables_are_read_in_bounds, "2.9 2.13"));
