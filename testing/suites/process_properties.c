/*
 * Processes: programs end as they should, whatever runs beside them, and nothing is left of them.
 */
#include "arch/cpu.h"
#include "fs/kfs.h"
#include "fs/kfs_table.h"
#include "mm/address_space.h"
#include "testing/models/process_world.h"

/* ---- programs with a known end ---- */

typedef struct known_program {
    const char *words[4];
    system_end_t end;
    int64_t status;
    const char *writes;
    const char *reports;
} known_program_t;

static const known_program_t known_programs[] = {
    {{"hello"}, SYSTEM_END_EXIT, 0, "hello from process ", ""},
    {{"hello", "two", "words"}, SYSTEM_END_EXIT, 0, ": two words\n", ""},
    {{"cat", "//kern/process/stats"}, SYSTEM_END_EXIT, 0, "live created ended ", ""},
    {{"cat", "//proc"}, SYSTEM_END_EXIT, 0, "/\n", ""},
    {{"cat", "//nowhere"}, SYSTEM_END_EXIT, 1, "cat: //nowhere: can't be read (-3)\n", ""},
    {{"fault", "read", "0"}, SYSTEM_END_FAULT, 0, "", "page fault: read of 0x0000000000000000: no area"},
    {{"fault", "write", "0x1000"}, SYSTEM_END_FAULT, 0, "", "page fault: write of 0x0000000000001000: no area"},
    {{"fault", "write", "0x2000"}, SYSTEM_END_FAULT, 0, "", " access_as+0x"},
    {{"fault", "read", "0x3000"}, SYSTEM_END_FAULT, 0, "", " main+0x"},
    {{"fault", "write", "0x400000"}, SYSTEM_END_FAULT, 0, "", "write of 0x0000000000400000: access denied"},
    {{"fault", "execute", "0x3fffeff000"}, SYSTEM_END_FAULT, 0, "", "execution of 0x0000003fffeff000: access denied"},
    {{"fault", "read", "0x400000"}, SYSTEM_END_EXIT, 0, "fault: that was allowed\n", ""},
    {{"fault", "read", "0x3fffebffff"}, SYSTEM_END_FAULT, 0, "", "read of 0x0000003fffebffff: guard"},
    {{"share"}, SYSTEM_END_EXIT, 0, " wrote, process ", ""},
    {{"clone", "2"}, SYSTEM_END_EXIT, 0, "", ""},
    {{"leak", "20"}, SYSTEM_END_EXIT, 0, "", ""},
    {{"spin", "3000"}, SYSTEM_END_EXIT, 0, "", ""},
};

static status_t start_known(process_world_t *world, const known_program_t *program, uint32_t *pid)
{
    return process_world_start(world, pid, program->words[0], program->words[1], program->words[2], program->words[3]);
}

/* Validates 3.1, 3.2, 3.5, 3.11: any programs at once, on all CPUs, end as each does alone, and give all back. */
static void programs_end_as_they_should_side_by_side(property_run_t *run)
{
    process_world_t *const world = process_world_open(run);
    const known_program_t *chosen[8];
    uint32_t pids[ARRAY_COUNT(chosen)];
    const size_t count = property_range(run, 1, ARRAY_COUNT(chosen));
    for (size_t index = 0; index < count; index++) {
        chosen[index] = &known_programs[property_draw(run, ARRAY_COUNT(known_programs))];
        property_note(run, "%s", chosen[index]->words[0]);
    }
    for (size_t index = 0; index < count; index++) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, start_known(world, chosen[index], &pids[index]));
        PROPERTY_EXPECT_VALID(run, process_validate());
    }
    for (size_t index = 0; index < count; index++) {
        system_result_t result;
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_wait(pids[index], &result));
        property_note(run, "%s%s", process_world_output(world, pids[index])->text,
                      process_world_output(world, pids[index])->report);
        PROPERTY_EXPECT_EQUAL(run, result.end, chosen[index]->end);
        PROPERTY_EXPECT_EQUAL(run, result.status, chosen[index]->status);
        PROPERTY_EXPECT(run, process_world_wrote(world, pids[index], chosen[index]->writes));
        PROPERTY_EXPECT(run, process_world_reported(world, pids[index], chosen[index]->reports));
        PROPERTY_EXPECT_STATUS(run, STATUS_NOT_FOUND, process_collect(pids[index], &result));
    }
}

/*
 * Validates 3.1, 3.2, 3.3, 3.5: programs that try every system call with random arguments hurt nobody but themselves.
 */
static void hostile_programs_hurt_nobody_else(property_run_t *run)
{
    static const char *const witnesses[][2] = {{"clone", "2"}, {"share", NULL}, {"leak", "10"}};
    process_world_t *const world = process_world_open(run);
    char seeds[4][24];
    uint32_t hostile[ARRAY_COUNT(seeds)];
    uint32_t pids[ARRAY_COUNT(witnesses)];
    const size_t count = property_range(run, 1, ARRAY_COUNT(seeds));
    for (size_t index = 0; index < count; index++) {
        (void)text_print(seeds[index], sizeof(seeds[index]), "%llu", (unsigned long long)property_bits64(run));
        property_note(run, "hostile %s", seeds[index]);
    }
    for (size_t index = 0; index < count; index++) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                               process_world_start(world, &hostile[index], "hostile", seeds[index], "80", NULL));
    }
    for (size_t index = 0; index < ARRAY_COUNT(witnesses); index++) {
        PROPERTY_EXPECT_STATUS(
            run, STATUS_OK,
            process_world_start(world, &pids[index], witnesses[index][0], witnesses[index][1], NULL, NULL));
    }
    for (size_t index = 0; index < ARRAY_COUNT(witnesses); index++) {
        system_result_t result;
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_wait(pids[index], &result));
        PROPERTY_EXPECT_EQUAL(run, result.end, SYSTEM_END_EXIT);
        PROPERTY_EXPECT_EQUAL(run, result.status, 0);
    }
    for (size_t index = 0; index < count; index++) {
        system_result_t result;
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_wait(hostile[index], &result));
        PROPERTY_EXPECT(run, result.end != SYSTEM_END_KILL); /* nobody did */
    }
}

/* Validates 3.2, 3.5: a program that never gives its CPU up keeps nobody from running, and ends when it is killed. */
static void a_spinning_program_is_preempted_and_killed(property_run_t *run)
{
    process_world_t *const world = process_world_open(run);
    const size_t count = 1 + property_draw(run, cpu_count() + 1);
    uint32_t spinning[CPU_COUNT_MAX + 1];
    system_result_t result;
    for (size_t index = 0; index < count; index++) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_world_start(world, &spinning[index], "spin", NULL, NULL, NULL));
    }
    uint32_t pid;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_world_start(world, &pid, "hello", "through", NULL, NULL));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_wait(pid, &result));
    PROPERTY_EXPECT(run, process_world_wrote(world, pid, ": through\n"));
    for (size_t index = 0; index < count; index++) {
        PROPERTY_EXPECT_STATUS(run, STATUS_BUSY, process_collect(spinning[index], &result));
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_kill(spinning[index]));
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_wait(spinning[index], &result));
        PROPERTY_EXPECT_EQUAL(run, result.end, SYSTEM_END_KILL);
        PROPERTY_EXPECT_STATUS(run, STATUS_NOT_FOUND, process_kill(spinning[index]));
    }
}

/* ---- the table against a model ---- */

#define MODEL_MAX 12u

typedef struct model_process {
    uint32_t pid; /* 0: none */
    bool was_killed;
} model_process_t;

static void model_step(process_world_t *world, model_process_t *model)
{
    property_run_t *const run = world->run;
    const uint64_t action = property_draw(run, 3);
    model_process_t *const one = &model[property_draw(run, MODEL_MAX)];
    system_result_t result;
    if (action == 0 && one->pid == 0) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_world_start(world, &one->pid, "spin", NULL, NULL, NULL));
        one->was_killed = false;
        for (size_t index = 0; index < MODEL_MAX; index++) {
            PROPERTY_EXPECT(run, &model[index] == one || model[index].pid != one->pid);
        }
    } else if (action == 1) {
        const status_t status = process_kill(one->pid);
        /* The second kill may come before the end of the first one's work, or after. */
        PROPERTY_EXPECT(run, one->was_killed || status == (one->pid != 0 ? STATUS_OK : STATUS_NOT_FOUND));
        one->was_killed = one->pid != 0;
    } else if (action == 2 && (one->pid == 0 || one->was_killed)) {
        const status_t status = process_wait(one->pid, &result);
        PROPERTY_EXPECT_STATUS(run, one->pid != 0 ? STATUS_OK : STATUS_NOT_FOUND, status);
        PROPERTY_EXPECT(run, one->pid == 0 || result.end == SYSTEM_END_KILL);
        *one = (model_process_t){0, false};
    } else if (one->pid != 0 && !one->was_killed) {
        PROPERTY_EXPECT_STATUS(run, STATUS_BUSY, process_collect(one->pid, &result));
    }
}

/* Validates 3.1, 3.5: starts, kills and collections in any order leave the table as a list of numbers says. */
static void the_table_agrees_with_a_list(property_run_t *run)
{
    process_world_t *const world = process_world_open(run);
    model_process_t model[MODEL_MAX] = {{0, false}};
    for (uint32_t step = 0; step < run->steps; step++) {
        model_step(world, model);
        PROPERTY_EXPECT_VALID(run, process_validate());
        uint64_t expected = 0;
        uint64_t found = 0;
        process_info_t info;
        for (size_t index = 0; index < MODEL_MAX; index++) {
            expected += model[index].pid != 0;
        }
        for (uint32_t pid = 0; process_next(pid, &info); pid = info.pid) {
            found++;
        }
        PROPERTY_EXPECT_EQUAL(run, found, expected);
    }
}

/* ---- //proc ---- */

/* Reads a whole file of at most `capacity` - 1 bytes, and ends it. */
static status_t read_file(const char *path, char *text, size_t capacity)
{
    kfs_file_t *file;
    size_t length;
    status_t status = kfs_open(&kfs_kernel, path, &file);
    if (status == STATUS_OK) {
        status = kfs_read(file, 0, text, capacity - 1, &length);
        text[length] = '\0';
        kfs_close(file);
    }
    return status;
}

static uint64_t field_of(property_run_t *run, const char *text, const char *field)
{
    char word[32];
    uint64_t value = 0;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_table_find(text, text_length(text), field, 0, word, sizeof(word)));
    PROPERTY_EXPECT(run, text_parse_u64(word, false, &value));
    return value;
}

/*
 * Validates 3.12, 4.5, 4.10: what //proc shows of a process that runs is whole and keeps its laws, and is gone with
 * it.
 */
static void proc_shows_processes_while_they_live(property_run_t *run)
{
    process_world_t *const world = process_world_open(run);
    char *const text = property_alloc(run, 4096);
    char path[64];
    uint32_t pid;
    kfs_file_t *kept;
    system_result_t result;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_world_start(world, &pid, "spin", NULL, NULL, NULL));
    const uint64_t slices = property_draw(run, 4);
    for (uint64_t slice = 0; slice < slices; slice++) {
        (void)process_run_slice();
    }
    (void)text_print(path, sizeof(path), "//proc/%u/mem", pid);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, read_file(path, text, 4096));
    PROPERTY_EXPECT_EQUAL(run, field_of(run, text, "pages_resident"),
                          field_of(run, text, "pages_private") + field_of(run, text, "pages_shared"));
    PROPERTY_EXPECT(run, field_of(run, text, "pages_resident") * PAGE_SIZE <= field_of(run, text, "bytes_mapped"));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_open(&kfs_kernel, path, &kept));

    (void)text_print(path, sizeof(path), "//proc/%u/status", pid);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, read_file(path, text, 4096));
    PROPERTY_EXPECT_EQUAL(run, field_of(run, text, "pid"), pid);
    PROPERTY_EXPECT_EQUAL(run, field_of(run, text, "parent"), 0);

    (void)text_print(path, sizeof(path), "//proc/%u/maps", pid);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, read_file(path, text, 4096));
    PROPERTY_EXPECT(run, text_starts_with(text, "start end access kind object offset\n0x400000 "));

    PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_kill(pid));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_wait(pid, &result));
    PROPERTY_EXPECT_STATUS(run, STATUS_NOT_FOUND, read_file(path, text, 4096));
    size_t length;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_read(kept, 0, text, 4096, &length));
    PROPERTY_EXPECT(run, length != 0); /* the snapshot outlives the process */
    kfs_close(kept);
}

PROPERTY_SUITE(process,

               PROPERTY_EFFORT(programs_end_as_they_should_side_by_side, 50, "3.1 3.2 3.5 3.11"),
               PROPERTY_EFFORT(hostile_programs_hurt_nobody_else, 10, "3.1 3.2 3.3 3.5"),
               PROPERTY_EFFORT(a_spinning_program_is_preempted_and_killed, 10, "3.2 3.5"),
               PROPERTY_EFFORT(the_table_agrees_with_a_list, 10, "3.1 3.5"),
               PROPERTY_EFFORT(proc_shows_processes_while_they_live, 20, "3.12 4.5 4.10"));
