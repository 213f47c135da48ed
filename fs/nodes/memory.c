/*
 * //kern/mem: map, init, stats/physical, stats/virtual, stats/system, stats/pools.
 */
#include "fs/kfs_nodes.h"
#include "fs/kfs_table.h"

static void read_map(const kfs_node_t *node, text_writer_t *writer)
{
    const memory_map_t *const map = node->context;
    text_string(writer, "base size type\n");
    for (size_t index = 0; index < map->region_count; index++) {
        const memory_region_t *const region = &map->regions[index];
        text_format(writer, "0x%llx 0x%llx %s\n", (unsigned long long)region->base.value,
                    (unsigned long long)region->size_bytes, memory_region_type_name(region->type));
    }
}

/* A status in words, as one word. */
static void write_word(text_writer_t *writer, const char *words)
{
    for (; *words != '\0'; words++) {
        text_char(writer, *words == ' ' ? '_' : *words);
    }
}

/* The names of the steps that one needs, with commas between; '-' when it needs none. */
static void write_needs(text_writer_t *writer, const init_sequence_t *sequence, size_t step)
{
    bool is_first = true;
    for (size_t other = 0; other < sequence->count; other++) {
        if ((sequence->steps[step].needs & INIT_NEEDS(other)) != 0) {
            text_format(writer, is_first ? "%s" : ",%s", sequence->steps[other].name);
            is_first = false;
        }
    }
    text_string(writer, is_first ? "-\n" : "\n");
}

static void read_init(const kfs_node_t *node, text_writer_t *writer)
{
    const init_sequence_t *const sequence = node->context;
    text_string(writer, "step state status cycles optional needs\n");
    for (size_t step = 0; step < sequence->count; step++) {
        const init_record_t *const record = &sequence->records[step];
        text_format(writer, "%s %s ", sequence->steps[step].name, init_state_name(record->state));
        write_word(writer, status_name(record->status));
        text_format(writer, " %llu %u ", (unsigned long long)record->cycles, sequence->steps[step].is_optional);
        write_needs(writer, sequence, step);
    }
}

static void read_physical(const kfs_node_t *node, text_writer_t *writer)
{
    (void)node;
    stats_physical_t stats;
    stats_physical_take(&stats);
    kfs_table_single(writer, &stats_physical_layout, &stats);
}

static void read_pools(const kfs_node_t *node, text_writer_t *writer)
{
    (void)node;
    stats_pools_t stats;
    stats_pools_take(&stats);
    kfs_table_single(writer, &stats_pools_layout, &stats);
}

static void read_virtual(const kfs_node_t *node, text_writer_t *writer)
{
    (void)node;
    stats_virtual_t stats;
    stats_virtual_take(&stats);
    kfs_table_single(writer, &stats_virtual_layout, &stats);
}

static void read_system(const kfs_node_t *node, text_writer_t *writer)
{
    (void)node;
    stats_system_t stats;
    stats_system_take(&stats);
    kfs_table_single(writer, &stats_system_layout, &stats);
}

static kfs_node_t map_node = {.name = "map", .read = read_map};
static kfs_node_t init_node = {.name = "init", .read = read_init};
static kfs_node_t physical_node = {.name = "physical", .read = read_physical};
static kfs_node_t virtual_node = {.name = "virtual", .read = read_virtual};
static kfs_node_t system_node = {.name = "system", .read = read_system};
static kfs_node_t pools_node = {.name = "pools", .read = read_pools};

status_t kfs_add_memory_nodes(kfs_t *kfs, const memory_map_t *map, const init_sequence_t *sequence)
{
    static const kfs_placement_t placements[] = {
        {"//kern/mem", &map_node},           {"//kern/mem", &init_node},         {"//kern/mem/stats", &physical_node},
        {"//kern/mem/stats", &virtual_node}, {"//kern/mem/stats", &system_node}, {"//kern/mem/stats", &pools_node},
    };
    map_node.context = (void *)(uintptr_t)map; /* only ever read, through read_map() */
    init_node.context = (void *)(uintptr_t)sequence;
    return kfs_place(kfs, placements, ARRAY_COUNT(placements));
}
