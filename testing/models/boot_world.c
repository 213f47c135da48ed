/*
 * Memory with boot data in it: testing/models/boot_world.h.
 */
#include "testing/models/boot_world.h"

#include "base/text.h"

#define LIMIT             TIB(64)
#define MARGIN_BYTE(twin) ((uint8_t)((twin) == 0 ? 0x01 : 0xfe))

boot_world_t *boot_world_open(property_run_t *run)
{
    boot_world_t *const world = property_alloc(run, sizeof(*world));
    for (size_t i = 0; i < sizeof(world->memory[0]); i++) {
        const bool is_margin = i < BOOT_WORLD_MARGIN || i >= BOOT_WORLD_MARGIN + BOOT_WORLD_BYTES;
        for (size_t twin = 0; twin < BOOT_WORLD_TWINS; twin++) {
            world->memory[twin][i] = is_margin ? MARGIN_BYTE(twin) : 0;
        }
    }
    world->window_bytes = BOOT_WORLD_BYTES;
    memory_map_init(&world->expected);
    return world;
}

void boot_world_put_at(boot_world_t *world, uint64_t offset, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size && offset + i < BOOT_WORLD_BYTES; i++) {
        for (size_t twin = 0; twin < BOOT_WORLD_TWINS; twin++) {
            world->memory[twin][BOOT_WORLD_MARGIN + offset + i] = (uint8_t)(value >> 8 * i);
        }
    }
}

void boot_world_put(property_run_t *run, boot_world_t *world, uint64_t value, size_t size)
{
    PROPERTY_EXPECT(run, world->next + size <= BOOT_WORLD_BYTES);
    boot_world_put_at(world, world->next, value, size);
    world->next += size;
}

void boot_world_put_text(property_run_t *run, boot_world_t *world, const char *text)
{
    for (; *text != '\0'; text++) {
        boot_world_put(run, world, (uint8_t)*text, 1);
    }
    boot_world_put(run, world, 0, 1);
}

void boot_world_align(boot_world_t *world, uint64_t alignment)
{
    world->next = align_up(world->next, alignment);
}

uint64_t boot_world_address(const boot_world_t *world)
{
    return BOOT_WORLD_BASE + world->next;
}

memory_region_t boot_world_draw_region(property_run_t *run)
{
    static const uint64_t bases[] = {0, KIB(640), MIB(1), MIB(16), GIB(4), GIB(64), UINT64_MAX - MIB(1)};
    const uint64_t base = bases[property_draw(run, ARRAY_COUNT(bases))] + property_draw(run, 64) * 512;
    const uint64_t size = property_draw(run, 5) == 4 ? property_bits64(run) : property_draw(run, 64) * 1024;
    const memory_region_type_t type = boot_region_type((uint32_t)property_draw(run, 7));
    return (memory_region_t){physical_address(base), size, type};
}

void boot_world_expect(boot_world_t *world, uint64_t base, uint64_t size_bytes, memory_region_type_t type)
{
    /* What a map refuses, a reader complains about and drops: nothing of it is in the result either way. */
    const status_t status = memory_map_add(&world->expected, physical_address(base), size_bytes, type);
    (void)status;
}

void boot_world_damage(property_run_t *run, boot_world_t *world)
{
    static const uint64_t numbers[] = {
        0, 1, 7, 8, 23, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff, UINT64_MAX, UINT64_MAX - 7, BOOT_WORLD_BASE};
    const uint64_t count = 1 + property_draw(run, 6);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t offset = property_draw(run, world->next + 8);
        static const size_t sizes[] = {1, 4, 8};
        const size_t size = sizes[property_draw(run, ARRAY_COUNT(sizes))];
        const uint64_t value =
            property_bool(run) ? numbers[property_draw(run, ARRAY_COUNT(numbers))] : property_draw(run, 4096);
        property_note(run, "damage: 0x%llx at offset %llu, %u bytes", (unsigned long long)value,
                      (unsigned long long)offset, (unsigned)size);
        boot_world_put_at(world, offset, value, size);
    }
    if (property_bool(run)) {
        world->window_bytes = property_draw(run, world->next + 16);
        property_note(run, "damage: the window ends after %llu bytes", (unsigned long long)world->window_bytes);
    }
}

static void count_line(void *context, const char *line)
{
    boot_outcome_t *const outcome = context;
    outcome->lines_told += line[0] != '\0';
}

static void read_twin(boot_world_t *world, size_t twin, boot_reader_t reader, uint64_t address)
{
    boot_outcome_t *const outcome = &world->outcomes[twin];
    /* What a cut window leaves out is margin, too. */
    for (uint64_t i = world->window_bytes; i < BOOT_WORLD_BYTES; i++) {
        world->memory[twin][BOOT_WORLD_MARGIN + i] = MARGIN_BYTE(twin);
    }
    const boot_window_t window = {world->memory[twin] + BOOT_WORLD_MARGIN, BOOT_WORLD_BASE, world->window_bytes};
    memory_map_init(&outcome->map);
    outcome->boot = (boot_data_t){
        .map = &outcome->map,
        .cmdline = &outcome->cmdline,
        .report = count_line,
        .report_context = outcome,
    };
    outcome->status = reader(&window, physical_address(address), &outcome->boot);
    outcome->map_status = memory_map_finish(&outcome->map, physical_address(LIMIT));
}

static void expect_same_map(property_run_t *run, const memory_map_t *left, const memory_map_t *right)
{
    PROPERTY_EXPECT_EQUAL(run, left->region_count, right->region_count);
    for (size_t i = 0; i < left->region_count; i++) {
        PROPERTY_EXPECT_EQUAL(run, left->regions[i].base.value, right->regions[i].base.value);
        PROPERTY_EXPECT_EQUAL(run, left->regions[i].size_bytes, right->regions[i].size_bytes);
        PROPERTY_EXPECT_EQUAL(run, left->regions[i].type, right->regions[i].type);
    }
}

const boot_outcome_t *boot_world_read(property_run_t *run, boot_world_t *world, boot_reader_t reader, uint64_t address)
{
    for (size_t twin = 0; twin < BOOT_WORLD_TWINS; twin++) {
        read_twin(world, twin, reader, address);
    }
    const boot_outcome_t *const one = &world->outcomes[0];
    const boot_outcome_t *const other = &world->outcomes[1];
    PROPERTY_EXPECT_STATUS(run, one->status, other->status);
    PROPERTY_EXPECT_STATUS(run, one->map_status, other->map_status);
    expect_same_map(run, &one->map, &other->map);
    PROPERTY_EXPECT_TEXT(run, one->cmdline.text, other->cmdline.text);
    PROPERTY_EXPECT_TEXT(run, one->boot.loader_name, other->boot.loader_name);
    PROPERTY_EXPECT_EQUAL(run, one->boot.module_count, other->boot.module_count);
    PROPERTY_EXPECT_EQUAL(run, one->boot.has_rsdp, other->boot.has_rsdp);
    PROPERTY_EXPECT_EQUAL(run, one->boot.rsdp.value, other->boot.rsdp.value);
    PROPERTY_EXPECT_EQUAL(run, one->boot.complaints, other->boot.complaints);

    PROPERTY_EXPECT_VALID(run, memory_map_validate(&one->map));
    PROPERTY_EXPECT(run, one->lines_told <= one->boot.complaints + 1);
    PROPERTY_EXPECT(run, one->lines_told <= BOOT_COMPLAINTS_TOLD_MAX + 1);
    PROPERTY_EXPECT(run, one->status == STATUS_OK || one->boot.complaints != 0); /* no failure without a word */
    PROPERTY_EXPECT(run, one->boot.module_count <= BOOT_MODULE_MAX);
    PROPERTY_EXPECT_EQUAL(run, text_length(one->cmdline.text), one->cmdline.length);
    return one;
}

void boot_world_expect_map(property_run_t *run, boot_world_t *world, const boot_outcome_t *outcome)
{
    world->scratch = world->expected;
    const status_t status = memory_map_finish(&world->scratch, physical_address(LIMIT));
    PROPERTY_EXPECT_STATUS(run, status, outcome->map_status);
    expect_same_map(run, &world->scratch, &outcome->map);
}
