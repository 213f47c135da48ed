/*
 * meminfo and slabtop: the statistics files of KFS, for people.
 *
 * Both read //kern as any program would, and find fields by name.
 */
#include "fs/kfs_table.h"
#include "mm/kmalloc.h"
#include "shell_commands.h"

#define CELL_MAX     48
#define SECOND       UINT64_C(1000000000)
#define INTERVAL_MAX 3600u
#define COUNT_MAX    1000000u
#define SCREEN_CLEAR "\x1b[H\x1b[2J"

/* Shows one field of a file in memory as "label value KiB", or bare when it is no quantity of bytes. */
static void show_field(shell_t *shell, const char *text, size_t length, const char *field, bool is_bytes)
{
    char cell[CELL_MAX];
    uint64_t value;
    if (kfs_table_find(text, length, field, 0, cell, sizeof(cell)) != STATUS_OK ||
        !text_parse_u64(cell, false, &value)) {
        shell_print(shell, "  %-18s ?\n", field);
        return;
    }
    shell_print(shell, "  %-18s %12llu%s\n", field, (unsigned long long)(is_bytes ? value >> 10 : value),
                is_bytes ? " KiB" : "");
}

/* Shows the fields `names` of the file at `path`; the first `bytes_count` are quantities of bytes. */
static int show_fields(shell_t *shell, const char *path, const char *const *names, size_t count, size_t bytes_count)
{
    char *text;
    size_t length;
    const status_t status = shell_read_file(shell, path, &text, &length);
    if (status != STATUS_OK) {
        return shell_fail(shell, "meminfo", "%s: %s", path, status_name(status));
    }
    shell_print(shell, "%s\n", path);
    for (size_t index = 0; index < count; index++) {
        show_field(shell, text, length, names[index], index < bytes_count);
    }
    kfree(text);
    return SHELL_OK;
}

static int run_meminfo(shell_t *shell, int count, char **arguments)
{
    static const char *const physical[] = {
        "total",     "free",     "used",      "cached",           "reserved",        "invalid",
        "emergency", "metadata", "used_peak", "largest_free_run", "run_allocations", "failed_requests"};
    static const char *const pools[] = {"bytes_held", "bytes_live", "pool_count", "objects_live", "utilization"};
    static const char *const spaces[] = {"total",  "allocated",   "reserved",    "shared",
                                         "kernel", "space_count", "object_count"};
    static const char *const system[] = {"allocations", "live", "failed", "faults", "faults_refused"};
    if (count != 1) {
        return shell_usage(shell, arguments[0]);
    }
    const int first =
        show_fields(shell, "//kern/mem/stats/physical", physical, ARRAY_COUNT(physical), ARRAY_COUNT(physical) - 2);
    const int second = show_fields(shell, "//kern/mem/stats/pools", pools, ARRAY_COUNT(pools), 2);
    const int third =
        show_fields(shell, "//kern/mem/stats/virtual", spaces, ARRAY_COUNT(spaces), ARRAY_COUNT(spaces) - 2);
    const int fourth = show_fields(shell, "//kern/mem/stats/system", system, ARRAY_COUNT(system), 0);
    return first != SHELL_OK ? first : second != SHELL_OK ? second : third != SHELL_OK ? third : fourth;
}

/* A column of slabtop: its field in //kern/slab/caches, and how wide it is shown. */
typedef struct column {
    const char *field;
    int width;
} column_t;

static const column_t columns[] = {
    {"name", -16}, {"object_size", 11}, {"live", 9},    {"total", 9},          {"peak", 9},
    {"slabs", 7},  {"empty", 6},        {"allocs", 12}, {"fragmentation", 13},
};

static int show_caches(shell_t *shell)
{
    char *text;
    size_t length;
    const status_t status = shell_read_file(shell, "//kern/slab/caches", &text, &length);
    if (status != STATUS_OK) {
        return shell_fail(shell, "slabtop", "//kern/slab/caches: %s", status_name(status));
    }
    char cell[CELL_MAX];
    for (size_t index = 0; index < ARRAY_COUNT(columns); index++) {
        shell_print(shell, "%*s ", columns[index].width, columns[index].field);
    }
    shell_print(shell, "\n");
    for (size_t row = 0; kfs_table_find(text, length, "name", row, cell, sizeof(cell)) != STATUS_NOT_FOUND; row++) {
        for (size_t index = 0; index < ARRAY_COUNT(columns); index++) {
            const status_t found = kfs_table_find(text, length, columns[index].field, row, cell, sizeof(cell));
            shell_print(shell, "%*s ", columns[index].width, found == STATUS_OK ? cell : "?");
        }
        shell_print(shell, "\n");
    }
    kfree(text);
    return SHELL_OK;
}

static int show_totals(shell_t *shell)
{
    char *text;
    size_t length;
    const status_t status = shell_read_file(shell, "//kern/slab/stats", &text, &length);
    if (status != STATUS_OK) {
        return shell_fail(shell, "slabtop", "//kern/slab/stats: %s", status_name(status));
    }
    static const char *const fields[] = {"objects_live", "bytes_live",   "bytes_held", "allocations",
                                         "frees",        "remote_frees", "failed",     "large_blocks"};
    char cell[CELL_MAX];
    for (size_t index = 0; index < ARRAY_COUNT(fields); index++) {
        const status_t found = kfs_table_find(text, length, fields[index], 0, cell, sizeof(cell));
        shell_print(shell, "%s %s%s", fields[index], found == STATUS_OK ? cell : "?",
                    index % 4 == 3 || index + 1 == ARRAY_COUNT(fields) ? "\n" : ", ");
    }
    kfree(text);
    return SHELL_OK;
}

/* The options of slabtop: -n times, -d seconds between. False when they make no sense. */
static bool parse_slabtop(int count, char **arguments, uint64_t *times, uint64_t *seconds)
{
    *times = 0;
    *seconds = 1;
    for (int index = 1; index < count; index += 2) {
        uint64_t *const value = text_equal(arguments[index], "-n")   ? times
                                : text_equal(arguments[index], "-d") ? seconds
                                                                     : NULL;
        if (value == NULL || index + 1 == count || !text_parse_u64(arguments[index + 1], false, value)) {
            return false;
        }
    }
    return *times <= COUNT_MAX && *seconds <= INTERVAL_MAX;
}

static int run_slabtop(shell_t *shell, int count, char **arguments)
{
    uint64_t times;
    uint64_t seconds;
    if (!parse_slabtop(count, arguments, &times, &seconds)) {
        return shell_usage(shell, arguments[0]);
    }
    for (uint64_t shown = 1;; shown++) {
        /* One shot goes into logs and pipes: no screen to clear there. */
        shell_print(shell, "%s", times == 1 ? "" : SCREEN_CLEAR);
        int status = show_totals(shell);
        if (status == SHELL_OK) {
            status = show_caches(shell);
        }
        if (status != SHELL_OK || shown == times) {
            return status;
        }
        shell_print(shell, "(any key ends)\n");
        if (shell_wait_key(shell, seconds * SECOND) >= 0 || shell_was_interrupted(shell)) {
            shell->is_interrupted = false; /* the usual way to leave, and so no failure */
            return SHELL_OK;
        }
    }
}

static const shell_command_t commands[] = {
    {"meminfo", "", "shows memory in total, free, used", run_meminfo},
    {"slabtop", "[-n times] [-d secs]", "shows caches, again and again until a key", run_slabtop},
};

const shell_command_table_t shell_memory_commands = {commands, ARRAY_COUNT(commands)};
