/*
 * Leaks told when a process ends: exactly what the kernel forgot of what it allocated on the process's behalf, and
 * nothing that others hold for a reason.
 */
#include "fs/kfs.h"
#include "testing/models/probe.h"
#include "testing/models/process_world.h"
#include "testing/models/slab_tiers.h"

/* ---- tracking, with owners ---- */

typedef struct hooks_before {
    const slab_debug_hooks_t *before;
    slab_debug_hooks_t ours;
} hooks_before_t;

static void restore_hooks(void *argument)
{
    const hooks_before_t *const hooks = argument;
    (void)slab_debug_set_hooks(hooks->before);
}

/* All caches are tracked, in debug, for the rest of the run; before any process is made. */
static void track(property_run_t *run)
{
    slab_debug_config_t config = {.records = 8000, .seed = 1};
    config.quarantine_bytes = property_draw(run, 40000);
    if (slab_debug_is_on()) {
        return; /* by the command line: then also with the kernel's hooks */
    }
    hooks_before_t *const hooks = property_alloc(run, sizeof(*hooks));
    hooks->before = slab_debug_set_hooks(NULL);
    hooks->ours = hooks->before == NULL ? (slab_debug_hooks_t){.owner = NULL} : *hooks->before;
    hooks->ours.owner = process_owner;
    (void)slab_debug_set_hooks(&hooks->ours);
    property_defer(run, restore_hooks, hooks);
    PROPERTY_EXPECT(run, slab_tiers_start(run, &config));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set_all(SLAB_TIER_DEBUG));
}

static uint64_t objects_leaked(void)
{
    process_stats_t stats;
    process_stats(&stats);
    return stats.objects_leaked;
}

/* ---- programs ---- */

/* Starts a drawn program, most of them with children, objects or open files. */
static uint32_t start_any(process_world_t *world)
{
    static const char *const programs[][4] = {
        {"clone", "2", NULL, NULL},         {"share", NULL, NULL, NULL},
        {"leak", "5", NULL, NULL},          {"cat", "//proc", "//kern/process/stats", NULL},
        {"fault", "write", "0x1000", NULL}, {"spin", NULL, NULL, NULL},
        {"hostile", "", "60", NULL},
    };
    property_run_t *const run = world->run;
    const char *const *const words = programs[property_draw(run, ARRAY_COUNT(programs))];
    const char *first = words[1];
    uint32_t pid;
    if (first != NULL && *first == '\0') {
        char *const seed = property_alloc(run, 24);
        (void)text_print(seed, 24, "%llu", (unsigned long long)property_bits64(run));
        first = seed;
    }
    property_note(run, "%s %s", words[0], first == NULL ? "" : first);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_world_start(world, &pid, words[0], first, words[2], words[3]));
    return pid;
}

/* Has it run for a while, then kills it, if it is one that does not end, or whenever that is drawn. */
static void end_any(process_world_t *world, uint32_t pid)
{
    property_run_t *const run = world->run;
    const uint64_t slices = property_draw(run, 6);
    system_result_t result;
    for (uint64_t slice = 0; slice < slices; slice++) {
        (void)process_run_slice();
    }
    (void)process_kill(pid); /* it may have ended by now */
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_wait(pid, &result));
}

/*
 * Validates 3.5, 5.10: programs of any kind, side by side on all CPUs, cut off at any moment, leave nothing that is told
 * as forgotten.
 */
static void programs_that_end_anyhow_leave_nothing_to_tell(property_run_t *run)
{
    track(run);
    process_world_t *const world = process_world_open(run);
    const uint64_t before = objects_leaked();
    uint32_t pids[6];
    const size_t count = property_range(run, 1, ARRAY_COUNT(pids));
    for (size_t index = 0; index < count; index++) {
        pids[index] = start_any(world);
    }
    for (size_t index = 0; index < count; index++) {
        uint64_t objects;
        uint64_t bytes;
        end_any(world, pids[index]);
        slab_debug_owned(pids[index], &objects, &bytes);
        PROPERTY_EXPECT_EQUAL(run, objects, 0);
        PROPERTY_EXPECT(run, !process_world_reported(world, pids[index], "leak: "));
    }
    process_world_end_all(); /* children that were left */
    PROPERTY_EXPECT_EQUAL(run, objects_leaked(), before);
}

/* ---- what processes share ---- */

#define PROBES 4u
#define AREA   UINT64_C(0x20000000)
#define PLACES 8u

typedef struct family {
    process_world_t *world;
    process_output_t *output;
    probe_t probes[PROBES];
} family_t;

static void close_family(void *argument)
{
    family_t *const family = argument;
    for (size_t index = 0; index < PROBES; index++) {
        probe_destroy(&family->probes[index]);
    }
}

/* One call or change in the name of `one`, as its own slice of time would make it. */
static void act(family_t *family, probe_t *one)
{
    static const char path[] = "//kern/process";
    property_run_t *const run = family->world->run;
    const uint64_t action = property_draw(run, 8);
    const uint64_t handle = property_draw(run, 6);
    const uintptr_t place = AREA + property_draw(run, PLACES) * 2 * PAGE_SIZE;
    const uint64_t access = SYSTEM_ACCESS_READ | SYSTEM_ACCESS_WRITE;
    const uint32_t before = process_work_for(one->process->pid);
    switch (action) {
    case 0:
        (void)probe_call(one, SYSTEM_CALL_MAP, place, 2 * PAGE_SIZE, access, 0);
        break;
    case 1:
        if (address_space_load(one->process->space, place, path, sizeof(path), NULL) == STATUS_OK) {
            (void)probe_call(one, SYSTEM_CALL_OPEN, place, sizeof(path) - 1, 0, 0);
        }
        break;
    case 2:
        (void)probe_call(one, SYSTEM_CALL_OBJECT_CREATE, 2 * PAGE_SIZE, 0, 0, 0);
        break;
    case 3: {
        const uint64_t arguments[USER_CALL_ARGUMENTS] = {handle, 0, place, 2 * PAGE_SIZE, access, 0};
        int64_t result;
        (void)process_call(one->process, SYSTEM_CALL_OBJECT_MAP, arguments, &result);
        break;
    }
    case 4:
        (void)probe_call(one, SYSTEM_CALL_UNMAP, place, PAGE_SIZE, 0, 0);
        break;
    case 5:
        (void)probe_call(one, SYSTEM_CALL_CLOSE, handle, 0, 0, 0);
        break;
    default:
        (void)probe_call(one, SYSTEM_CALL_PROTECT, place, PAGE_SIZE, SYSTEM_ACCESS_READ, 0);
        break;
    }
    (void)process_work_for(before);
}

/* Whatever comes of it is fine: pages of one in the other. */
static void share_pages(family_t *family, probe_t *one, probe_t *other)
{
    property_run_t *const run = family->world->run;
    const uintptr_t from = AREA + property_draw(run, PLACES) * 2 * PAGE_SIZE;
    const vm_request_t request = {.address = AREA + GIB(1), .access = VM_READ};
    uintptr_t mapped;
    const uint32_t before = process_work_for(one->process->pid);
    const status_t status = page_map(one->process->space, from, PAGE_SIZE, other->process->space, &request, &mapped);
    (void)process_work_for(before);
    property_note(run, "page_map: %s", status_name(status));
}

static void live_a_moment(family_t *family)
{
    property_run_t *const run = family->world->run;
    probe_t *const one = &family->probes[property_draw(run, PROBES)];
    probe_t *const other = &family->probes[property_draw(run, PROBES)];
    const uint64_t action = property_draw(run, 8);
    if (one->process == NULL) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, probe_create(one, &family->output->sink));
    } else if (action == 0) {
        probe_destroy(one);
    } else if (action == 1 && other->process == NULL) {
        const uint32_t before = process_work_for(one->process->pid);
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, probe_clone(one, other));
        (void)process_work_for(before);
    } else if (action == 2 && other->process != NULL) {
        share_pages(family, one, other);
    } else {
        act(family, one);
    }
}

/*
 * Validates 3.8, 3.11, 5.10: files, objects and pages that went to other processes outlive the one that they were made
 * for, in whatever order these end, and nothing is told of it.
 */
static void what_others_still_hold_is_no_leak(property_run_t *run)
{
    track(run);
    family_t *const family = property_alloc(run, sizeof(*family));
    family->world = process_world_open(run);
    family->output = &family->world->outputs[0];
    uint32_t pid;
    system_result_t result;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_world_start(family->world, &pid, "hello", NULL, NULL, NULL));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_wait(pid, &result)); /* its output serves the probes */
    property_defer(run, close_family, family);
    const uint64_t before = objects_leaked();
    for (uint32_t step = 0; step < run->steps * 2; step++) {
        live_a_moment(family);
        PROPERTY_EXPECT_TEXT(run, "", family->output->report);
        PROPERTY_EXPECT_EQUAL(run, objects_leaked(), before);
    }
    close_family(family);
    PROPERTY_EXPECT_TEXT(run, "", family->output->report);
    PROPERTY_EXPECT_EQUAL(run, objects_leaked(), before);
}

/* ---- what is forgotten ---- */

/* A file of the kernel's whose reader leaves an object behind, the first time. */
typedef struct forgetful {
    property_run_t *run;
    kfs_node_t node;
    kmem_cache_t *cache;
    void *_Atomic object;
} forgetful_t;

static void read_and_forget(const kfs_node_t *node, text_writer_t *writer)
{
    forgetful_t *const forgetful = node->context;
    if (forgetful->object == NULL) {
        forgetful->object = kmem_cache_alloc(forgetful->cache);
    }
    text_string(writer, "forgotten\n");
}

static void close_forgetful(void *argument)
{
    forgetful_t *const forgetful = argument;
    (void)kfs_remove(&kfs_kernel, &forgetful->node); /* no process is left that has it open */
    kmem_cache_free(forgetful->cache, forgetful->object);
    PROPERTY_EXPECT_STATUS(forgetful->run, STATUS_OK, kmem_cache_destroy(forgetful->cache));
}

static forgetful_t *open_forgetful(property_run_t *run, size_t size)
{
    forgetful_t *const forgetful = property_alloc(run, sizeof(*forgetful));
    const kmem_cache_config_t config = {.name = "forgotten", .object_size_bytes = size};
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_create(&config, &forgetful->cache));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set(forgetful->cache, SLAB_TIER_DEBUG));
    forgetful->run = run;
    forgetful->node = (kfs_node_t){.name = "forgetful", .read = read_and_forget, .context = forgetful};
    property_defer(run, close_forgetful, forgetful);
    return forgetful;
}

/* The last row of //kern/process/leaks. */
static const char *last_row(property_run_t *run)
{
    enum { CAPACITY = 32 * 512 };
    char *const text = property_alloc(run, CAPACITY + 1);
    kfs_file_t *file;
    size_t length;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_open(&kfs_kernel, "//kern/process/leaks", &file));
    const status_t status = kfs_read(file, 0, text, CAPACITY, &length);
    kfs_close(file);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, status);
    PROPERTY_EXPECT(run, length > 1 && length < CAPACITY);
    text[length - 1] = '\0'; /* the last line's end */
    const char *row = text;
    for (const char *at = text; *at != '\0'; at++) {
        row = *at == '\n' ? at + 1 : row;
    }
    return row;
}

/* The site that allocated an object, in words. */
static void write_site_of(property_run_t *run, text_writer_t *writer, const void *object)
{
    slab_record_t record;
    slab_site_t site;
    PROPERTY_EXPECT(run, slab_debug_find((uintptr_t)object, &record));
    PROPERTY_EXPECT(run, slab_debug_site(record.allocated_site, &site));
    slab_debug_write_site(writer, &site);
}

/*
 * Validates 5.4, 5.10: an object that the kernel forgets while it works for one of many processes is told once, when
 * that one has ended, with the place that allocated it, and stands in //kern/process.
 */
static void what_the_kernel_forgets_is_told_once_by_call_site(property_run_t *run)
{
    track(run);
    const size_t size = property_range(run, 1, 200);
    forgetful_t *const forgetful = open_forgetful(run, size);
    process_world_t *const world = process_world_open(run);
    const uint64_t before = objects_leaked();
    uint32_t others[3];
    uint32_t pid;
    system_result_t result;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_add(&kfs_kernel, "//kern/process", &forgetful->node));
    const size_t count = property_draw(run, ARRAY_COUNT(others));
    for (size_t index = 0; index < count; index++) {
        others[index] = start_any(world);
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                           process_world_start(world, &pid, "cat", "//kern/process/forgetful", NULL, NULL));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_wait(pid, &result));
    world->before.objects++; /* which this property frees, after the world has ended */
    PROPERTY_EXPECT(run, process_world_wrote(world, pid, "forgotten\n"));

    char line[640];
    text_writer_t writer = text_writer(line, sizeof(line));
    text_format(&writer, "process %u (cat): leak: 1 objects, %llu bytes, allocated by ", pid, (unsigned long long)size);
    write_site_of(run, &writer, forgetful->object);
    text_char(&writer, '\n');
    PROPERTY_EXPECT_TEXT(run, line, process_world_output(world, pid)->report);

    writer = text_writer(line, sizeof(line));
    text_format(&writer, "%u cat 1 %llu ", pid, (unsigned long long)size);
    write_site_of(run, &writer, forgetful->object);
    PROPERTY_EXPECT_TEXT(run, line, last_row(run));

    for (size_t index = 0; index < count; index++) {
        end_any(world, others[index]);
        PROPERTY_EXPECT(run, !process_world_reported(world, others[index], "leak: "));
    }
    process_world_end_all();
    PROPERTY_EXPECT_EQUAL(run, objects_leaked(), before + 1);
}

PROPERTY_SUITE(process_leaks,

               PROPERTY_EFFORT(programs_that_end_anyhow_leave_nothing_to_tell, 10, "3.5 5.10"),
               PROPERTY_EFFORT(what_others_still_hold_is_no_leak, 25, "3.8 3.11 5.10"),
               PROPERTY_EFFORT(what_the_kernel_forgets_is_told_once_by_call_site, 10, "5.4 5.10"));
