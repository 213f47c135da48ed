/*
 * //kern/slab/tier, leaks, trace: what the tiers guarded and debug know (mm/slab_tier.h, mm/slab_debug.h).
 */
#include "arch/inline.h"
#include "fs/kfs_nodes.h"
#include "mm/slab_debug.h"
#include "mm/slab_tier.h"

/* Records when tracking begins by a write: 1 MiB of them. */
#define RECORDS_DEFAULT 16384u

static void write_tier_row(kmem_cache_t *cache, void *argument)
{
    kmem_cache_stats_t stats;
    kmem_cache_stats(cache, &stats);
    text_format(argument, "%s %s\n", stats.name, slab_tier_name(slab_tier_of(cache)));
}

static void read_tier(const kfs_node_t *node, text_writer_t *writer)
{
    (void)node;
    text_string(writer, "name tier\n");
    kmem_caches_visit(write_tier_row, writer);
}

/* Takes the memory for tracking, if no cache was tracked so far. */
static status_t start_tracking(void)
{
    const slab_debug_config_t config = {
        .records = RECORDS_DEFAULT,
        .quarantine_bytes = SLAB_QUARANTINE_BYTES_DEFAULT,
        .seed = cycle_counter(),
    };
    const status_t status = slab_debug_start(&config);
    return status == STATUS_BUSY ? STATUS_OK : status;
}

/* TIER for all caches and new ones, or NAME=TIER for one. */
static status_t write_tier(kfs_node_t *node, const char *text)
{
    char name[KMEM_CACHE_NAME_MAX + 1];
    char word[KMEM_CACHE_NAME_MAX + 1];
    size_t length = 0;
    size_t end = text_length(text);
    slab_tier_t tier;
    (void)node;
    while (text[length] != '\0' && text[length] != '=') {
        length++;
    }
    end -= end != 0 && text[end - 1] == '\n';
    const bool is_one = text[length] == '=';
    const size_t start = is_one ? length + 1 : 0;
    if (end < start || end - start >= sizeof word || length >= sizeof name) {
        return STATUS_INVALID;
    }
    text_print(word, sizeof word, "%.*s", (int)(end - start), text + start);
    text_print(name, sizeof name, "%.*s", (int)length, text);
    if (!slab_tier_parse(word, &tier)) {
        return STATUS_INVALID;
    }
    const status_t status = tier == SLAB_TIER_FAST ? STATUS_OK : start_tracking();
    if (status != STATUS_OK) {
        return status;
    }
    return is_one ? slab_tier_set_named(name, tier) : slab_tier_set_all(tier);
}

static void read_leaks(const kfs_node_t *node, text_writer_t *writer)
{
    slab_site_t site;
    (void)node;
    text_string(writer, "objects bytes allocations site\n");
    for (uint32_t number = 0; slab_debug_site(number, &site); number++) {
        if (site.objects_live != 0) {
            text_format(writer, "%llu %llu %llu ", (unsigned long long)site.objects_live,
                        (unsigned long long)site.bytes_live, (unsigned long long)site.allocations);
            slab_debug_write_site(writer, &site);
            text_char(writer, '\n');
        }
    }
}

static void read_trace(const kfs_node_t *node, text_writer_t *writer)
{
    static const char *const kinds[] = {
        [SLAB_OPERATION_ALLOC] = "alloc", [SLAB_OPERATION_FREE] = "free", [SLAB_OPERATION_RESIZE] = "resize"};
    slab_operation_t operation;
    slab_site_t site;
    (void)node;
    text_string(writer, "number nanoseconds cpu owner operation cache address size site\n");
    for (uint64_t from = 1; slab_debug_operation(from, &operation); from = operation.number + 1) {
        text_format(writer, "%llu %llu %u %u %s %s %p %u ", (unsigned long long)operation.number,
                    (unsigned long long)operation.time, operation.cpu, operation.owner, kinds[operation.kind],
                    operation.cache, (void *)operation.address, operation.size_bytes);
        if (slab_debug_site(operation.site, &site)) {
            slab_debug_write_site(writer, &site);
        }
        text_char(writer, '\n');
    }
}

static kfs_node_t tier_node = {.name = "tier", .read = read_tier, .write = write_tier};
static kfs_node_t leaks_node = {.name = "leaks", .read = read_leaks};
static kfs_node_t trace_node = {.name = "trace", .read = read_trace};

status_t kfs_add_slab_safety_nodes(kfs_t *kfs)
{
    static const kfs_placement_t placements[] = {
        {"//kern/slab", &tier_node},
        {"//kern/slab", &leaks_node},
        {"//kern/slab", &trace_node},
    };
    return kfs_place(kfs, placements, ARRAY_COUNT(placements));
}
