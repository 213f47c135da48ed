/*
 * //kern/slab: stats, caches, usage.
 */
#include "fs/kfs_nodes.h"
#include "fs/kfs_table.h"

static void read_stats(const kfs_node_t *node, text_writer_t *writer)
{
    (void)node;
    stats_slab_t stats;
    stats_slab_take(&stats);
    kfs_table_single(writer, &stats_slab_layout, &stats);
}

static void write_cache_row(kmem_cache_t *cache, void *argument)
{
    kmem_cache_stats_t one;
    stats_cache_t row;
    kmem_cache_stats(cache, &one);
    stats_cache_from(&one, &row);
    kfs_table_row(argument, one.name, &stats_cache_layout, &row);
}

static void read_caches(const kfs_node_t *node, text_writer_t *writer)
{
    (void)node;
    kfs_table_header(writer, "name", &stats_cache_layout);
    kmem_caches_visit(write_cache_row, writer);
}

static void write_usage_row(kmem_cache_t *cache, void *argument)
{
    kmem_cache_stats_t one;
    stats_usage_t row;
    kmem_cache_stats(cache, &one);
    stats_usage_from(&one, &row);
    kfs_table_row(argument, one.name, &stats_usage_layout, &row);
}

static void read_usage(const kfs_node_t *node, text_writer_t *writer)
{
    (void)node;
    stats_usage_t large;
    kfs_table_header(writer, "name", &stats_usage_layout);
    kmem_caches_visit(write_usage_row, writer);
    stats_usage_large_take(&large);
    kfs_table_row(writer, "large", &stats_usage_layout, &large);
}

static kfs_node_t stats_node = {.name = "stats", .read = read_stats};
static kfs_node_t caches_node = {.name = "caches", .read = read_caches};
static kfs_node_t usage_node = {.name = "usage", .read = read_usage};

status_t kfs_add_slab_nodes(kfs_t *kfs)
{
    static const kfs_placement_t placements[] = {
        {"//kern/slab", &stats_node},
        {"//kern/slab", &caches_node},
        {"//kern/slab", &usage_node},
    };
    return kfs_place(kfs, placements, ARRAY_COUNT(placements));
}
