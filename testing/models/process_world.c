#include "testing/models/process_world.h"

#include "arch/cpu.h"
#include "kernel/process/process_internal.h"
#include "mm/stats.h"
#include "mm/vm.h"

/* More than any CPU needs to bring a process to its end. */
#define END_TRIES_MAX     200000000u
#define BALANCE_TRIES_MAX 100000u

static void take_balance(process_balance_t *balance)
{
    stats_slab_t slab;
    vm_stats_t vm;
    process_stats_t processes;
    stats_slab_take(&slab);
    vm_stats(&vm);
    process_stats(&processes);
    *balance = (process_balance_t){
        .objects = slab.objects_live + slab.large_blocks,
        .spaces = vm.spaces_live,
        .memory_objects = vm.objects_live,
        .space_pages = vm.pages_resident + vm.pages_tables + vm.objects_pages,
        .records = processes.records,
        .live = processes.live,
    };
}

static void remember(process_output_t *output, text_writer_t *writer, const char *bytes, size_t length, const char *end)
{
    const spinlock_hold_t hold = spinlock_lock(&output->lock);
    text_bytes(writer, bytes, length);
    text_string(writer, end);
    spinlock_unlock(&output->lock, hold);
}

static void remember_text(void *context, const char *bytes, size_t length)
{
    process_output_t *const output = context;
    remember(output, &output->writer, bytes, length, "");
}

static void remember_report(void *context, const char *line)
{
    process_output_t *const output = context;
    remember(output, &output->report_writer, line, text_length(line), "\n");
}

void process_world_end_all(void)
{
    process_info_t info;
    process_stats_t stats;
    process_stats(&stats);
    for (uint32_t tries = 0; stats.live != 0 && tries < END_TRIES_MAX; tries++) {
        for (uint32_t pid = 0; process_next(pid, &info); pid = info.pid) {
            (void)process_kill(info.pid); /* one that has ended is as good as killed */
        }
        while (process_run_slice()) {
        }
        cpu_relax();
        process_stats(&stats);
    }
    for (uint32_t pid = 0; process_next(pid, &info); pid = info.pid) {
        system_result_t result;
        (void)process_collect(info.pid, &result);
    }
}

void process_world_expect_balance(process_world_t *world)
{
    process_balance_t now;
    take_balance(&now);
    /* A CPU that has said the end of a process may still be freeing its record. */
    for (uint32_t tries = 0; __builtin_memcmp(&now, &world->before, sizeof(now)) != 0 && tries < BALANCE_TRIES_MAX;
         tries++) {
        cpu_relax();
        take_balance(&now);
    }
    property_run_t *const run = world->run;
    process_stats_t stats;
    process_stats(&stats);
    PROPERTY_EXPECT_VALID(run, stats_validate(&process_stats_layout, &stats));
    PROPERTY_EXPECT_VALID(run, process_validate());
    PROPERTY_EXPECT_EQUAL(run, now.live, world->before.live);
    PROPERTY_EXPECT_EQUAL(run, now.records, world->before.records);
    PROPERTY_EXPECT_EQUAL(run, now.spaces, world->before.spaces);
    PROPERTY_EXPECT_EQUAL(run, now.memory_objects, world->before.memory_objects);
    PROPERTY_EXPECT_EQUAL(run, now.space_pages, world->before.space_pages);
    PROPERTY_EXPECT_EQUAL(run, now.objects, world->before.objects);
}

static void close_world(void *argument)
{
    process_world_end_all();
    process_world_expect_balance(argument);
}

process_world_t *process_world_open(property_run_t *run)
{
    process_world_t *const world = property_alloc(run, sizeof(*world));
    process_world_boot();
    world->run = run;
    take_balance(&world->before);
    property_defer(run, close_world, world);
    return world;
}

status_t process_world_start(process_world_t *world, uint32_t *pid, const char *name, const char *first,
                             const char *second, const char *third)
{
    const char *const words[] = {name, first, second, third};
    process_output_t *const output = &world->outputs[world->started++ % PROCESS_WORLD_OUTPUTS];
    size_t count = 1;
    while (count < ARRAY_COUNT(words) && words[count] != NULL) {
        count++;
    }
    *output = (process_output_t){.sink = {remember_text, remember_report, output}};
    spinlock_init(&output->lock, LOCK_RANK_TEST);
    output->writer = text_writer(output->text, sizeof(output->text));
    output->report_writer = text_writer(output->report, sizeof(output->report));
    const status_t status = process_start_program(count, words, &output->sink, false, pid);
    output->pid = status == STATUS_OK ? *pid : 0;
    return status;
}

static bool contains(const char *text, const char *part)
{
    for (; *text != '\0'; text++) {
        if (text_starts_with(text, part)) {
            return true;
        }
    }
    return *part == '\0';
}

const process_output_t *process_world_output(process_world_t *world, uint32_t pid)
{
    for (size_t index = 0; index < PROCESS_WORLD_OUTPUTS; index++) {
        if (world->outputs[index].pid == pid) {
            return &world->outputs[index];
        }
    }
    return &world->outputs[0];
}

bool process_world_wrote(process_world_t *world, uint32_t pid, const char *part)
{
    return contains(process_world_output(world, pid)->text, part);
}

bool process_world_reported(process_world_t *world, uint32_t pid, const char *part)
{
    return contains(process_world_output(world, pid)->report, part);
}
