/*
 * What the kernel adds to the slab core's tiers (mm/slab_tier.h): words of the command line, names for addresses,
 * time, backtraces, and a report of what is still held at the end.
 */
#include "kernel/slab_watch.h"

#include "arch/inline.h"
#include "arch/timer.h"
#include "arch/trap.h"
#include "base/log.h"
#include "base/text.h"
#include "kernel/cmdline.h"
#include "kernel/process.h"
#include "kernel/symbols.h"
#include "mm/slab_debug.h"
#include "mm/slab_tier.h"

/* Objects that can be tracked at once: 1 MiB of records. */
#define RECORDS_DEFAULT 16384u

/* Sites that are told one by one at the end; the rest is a number. */
#define SITES_TOLD_MAX 20u

/* Room for a value of the command line, and for a key: "slab." and a cache's name. */
#define VALUE_MAX 24u
#define KEY_MAX   (5 + KMEM_CACHE_NAME_MAX + 1)

/* A name for a return address: it is looked up by the call before it, as in a panic's backtrace. */
static void write_address(text_writer_t *writer, uintptr_t address)
{
    const symbol_table_t table = symbols_of_image();
    const char *name;
    uint64_t offset;
    if (symbol_find(&table, address - 1, &name, &offset)) {
        text_format(writer, "%s+0x%llx", name, (unsigned long long)offset + 1);
    } else {
        text_format(writer, "0x%zx", (size_t)address);
    }
}

static size_t backtrace(uintptr_t *addresses, size_t capacity)
{
    return trap_backtrace(0, addresses, capacity);
}

static const slab_debug_hooks_t hooks = {
    .write_address = write_address,
    .backtrace = backtrace,
    .now_nanoseconds = timer_nanoseconds,
    .owner = process_owner,
};

/* The tier that `key` names on the command line, or `otherwise`. */
static slab_tier_t tier_from(const char *key, slab_tier_t otherwise)
{
    char value[VALUE_MAX];
    slab_tier_t tier = otherwise;
    if (cmdline_get_param(key, value, sizeof value) == STATUS_OK) {
        if (!slab_tier_parse(value, &tier)) {
            log_line("slab: \"%s=%s\" is not known; fast, guarded and debug are", key, value);
        }
    }
    return tier;
}

/* The tier of caches that the command line does not name. */
static slab_tier_t common_tier;

static slab_tier_t tier_of_cache(const char *name)
{
    char key[KEY_MAX];
    (void)text_print(key, sizeof key, "slab.%s", name);
    return tier_from(key, common_tier);
}

/* A number of the command line; `otherwise` when it is not there or is none. */
static uint64_t number_from(const char *key, uint64_t otherwise)
{
    char value[VALUE_MAX];
    uint64_t number = otherwise;
    if (cmdline_get_param(key, value, sizeof value) == STATUS_OK && !text_parse_u64(value, true, &number)) {
        log_line("slab: \"%s=%s\" is no number", key, value);
    }
    return number;
}

static void tell_tier(kmem_cache_t *cache, void *argument)
{
    kmem_cache_stats_t stats;
    (void)argument;
    kmem_cache_stats(cache, &stats);
    if (slab_tier_of(cache) != common_tier) {
        log_line("slab: cache %s in tier %s", stats.name, slab_tier_name(slab_tier_of(cache)));
    }
}

status_t slab_watch_start(void)
{
    (void)slab_debug_set_hooks(&hooks);
    common_tier = tier_from("slab", SLAB_TIER_FAST);
    if (common_tier == SLAB_TIER_FAST && !cmdline_has_prefix(&cmdline_boot, "slab.")) {
        return STATUS_OK;
    }
    const slab_debug_config_t config = {
        .records = number_from("slab.records", RECORDS_DEFAULT),
        .quarantine_bytes = number_from("slab.quarantine", SLAB_QUARANTINE_BYTES_DEFAULT),
        .seed = number_from("slab.seed", cycle_counter()),
    };
    if (slab_debug_start(&config) != STATUS_OK) {
        log_line("slab: no memory for records; all caches stay in tier fast");
        return STATUS_OK;
    }
    log_line("slab: tier %s, seed %llu", slab_tier_name(common_tier), (unsigned long long)config.seed);
    const status_t status = slab_tier_set_rule(tier_of_cache);
    kmem_caches_visit(tell_tier, NULL);
    return status;
}

/* Writes a line for each site that holds objects; returns how many objects that are. */
static uint64_t tell_sites(void)
{
    uint64_t objects = 0;
    uint32_t told = 0;
    slab_site_t site;
    for (uint32_t number = 0; slab_debug_site(number, &site); number++) {
        objects += site.objects_live;
        if (site.objects_live != 0 && told++ < SITES_TOLD_MAX) {
            char text[400];
            text_writer_t writer = text_writer(text, sizeof text);
            slab_debug_write_site(&writer, &site);
            log_line("leak: %llu objects, %llu bytes, allocated by %s", (unsigned long long)site.objects_live,
                     (unsigned long long)site.bytes_live, text);
        }
    }
    if (told > SITES_TOLD_MAX) {
        log_line("leak: and %u more places", told - SITES_TOLD_MAX);
    }
    return objects;
}

void slab_watch_end(void)
{
    if (!slab_debug_is_on()) {
        return;
    }
    if (tell_sites() == 0) {
        log_line("leak: none in caches that are tracked");
    }
    if (slab_debug_untracked() != 0) {
        log_line("slab: %llu objects were not tracked, for lack of room", (unsigned long long)slab_debug_untracked());
    }
    slab_debug_stop();
}
