/*
 * //kern/cmdline, //kern/log, //kern/cpu/info, //kern/cpu/features and //kern/mem/inject, which knows functions by name here.
 */
#include "nodes.h"

#include "arch/cpu.h"
#include "arch/cpu_features.h"
#include "fs/kfs_inject.h"
#include "fs/kfs_nodes.h"
#include "kernel/cmdline.h"
#include "kernel/log.h"
#include "kernel/symbols.h"

static void read_cmdline(const kfs_node_t *node, text_writer_t *writer)
{
    (void)node;
    text_string(writer, cmdline_boot.text);
    text_char(writer, '\n');
}

static void read_log(const kfs_node_t *node, text_writer_t *writer)
{
    (void)node;
    log_write(writer);
}

static void read_cpu_info(const kfs_node_t *node, text_writer_t *writer)
{
    (void)node;
    text_string(writer, "cpu hardware_id timer_ticks\n");
    for (uint32_t index = 0; index < cpu_count(); index++) {
        const cpu_t *const cpu = cpu_by_index(index);
        text_format(writer, "%u %u %llu\n", index, cpu->hardware_id,
                    (unsigned long long)__atomic_load_n(&cpu->timer_ticks, __ATOMIC_RELAXED));
    }
}

static void read_cpu_features(const kfs_node_t *node, text_writer_t *writer)
{
    size_t count;
    const cpu_feature_t *const features = cpu_features(&count);

    (void)node;
    text_string(writer, "name offered on\n");
    for (size_t index = 0; index < count; index++) {
        text_format(writer, "%s %u %u\n", features[index].name, features[index].is_offered ? 1u : 0u,
                    features[index].is_on ? 1u : 0u);
    }
}

/* ---- names of code ---- */

static bool find_function(const char *name, uintptr_t *start, uintptr_t *end)
{
    const symbol_table_t table = symbols_of_image();
    uint64_t first;
    uint64_t last;
    if (!symbol_find_name(&table, name, &first, &last)) {
        return false;
    }
    *start = (uintptr_t)first;
    *end = (uintptr_t)last;
    return true;
}

static void describe_address(uintptr_t address, text_writer_t *writer)
{
    const symbol_table_t table = symbols_of_image();
    const char *name;
    uint64_t offset;
    if (symbol_find(&table, address, &name, &offset)) {
        text_format(writer, "%s+0x%llx", name, (unsigned long long)offset);
    } else {
        text_format(writer, "0x%llx", (unsigned long long)address);
    }
}

static const kfs_code_names_t code_names = {find_function, describe_address};

static kfs_node_t inject_node;
static kfs_node_t cmdline_node = {.name = "cmdline", .read = read_cmdline};
static kfs_node_t log_node = {.name = "log", .read = read_log};
static kfs_node_t cpu_features_node = {.name = "features", .read = read_cpu_features};
static kfs_node_t cpu_info_node = {.name = "info", .read = read_cpu_info};

status_t kernel_add_nodes(kfs_t *kfs)
{
    static const kfs_placement_t placements[] = {
        {"//kern", &cmdline_node},      {"//kern", &log_node},        {"//kern/cpu", &cpu_features_node},
        {"//kern/cpu", &cpu_info_node}, {"//kern/mem", &inject_node},
    };
    inject_node = kfs_inject_node(&code_names);
    return kfs_place(kfs, placements, ARRAY_COUNT(placements));
}
