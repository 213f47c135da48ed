/*
 * //proc/<pid>/{status,mem,maps} and //kern/process/{stats,leaks}.
 *
 * A process's nodes are part of its record. They go when the process ends, readers or not; each of the four keeps the
 * record until its last reader is done. A reader that found a file just before the end gets the last numbers, and an
 * empty table of areas: never a space that is being taken apart.
 */
#include "fs/kfs_nodes.h"
#include "fs/kfs_table.h"
#include "process_internal.h"

enum { FILE_STATUS, FILE_MEM, FILE_MAPS, FILE_COUNT };

_Static_assert(FILE_COUNT == PROCESS_FILES, "each file has its node");

kfs_t *process_kfs;

/* ---- layouts ---- */

#define STATUS_FIELDS(FIELD) \
    FIELD(pid)               \
    FIELD(parent)            \
    FIELD(cpu)               \
    FIELD(ticks)             \
    FIELD(slices)            \
    FIELD(calls)             \
    FIELD(faults)            \
    FIELD(handles)           \
    FIELD(handles_max)       \
    FIELD(family)            \
    FIELD(family_max)

typedef struct status_numbers {
#define DECLARE(field) uint64_t field;
    STATUS_FIELDS(DECLARE)
#undef DECLARE
} status_numbers_t;

#define STATUS_ROW(field) {#field, offsetof(status_numbers_t, field)},
static const stats_field_t status_fields[] = {STATUS_FIELDS(STATUS_ROW)};
static const char *const status_laws[] = {"handles <= handles_max", NULL};
static const stats_layout_t status_layout = {status_fields, ARRAY_COUNT(status_fields), status_laws};

#define SPACE_ROW(field)  {#field, offsetof(process_memory_t, space.field)},
#define MEMORY_ROW(field) {#field, offsetof(process_memory_t, field)},
static const stats_field_t memory_fields[] = {ADDRESS_SPACE_STATS_FIELDS(SPACE_ROW) MEMORY_ROW(quota_pages) MEMORY_ROW(
    quota_pages_max) MEMORY_ROW(quota_areas) MEMORY_ROW(quota_areas_max)};
static const char faults_law[] = "faults = faults_zero + faults_copy + faults_reuse + faults_shared + faults_spurious"
                                 " + faults_refused + faults_no_memory";

static const char *const memory_laws[] = {
    "pages_resident = pages_private + pages_shared",
    "pages_large * 512 <= pages_private",
    "pages_resident * 4096 <= bytes_mapped",
    "bytes_mapped <= bytes_mapped_peak",
    faults_law,
    NULL,
};
const stats_layout_t process_memory_layout = {memory_fields, ARRAY_COUNT(memory_fields), memory_laws};

#define ALL_ROW(field) {#field, offsetof(process_stats_t, field)},
static const stats_field_t all_fields[] = {PROCESS_STATS_FIELDS(ALL_ROW)};
static const char *const all_laws[] = {
    "created = live + ended",
    "ended = exits + faults + kills + out_of_memory",
    "live <= records",
    NULL,
};
const stats_layout_t process_stats_layout = {all_fields, ARRAY_COUNT(all_fields), all_laws};

/* ---- texts ---- */

void process_write_name(text_writer_t *writer, const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        text_char(writer, *at > ' ' && *at <= '~' ? *at : '_');
    }
}

static void read_status(const kfs_node_t *node, text_writer_t *writer)
{
    process_t *const process = node->context;
    status_numbers_t numbers = {
        .pid = process->pid,
        .cpu = atomic_load_explicit(&process->cpu, memory_order_relaxed),
        .ticks = atomic_load_explicit(&process->ticks, memory_order_relaxed),
        .slices = atomic_load_explicit(&process->slices, memory_order_relaxed),
        .calls = atomic_load_explicit(&process->calls, memory_order_relaxed),
        .faults = atomic_load_explicit(&process->faults, memory_order_relaxed),
    };
    const spinlock_hold_t hold = process_lock();
    const process_state_t state = process->state;
    numbers.parent = process->parent;
    for (size_t index = 0; index < SYSTEM_HANDLES_MAX; index++) {
        numbers.handles += process->handles[index].file != NULL || process->handles[index].object != NULL;
    }
    process_unlock(hold);
    numbers.handles_max = SYSTEM_HANDLES_MAX;
    numbers.family = quota_used(process->quota, QUOTA_PROCESSES);
    numbers.family_max = quota_max(process->quota, QUOTA_PROCESSES);
    text_string(writer, "name state ");
    kfs_table_header(writer, NULL, &status_layout);
    process_write_name(writer, process->name);
    text_format(writer, " %s ", process_state_name(state));
    kfs_table_row(writer, NULL, &status_layout, &numbers);
}

static void read_mem(const kfs_node_t *node, text_writer_t *writer)
{
    process_t *const process = node->context;
    process_memory_t memory = {
        .quota_pages = quota_used(process->quota, QUOTA_PAGES),
        .quota_pages_max = quota_max(process->quota, QUOTA_PAGES),
        .quota_areas = quota_used(process->quota, QUOTA_AREAS),
        .quota_areas_max = quota_max(process->quota, QUOTA_AREAS),
    };
    address_space_t *const space = process_space_get(process);
    if (space != NULL) {
        address_space_stats(space, &memory.space);
        process_space_put(process);
    } else {
        const spinlock_hold_t hold = process_lock();
        memory.space = process->last_stats;
        process_unlock(hold);
    }
    kfs_table_single(writer, &process_memory_layout, &memory);
}

static bool write_area(const vm_area_info_t *area, void *argument)
{
    char rights[4];
    vm_access_text(area->access, rights);
    text_format(argument, "0x%llx 0x%llx %s %s %llu 0x%llx\n", (unsigned long long)area->start,
                (unsigned long long)area->end, rights,
                (area->flags & VM_GUARD) != 0 ? "guard"
                : area->is_shared             ? "shared"
                                              : "private",
                (unsigned long long)area->object_id, (unsigned long long)area->object_offset);
    return true;
}

static void read_maps(const kfs_node_t *node, text_writer_t *writer)
{
    process_t *const process = node->context;
    text_string(writer, "start end access kind object offset\n");
    address_space_t *const space = process_space_get(process);
    if (space != NULL) {
        address_space_visit(space, write_area, writer);
        process_space_put(process);
    }
}

static void read_all(const kfs_node_t *node, text_writer_t *writer)
{
    (void)node;
    process_stats_t stats;
    process_stats(&stats);
    kfs_table_single(writer, &process_stats_layout, &stats);
}

static void read_leaks(const kfs_node_t *node, text_writer_t *writer)
{
    uint64_t number = 0;
    (void)node;
    text_string(writer, "pid name objects bytes site\n");
    while (process_leak_kept(&number, writer)) {
    }
}

/* ---- nodes ---- */

static kfs_node_t all_node = {.name = "stats", .read = read_all};
static kfs_node_t leaks_node = {.name = "leaks", .read = read_leaks};

status_t process_nodes_init(kfs_t *kfs)
{
    static const kfs_placement_t placements[] = {{"//kern/process", &all_node}, {"//kern/process", &leaks_node}};
    process_kfs = kfs;
    const status_t status = kfs_make_directory(kfs, "//proc");
    return status == STATUS_OK ? kfs_place(kfs, placements, ARRAY_COUNT(placements)) : status;
}

static void release_nothing(kfs_node_t *node)
{
    (void)node;
}

void process_nodes_end(void)
{
    /* The directories stay: they are the tree's own. A file has no entries, so nothing can keep it. */
    (void)kfs_detach(process_kfs, &all_node, release_nothing);
    (void)kfs_detach(process_kfs, &leaks_node, release_nothing);
}

static void release_record(kfs_node_t *node)
{
    process_release(node->context);
}

/* Puts one node, with a reference to its record, into a directory. */
static status_t add(process_t *process, const char *directory, kfs_node_t *node)
{
    process_retain(process);
    const status_t status = kfs_add(process_kfs, directory, node);
    if (status != STATUS_OK) {
        process_release(process);
    }
    return status;
}

/* Takes the first `count` files away, and the directory. Nobody else puts anything there, so it is never busy. */
static void remove_files(process_t *process, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        (void)kfs_detach(process_kfs, &process->files[index], release_record);
    }
    (void)kfs_detach(process_kfs, &process->directory, release_record);
}

status_t process_nodes_add(process_t *process)
{
    static const struct {
        const char *name;
        kfs_read_function_t read;
    } kinds[FILE_COUNT] = {
        [FILE_STATUS] = {"status", read_status},
        [FILE_MEM] = {"mem", read_mem},
        [FILE_MAPS] = {"maps", read_maps},
    };
    char path[32];
    (void)text_print(process->pid_text, sizeof(process->pid_text), "%u", process->pid);
    (void)text_print(path, sizeof(path), "//proc/%s", process->pid_text);
    process->directory = (kfs_node_t){.name = process->pid_text, .context = process};
    status_t status = add(process, "//proc", &process->directory);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t index = 0; index < FILE_COUNT; index++) {
        process->files[index] = (kfs_node_t){.name = kinds[index].name, .read = kinds[index].read, .context = process};
        status = add(process, path, &process->files[index]);
        if (status != STATUS_OK) {
            remove_files(process, index);
            return status;
        }
    }
    return STATUS_OK;
}

void process_nodes_remove(process_t *process)
{
    remove_files(process, FILE_COUNT);
}
