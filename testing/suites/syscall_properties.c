/*
 * System calls as functions of a process and six numbers: known calls have known results, handles are what a list
 * says, and no numbers at all, nor a lack of memory, leave anything broken or behind.
 */
#include "fs/kfs.h"
#include "mm/vm.h"
#include "testing/models/failure_sweep.h"
#include "testing/models/probe.h"
#include "testing/models/process_world.h"

#define AREA      UINT64_C(0x20000000) /* two pages that may be written, then one that may be read, then none */
#define READ_ONLY (AREA + 2 * PAGE_SIZE)
#define HOLE      (AREA + 3 * PAGE_SIZE)
#define PATH      "//kern/process/stats"

typedef struct caller {
    property_run_t *run;
    process_sink_t sink;
    probe_t probe;
    uint64_t written;
} caller_t;

static void count_written(void *context, const char *bytes, size_t length)
{
    (void)bytes;
    __atomic_fetch_add(&((caller_t *)context)->written, length, __ATOMIC_RELAXED); /* children write, too */
}

static void pass_over(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static void close_caller(void *argument)
{
    caller_t *const caller = argument;
    probe_destroy(&caller->probe);
}

static status_t map_areas(const caller_t *caller)
{
    uintptr_t address;
    const vm_request_t writable = {
        .address = AREA, .size = 2 * PAGE_SIZE, .access = VM_READ | VM_WRITE, .flags = VM_FIXED};
    const vm_request_t readable = {.address = READ_ONLY, .size = PAGE_SIZE, .access = VM_READ, .flags = VM_FIXED};
    address_space_t *const space = caller->probe.process->space;
    status_t status = address_space_map(space, &writable, &address);
    if (status == STATUS_OK) {
        status = address_space_map(space, &readable, &address);
    }
    if (status == STATUS_OK) {
        status = address_space_load(space, AREA, PATH, sizeof(PATH), NULL);
    }
    return status;
}

static caller_t *open_caller(property_run_t *run)
{
    (void)process_world_open(run); /* sees that nothing is left */
    caller_t *const caller = property_alloc(run, sizeof(*caller));
    caller->run = run;
    caller->sink = (process_sink_t){count_written, pass_over, caller};
    property_defer(run, close_caller, caller);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, probe_create(&caller->probe, &caller->sink));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, map_areas(caller));
    return caller;
}

/* ---- known calls ---- */

typedef struct known_call {
    uint64_t number;
    uint64_t arguments[USER_CALL_ARGUMENTS];
    int64_t result;
} known_call_t;

#define FAILS(status) (-(int64_t)(status))
#define PATH_LENGTH   (sizeof(PATH) - 1)
#define READ_WRITE    (SYSTEM_ACCESS_READ | SYSTEM_ACCESS_WRITE)

/* In order: what one leaves is there for the next. */
static const known_call_t known_calls[] = {
    {SYSTEM_CALL_COUNT, {0}, FAILS(STATUS_UNSUPPORTED)},
    {UINT64_MAX, {0}, FAILS(STATUS_UNSUPPORTED)},
    {SYSTEM_CALL_WRITE, {HOLE, 0}, 0},
    {SYSTEM_CALL_WRITE, {HOLE, 1}, FAILS(STATUS_DENIED)},
    {SYSTEM_CALL_WRITE, {HOLE - 5, 100}, 5},
    {SYSTEM_CALL_WRITE, {AREA, UINT64_MAX}, SYSTEM_WRITE_MAX},
    {SYSTEM_CALL_WRITE, {UINT64_MAX, UINT64_MAX}, FAILS(STATUS_DENIED)},
    {SYSTEM_CALL_OPEN, {AREA, SYSTEM_PATH_MAX + 1}, FAILS(STATUS_OUT_OF_RANGE)},
    {SYSTEM_CALL_OPEN, {AREA, UINT64_MAX}, FAILS(STATUS_OUT_OF_RANGE)},
    {SYSTEM_CALL_OPEN, {HOLE, PATH_LENGTH}, FAILS(STATUS_DENIED)},
    {SYSTEM_CALL_OPEN, {HOLE - 1, 2}, FAILS(STATUS_DENIED)},
    {SYSTEM_CALL_OPEN, {AREA, PATH_LENGTH - 1}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_OPEN, {AREA, PATH_LENGTH + 1}, FAILS(STATUS_INVALID)}, /* with the zero byte behind it */
    {SYSTEM_CALL_OPEN, {AREA + 1, PATH_LENGTH - 1}, FAILS(STATUS_INVALID)},
    {SYSTEM_CALL_OPEN, {AREA, 0}, FAILS(STATUS_INVALID)},
    {SYSTEM_CALL_OPEN, {AREA, PATH_LENGTH}, 0},
    {SYSTEM_CALL_OPEN, {AREA, 6}, 1}, /* the directory //kern */
    {SYSTEM_CALL_OBJECT_CREATE, {0}, FAILS(STATUS_INVALID)},
    {SYSTEM_CALL_OBJECT_CREATE, {SYSTEM_OBJECT_MAX + 1}, FAILS(STATUS_OUT_OF_RANGE)},
    {SYSTEM_CALL_OBJECT_CREATE, {4 * PAGE_SIZE}, 2},
    {SYSTEM_CALL_READ, {0, 0, AREA + PAGE_SIZE, 4}, 4},
    {SYSTEM_CALL_READ, {0, UINT64_MAX, AREA + PAGE_SIZE, 4}, 0},
    {SYSTEM_CALL_READ, {0, 0, READ_ONLY - 2, 4}, 2},
    {SYSTEM_CALL_READ, {0, 0, READ_ONLY, 4}, FAILS(STATUS_DENIED)},
    {SYSTEM_CALL_READ, {0, 0, UINT64_C(0xffffffff80000000), 4}, FAILS(STATUS_DENIED)},
    {SYSTEM_CALL_READ, {1, 0, AREA + PAGE_SIZE, 4}, FAILS(STATUS_INVALID)},
    {SYSTEM_CALL_READ, {2, 0, AREA + PAGE_SIZE, 4}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_READ, {3, 0, AREA + PAGE_SIZE, 4}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_READ, {UINT64_MAX, 0, AREA + PAGE_SIZE, 4}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_READDIR, {0, 0, AREA + PAGE_SIZE}, FAILS(STATUS_INVALID)},
    {SYSTEM_CALL_READDIR, {1, 0, AREA + PAGE_SIZE}, 0},
    {SYSTEM_CALL_READDIR, {1, 0, READ_ONLY - 1}, FAILS(STATUS_DENIED)},
    {SYSTEM_CALL_READDIR, {1, UINT64_MAX, AREA + PAGE_SIZE}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_STAT, {AREA, PATH_LENGTH, AREA + PAGE_SIZE}, 0},
    {SYSTEM_CALL_STAT, {AREA, PATH_LENGTH, HOLE}, FAILS(STATUS_DENIED)},
    {SYSTEM_CALL_STAT, {AREA, PATH_LENGTH - 1, AREA + PAGE_SIZE}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_MAP, {0, 0, READ_WRITE}, FAILS(STATUS_INVALID)},
    {SYSTEM_CALL_MAP, {0, 100, READ_WRITE}, FAILS(STATUS_INVALID)},
    {SYSTEM_CALL_MAP, {0, PAGE_SIZE, 8}, FAILS(STATUS_INVALID)},
    {SYSTEM_CALL_MAP, {0, PAGE_SIZE, READ_WRITE | SYSTEM_ACCESS_EXECUTE}, FAILS(STATUS_DENIED)},
    {SYSTEM_CALL_MAP, {0, SYSTEM_MAP_MAX + PAGE_SIZE, READ_WRITE}, FAILS(STATUS_OUT_OF_RANGE)},
    {SYSTEM_CALL_MAP, {AREA, PAGE_SIZE, READ_WRITE}, FAILS(STATUS_EXISTS)},
    {SYSTEM_CALL_MAP, {PAGE_SIZE, PAGE_SIZE, READ_WRITE}, FAILS(STATUS_INVALID)},
    {SYSTEM_CALL_MAP, {UINT64_C(0xffffffff80000000), PAGE_SIZE, READ_WRITE}, FAILS(STATUS_INVALID)},
    {SYSTEM_CALL_MAP, {0, PAGE_SIZE, READ_WRITE}, 0x10000000},
    {SYSTEM_CALL_OBJECT_MAP, {0, 0, 0, PAGE_SIZE, READ_WRITE}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_OBJECT_MAP, {2, 0, 0, 5 * PAGE_SIZE, READ_WRITE}, FAILS(STATUS_OUT_OF_RANGE)},
    {SYSTEM_CALL_OBJECT_MAP, {2, 4 * PAGE_SIZE, 0, PAGE_SIZE, READ_WRITE}, FAILS(STATUS_OUT_OF_RANGE)},
    {SYSTEM_CALL_OBJECT_MAP, {2, 0, 0, 4 * PAGE_SIZE, READ_WRITE}, 0x10001000},
    {SYSTEM_CALL_PROTECT, {AREA, PAGE_SIZE, READ_WRITE | SYSTEM_ACCESS_EXECUTE}, FAILS(STATUS_DENIED)},
    {SYSTEM_CALL_PROTECT, {HOLE, PAGE_SIZE, READ_WRITE}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_PROTECT, {READ_ONLY, PAGE_SIZE, READ_WRITE}, 0},
    {SYSTEM_CALL_UNMAP, {AREA + 1, PAGE_SIZE}, FAILS(STATUS_INVALID)},
    {SYSTEM_CALL_UNMAP, {0, UINT64_MAX & ~UINT64_C(4095)}, FAILS(STATUS_INVALID)},
    {SYSTEM_CALL_UNMAP, {0x10000000, PAGE_SIZE}, 0},
    {SYSTEM_CALL_GRANT, {1, 2}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_GRANT, {UINT64_MAX, 2}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_GRANT, {0, 2}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_GRANT, {1, 0}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_WAIT, {0, AREA}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_WAIT, {UINT64_C(1) << 32, AREA}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_CLOSE, {1}, 0},
    {SYSTEM_CALL_CLOSE, {1}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_CLOSE, {SYSTEM_HANDLES_MAX}, FAILS(STATUS_NOT_FOUND)},
    {SYSTEM_CALL_OPEN, {AREA, PATH_LENGTH}, 1}, /* the lowest free number */
};

/* Validates 3.3, 3.10, 4.12, 5.9: known calls have known results, whatever they are given. */
static void known_calls_have_known_results(property_run_t *run)
{
    caller_t *const caller = open_caller(run);
    for (size_t index = 0; index < ARRAY_COUNT(known_calls); index++) {
        const known_call_t *const call = &known_calls[index];
        int64_t result;
        property_note(run, "row %u: call %llu", (unsigned)index, (unsigned long long)call->number);
        PROPERTY_EXPECT_EQUAL(run, process_call(caller->probe.process, call->number, call->arguments, &result),
                              PROCESS_GOES_ON);
        PROPERTY_EXPECT_EQUAL(run, result, call->result);
    }
    PROPERTY_EXPECT_VALID(run, address_space_validate(caller->probe.process->space));
}

/* ---- handles ---- */

typedef enum handle_kind { HANDLE_NONE, HANDLE_FILE, HANDLE_OBJECT } handle_kind_t;

/* The lowest place without anything, or what a call for another one says. */
static int64_t lowest_free(const handle_kind_t *handles)
{
    for (size_t index = 0; index < SYSTEM_HANDLES_MAX; index++) {
        if (handles[index] == HANDLE_NONE) {
            return (int64_t)index;
        }
    }
    return FAILS(STATUS_BUSY);
}

/* Validates 3.5, 3.8, 4.12: a process's handles are what a list says, and no more than it may have. */
static void handles_are_what_the_list_says(property_run_t *run)
{
    caller_t *const caller = open_caller(run);
    handle_kind_t handles[SYSTEM_HANDLES_MAX] = {HANDLE_NONE};
    for (uint32_t step = 0; step < run->steps; step++) {
        const uint64_t action = property_draw(run, 4);
        const uint64_t index = property_draw(run, SYSTEM_HANDLES_MAX);
        if (action <= 1) {
            const int64_t expected = lowest_free(handles);
            const int64_t got = action == 0
                                    ? probe_call(&caller->probe, SYSTEM_CALL_OPEN, AREA, PATH_LENGTH, 0, 0)
                                    : probe_call(&caller->probe, SYSTEM_CALL_OBJECT_CREATE, 3 * PAGE_SIZE, 0, 0, 0);
            PROPERTY_EXPECT_EQUAL(run, got, expected);
            if (got >= 0) {
                handles[got] = action == 0 ? HANDLE_FILE : HANDLE_OBJECT;
            }
        } else if (action == 2) {
            const int64_t expected = handles[index] != HANDLE_NONE ? 0 : FAILS(STATUS_NOT_FOUND);
            PROPERTY_EXPECT_EQUAL(run, probe_call(&caller->probe, SYSTEM_CALL_CLOSE, index, 0, 0, 0), expected);
            handles[index] = HANDLE_NONE;
        } else {
            const int64_t expected = handles[index] == HANDLE_FILE ? 4 : FAILS(STATUS_NOT_FOUND);
            const int64_t got = probe_call(&caller->probe, SYSTEM_CALL_READ, index, 0, AREA + PAGE_SIZE, 4);
            PROPERTY_EXPECT_EQUAL(run, got, expected);
        }
    }
}

/* ---- any numbers ---- */

/* A number that is right, nearly right, or nonsense. */
static uint64_t draw_argument(property_run_t *run)
{
    static const uint64_t edges[] = {
        0,    1,        2,         PATH_LENGTH,    PAGE_SIZE,      2 * PAGE_SIZE,     AREA,
        HOLE, HOLE - 8, READ_ONLY, USER_SPACE_END, SYSTEM_MAP_MAX, UINT64_C(1) << 63, UINT64_MAX,
    };
    const uint64_t kind = property_draw(run, 4);
    const uint64_t small = property_draw(run, 32);
    const uint64_t edge = edges[property_draw(run, ARRAY_COUNT(edges))];
    const uint64_t any = property_bits64(run);
    switch (kind) {
    case 0:
        return edge;
    case 1:
        return small;
    case 2:
        return edge + (small - 16) * PAGE_SIZE;
    default:
        return any;
    }
}

/* Validates 3.2, 3.3, 3.5, 3.10: any calls with any numbers give results, break nothing, and leave nothing behind. */
static void any_calls_break_nothing(property_run_t *run)
{
    caller_t *const caller = open_caller(run);
    process_t *const process = caller->probe.process;
    unsigned clones = 0;
    for (uint32_t step = 0; step < run->steps; step++) {
        const uint64_t number = property_draw(run, SYSTEM_CALL_COUNT + 1);
        uint64_t arguments[USER_CALL_ARGUMENTS];
        int64_t result;
        for (size_t index = 0; index < USER_CALL_ARGUMENTS; index++) {
            arguments[index] = draw_argument(run);
        }
        if (number == SYSTEM_CALL_CLONE && ++clones > 3) {
            continue;
        }
        const process_next_step_t next = process_call(process, number, arguments, &result);
        PROPERTY_EXPECT_EQUAL(run, next == PROCESS_EXITS, number == SYSTEM_CALL_EXIT);
        PROPERTY_EXPECT_EQUAL(run, next == PROCESS_YIELDS, number == SYSTEM_CALL_YIELD);
        PROPERTY_EXPECT(run, next != PROCESS_BLOCKS || number == SYSTEM_CALL_WAIT);
        PROPERTY_EXPECT(run, number == SYSTEM_CALL_EXIT || result > -(int64_t)STATUS_COUNT);
        PROPERTY_EXPECT_VALID(run, process_validate());
    }
    PROPERTY_EXPECT_VALID(run, address_space_validate(process->space));
}

/* ---- no memory ---- */

typedef struct lean_life {
    caller_t caller;
    probe_t child;
} lean_life_t;

static void undo_life(property_run_t *run, void *context)
{
    lean_life_t *const life = context;
    (void)run;
    probe_destroy(&life->child);
    probe_destroy(&life->caller.probe);
}

/* The result of a call as a status: what a call returns from 0 up is well. */
static status_t status_of(int64_t result)
{
    return result < 0 ? (status_t)-result : STATUS_OK;
}

/* A process that is made, opens a file, makes an object, maps and fills memory, and has a child that changes it. */
static status_t act_life(property_run_t *run, void *context)
{
    lean_life_t *const life = context;
    const probe_t *const probe = &life->caller.probe;
    status_t status = probe_create(&life->caller.probe, &life->caller.sink);
    if (status == STATUS_OK) {
        status = map_areas(&life->caller);
    }
    if (status == STATUS_OK) {
        status = status_of(probe_call(probe, SYSTEM_CALL_OPEN, AREA, PATH_LENGTH, 0, 0));
    }
    if (status == STATUS_OK) {
        status = status_of(probe_call(probe, SYSTEM_CALL_OBJECT_CREATE, 4 * PAGE_SIZE, 0, 0, 0));
    }
    if (status == STATUS_OK) {
        status = status_of(probe_call(probe, SYSTEM_CALL_OBJECT_MAP, 1, 0, AREA + 4 * PAGE_SIZE, 4 * PAGE_SIZE));
        status = status == STATUS_INVALID ? STATUS_OK : status; /* without rights: refused before anything is taken */
    }
    if (status == STATUS_OK) {
        status = status_of(probe_call(probe, SYSTEM_CALL_READ, 0, 0, AREA + PAGE_SIZE, 64));
    }
    if (status == STATUS_OK) {
        status = probe_clone(probe, &life->child);
    }
    if (status == STATUS_OK) {
        status = address_space_copy_out(life->child.process->space, AREA, PATH, sizeof(PATH), NULL);
    }
    if (status != STATUS_OK) {
        undo_life(run, life);
    }
    return status;
}

/* Validates 3.5, 3.10: whichever allocation in a process's life is refused, an error comes back and nothing is left. */
static void a_process_without_memory_leaves_nothing(property_run_t *run)
{
    static const failure_scenario_t scenario = {act_life, undo_life, NULL};
    (void)process_world_open(run);
    lean_life_t *const life = property_alloc(run, sizeof(*life));
    life->caller.sink = (process_sink_t){count_written, pass_over, &life->caller};
    PROPERTY_EXPECT(run, failure_sweep(run, &scenario, life) > 20);
}

PROPERTY_SUITE(syscall,

               PROPERTY(known_calls_have_known_results, "3.3 3.10 4.12 5.9"),
               PROPERTY(handles_are_what_the_list_says, "3.5 3.8 4.12"),
               PROPERTY(any_calls_break_nothing, "3.2 3.3 3.5 3.10"),
               PROPERTY_EFFORT(a_process_without_memory_leaves_nothing, 10, "3.5 3.10"));
