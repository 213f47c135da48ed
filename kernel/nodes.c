/*
 * //kern/cmdline, //kern/log and //kern/cpu/info.
 */
#include "nodes.h"

#include "arch/cpu.h"
#include "fs/kfs_nodes.h"
#include "kernel/cmdline.h"
#include "kernel/log.h"

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

static kfs_node_t cmdline_node = {.name = "cmdline", .read = read_cmdline};
static kfs_node_t log_node = {.name = "log", .read = read_log};
static kfs_node_t cpu_info_node = {.name = "info", .read = read_cpu_info};

status_t kernel_add_nodes(kfs_t *kfs)
{
    static const kfs_placement_t placements[] = {
        {"//kern", &cmdline_node},
        {"//kern", &log_node},
        {"//kern/cpu", &cpu_info_node},
    };
    return kfs_place(kfs, placements, ARRAY_COUNT(placements));
}
