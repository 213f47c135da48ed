/*
 * User mode (arch/user.h): what goes in and out of it, and what user code can't do there.
 *
 * The programs are of a few instructions each (testing/user_code/). Accesses to memory are user_access_properties.c's.
 */
#include "arch/cpu_features.h"
#include "arch/cpu_jobs.h"
#include "arch/machine.h"
#include "arch/page_backend.h"
#include "arch/user.h"
#include "arch/user_page_table.h"
#include "base/check_trap.h"
#include "base/text.h"
#include "testing/property/property.h"
#include "testing/user_code/user_code.h"

#define CODE       GIB(2)
#define STACK      GIB(5) /* a page below here */
#define TABLES_MAX 12u

/* What is waited for takes milliseconds; an emulator may be slow. */
#define EVENTS_MAX 1000000u

typedef struct world {
    property_run_t *run;
    user_page_table_t table;
    bool is_open;
    void *pages[TABLES_MAX]; /* that tables are made of */
    size_t page_count;
    unsigned char *code;
    unsigned char *stack;
} world_t;

static void *take_page(void *context)
{
    world_t *const world = context;
    void *const page = world->page_count < TABLES_MAX ? pages_alloc(1) : NULL;

    if (page != NULL) {
        world->pages[world->page_count++] = page;
    }
    return page;
}

static void release_page(void *page, void *context)
{
    world_t *const world = context;

    world->page_count--;
    pages_free(page, 1);
}

static void activate_nothing(void *argument, uint32_t index)
{
    (void)argument;
    (void)index;
    user_page_table_activate(NULL);
}

static void world_close(void *argument)
{
    world_t *const world = argument;

    cpu_jobs_run_on_all(cpu_count(), activate_nothing, NULL);
    if (world->is_open) {
        user_page_table_destroy(&world->table, release_page, world);
    }
    if (world->code != NULL) {
        pages_free(world->code, 1);
    }
    if (world->stack != NULL) {
        pages_free(world->stack, 1);
    }
    PROPERTY_EXPECT_EQUAL(world->run, world->page_count, 0);
}

static void map(world_t *world, uintptr_t address, void *page, page_access_t access)
{
    PROPERTY_EXPECT_STATUS(
        world->run, STATUS_OK,
        user_page_table_map(&world->table, address, pointer_to_physical(page), PAGE_SIZE, access, take_page, world));
}

static world_t *world_open(property_run_t *run)
{
    world_t *const world = property_alloc(run, sizeof(*world));
    const size_t code_bytes = (size_t)(user_code_end - user_code_start);

    world->run = run;
    property_defer(run, world_close, world);
    PROPERTY_EXPECT(run, code_bytes <= PAGE_SIZE);
    world->code = pages_alloc(1);
    PROPERTY_EXPECT(run, world->code != NULL);
    world->stack = pages_alloc(1);
    PROPERTY_EXPECT(run, world->stack != NULL);
    __builtin_memcpy(world->code, user_code_start, code_bytes);
    machine_zero_page(world->stack);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, user_page_table_create(&world->table, take_page, world));
    world->is_open = true;
    map(world, CODE, world->code, PAGE_ACCESS_EXECUTE);
    map(world, STACK - PAGE_SIZE, world->stack, PAGE_ACCESS_WRITE);
    user_page_table_activate(&world->table);
    return world;
}

static void start(user_state_t *state, const unsigned char *program, uint64_t argument)
{
    user_state_init(state, user_code_at(CODE, program), STACK, argument);
}

/* Runs on until something else than an interrupt happens; USER_EVENT_INTERRUPT when nothing does. */
static user_event_t run_on(user_state_t *state, trap_report_t *report)
{
    for (unsigned count = 0; count < EVENTS_MAX; count++) {
        const user_event_t event = user_run(state, report);
        if (event != USER_EVENT_INTERRUPT) {
            return event;
        }
    }
    return USER_EVENT_INTERRUPT;
}

/* Validates 3.1: a call's number and all its arguments arrive as they were, and its result does. */
static void a_call_passes_what_it_says(property_run_t *run)
{
    (void)world_open(run);
    const uint64_t seed = property_bits64(run);
    const uint64_t result = property_bits64(run);
    user_state_t state;
    trap_report_t report;

    start(&state, user_code_arguments, seed);
    PROPERTY_EXPECT_EQUAL(run, run_on(&state, &report), USER_EVENT_CALL);
    PROPERTY_EXPECT_EQUAL(run, user_call_number(&state), seed);
    for (unsigned index = 0; index < USER_CALL_ARGUMENTS; index++) {
        PROPERTY_EXPECT_EQUAL(run, user_call_argument(&state, index), seed + 1 + index);
    }
    user_call_set_result(&state, result);
    PROPERTY_EXPECT_EQUAL(run, run_on(&state, &report), USER_EVENT_CALL);
    PROPERTY_EXPECT_EQUAL(run, user_call_number(&state), USER_CODE_DONE);
    PROPERTY_EXPECT_EQUAL(run, user_call_argument(&state, 0), result);
    PROPERTY_EXPECT(run, interrupts_are_enabled());
}

/* ---- registers ---- */

typedef struct thread {
    world_t *world;
    user_state_t state;
    uint64_t seed;
    uint64_t rounds_left;
} thread_t;

static void do_nothing(void *argument)
{
    (void)argument;
}

/* Runs the thread to its next round; interrupts another CPU now and then, or this one. */
static void run_a_round(thread_t *thread)
{
    property_run_t *const run = thread->world->run;
    trap_report_t report;
    user_event_t event = USER_EVENT_INTERRUPT;

    for (unsigned count = 0; event == USER_EVENT_INTERRUPT; count++) {
        PROPERTY_EXPECT(run, count < EVENTS_MAX);
        if (count % 4 == 0) {
            /* Pending until user mode enables interrupts, when they are masked here. */
            const interrupt_state_t interrupts = interrupts_save();
            (void)!cpu_interrupt(count / 4 % cpu_count(), do_nothing, NULL);
            event = user_run(&thread->state, &report);
            interrupts_restore(interrupts);
        } else {
            event = user_run(&thread->state, &report);
        }
    }
    PROPERTY_EXPECT_EQUAL(run, event, USER_EVENT_CALL);
    PROPERTY_EXPECT_EQUAL(run, user_call_number(&thread->state), USER_CODE_ROUND);
    user_call_set_result(&thread->state, thread->seed);
    thread->rounds_left--;
}

static void run_pair(void *argument)
{
    thread_t *const threads = argument;

    user_page_table_activate(&threads[0].world->table);
    while (threads[0].rounds_left > 0 || threads[1].rounds_left > 0) {
        for (unsigned index = 0; index < 2; index++) {
            if (threads[index].rounds_left > 0) {
                run_a_round(&threads[index]);
            }
        }
    }
}

typedef struct crowd {
    property_run_t *run;
    thread_t *threads; /* two for each CPU */
} crowd_t;

static void crowd_member(void *argument, uint32_t index)
{
    const crowd_t *const crowd = argument;

    property_worker_run(crowd->run, run_pair, &crowd->threads[2 * index]);
}

/*
 * Validates 3.1, 3.2, 3.4: no register of a thread changes but by its own hand: two threads take turns on every CPU, and
 * are interrupted and call while all of their registers are held against what they should be.
 */
static void registers_are_a_threads_own(property_run_t *run)
{
    world_t *const world = world_open(run);
    const uint64_t rounds = property_range(run, 1, 6);
    crowd_t crowd = {.run = run, .threads = property_alloc(run, 2 * cpu_count() * sizeof(thread_t))};

    for (uint32_t index = 0; index < 2 * cpu_count(); index++) {
        thread_t *const thread = &crowd.threads[index];
        thread->world = world;
        thread->seed = property_bits64(run);
        thread->rounds_left = rounds;
        start(&thread->state, user_code_registers, thread->seed);
    }
    cpu_jobs_run_on_all(cpu_count(), crowd_member, &crowd);
}

/* ---- interrupts ---- */

/* Validates 3.1: the timer gets a thread that goes round for ever off its CPU. */
static void a_loop_is_interrupted_by_the_timer(property_run_t *run)
{
    (void)world_open(run);
    const uint64_t ticks = cpu_current()->timer_ticks;
    user_state_t state;
    trap_report_t report;

    start(&state, user_code_spin, 0);
    for (unsigned count = 0; cpu_current()->timer_ticks == ticks; count++) {
        PROPERTY_EXPECT(run, count < EVENTS_MAX);
        PROPERTY_EXPECT_EQUAL(run, user_run(&state, &report), USER_EVENT_INTERRUPT);
    }
}

typedef struct interruption {
    _Atomic uint32_t count;
    _Atomic uint32_t broken;
} interruption_t;

static void note_interrupt(void *argument)
{
    interruption_t *const seen = argument;
    const cpu_t *const cpu = cpu_current();

    if (cpu->interrupt_depth != 1 || interrupts_are_enabled() ||
        allocation_context_current() != cpu->interrupt_context) {
        atomic_store_explicit(&seen->broken, 1, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&seen->count, 1, memory_order_release);
}

/* Validates 1.9, 3.1: an interrupt of user code is handled as any other, before user_run() returns. */
static void an_interrupt_is_served_before_the_return(property_run_t *run)
{
    (void)world_open(run);
    struct allocation_context *const context = allocation_context_current();
    interruption_t seen = {0};
    user_state_t state;
    trap_report_t report;

    start(&state, user_code_spin, 0);
    const interrupt_state_t interrupts = interrupts_save();
    const status_t status = cpu_interrupt(cpu_current()->index, note_interrupt, &seen);
    const uint32_t before = atomic_load(&seen.count);
    const user_event_t event = user_run(&state, &report);
    const bool stays_masked = !interrupts_are_enabled();
    /* Another interrupt may have been first. */
    for (unsigned count = 0; atomic_load(&seen.count) == 0 && count < EVENTS_MAX; count++) {
        (void)!user_run(&state, &report);
    }
    interrupts_restore(interrupts);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, status);
    PROPERTY_EXPECT_EQUAL(run, before, 0);
    PROPERTY_EXPECT_EQUAL(run, event, USER_EVENT_INTERRUPT);
    PROPERTY_EXPECT(run, stays_masked);
    PROPERTY_EXPECT_EQUAL(run, atomic_load(&seen.count), 1);
    PROPERTY_EXPECT_EQUAL(run, atomic_load(&seen.broken), 0);
    PROPERTY_EXPECT(run, allocation_context_current() == context);
    PROPERTY_EXPECT_EQUAL(run, cpu_current()->interrupt_depth, 0);
}

/* ---- what user code can't do ---- */

/* Whether what makes the program a forbidden one is on: with a name like "umip_sgdt" that is "umip". */
static bool is_forbidden_here(const user_code_forbidden_t *forbidden)
{
    size_t count;
    const cpu_feature_t *const features = cpu_features(&count);

    for (size_t index = 0; index < count; index++) {
        const char *const name = features[index].name;
        if (text_starts_with(forbidden->name, name) && forbidden->name[text_length(name)] == '_') {
            return features[index].is_on;
        }
    }
    return true;
}

/* Validates 3.2, 3.3: every privileged instruction, and every way into the kernel but the one, is a fault of its own. */
static void what_is_forbidden_faults_where_it_stands(property_run_t *run)
{
    (void)world_open(run);
    const user_code_forbidden_t *const forbidden = &user_code_forbidden[property_draw(run, user_code_forbidden_count)];
    user_state_t state;
    trap_report_t report;
    user_event_t event;

    property_note(run, "%s", forbidden->name);
    if (!is_forbidden_here(forbidden)) {
        return;
    }
    start(&state, forbidden->start, 0);
    do {
        event = run_on(&state, &report);
    } while (event == USER_EVENT_CALL && user_call_number(&state) == USER_CODE_DONE);
    PROPERTY_EXPECT_EQUAL(run, event, USER_EVENT_FAULT);
    PROPERTY_EXPECT_EQUAL(run, report.instruction, user_code_at(CODE, forbidden->culprit));
    PROPERTY_EXPECT(run, report.is_user);
    PROPERTY_EXPECT(run, report.stack <= STACK && report.stack >= STACK - PAGE_SIZE);
    PROPERTY_EXPECT(run, interrupts_are_enabled());
}

/* Validates 3.2: whatever state of the CPU user code may bring about, the kernel goes on, and so does the thread. */
static void an_odd_state_is_the_threads_alone(property_run_t *run)
{
    (void)world_open(run);
    if (user_code_odd_count == 0) {
        return; /* this machine has no state but registers */
    }
    const unsigned char *const program = user_code_odd[property_draw(run, user_code_odd_count)];
    const uint64_t times = property_range(run, 1, 3);
    user_state_t state;
    trap_report_t report;

    start(&state, program, 0);
    PROPERTY_EXPECT_EQUAL(run, run_on(&state, &report), USER_EVENT_CALL);
    PROPERTY_EXPECT_EQUAL(run, user_call_number(&state), USER_CODE_DONE);
    for (uint64_t time = 0; time < times; time++) {
        const interrupt_state_t interrupts = interrupts_save();
        (void)!cpu_interrupt(cpu_current()->index, do_nothing, NULL);
        const user_event_t event = user_run(&state, &report);
        interrupts_restore(interrupts);
        PROPERTY_EXPECT_EQUAL(run, event, USER_EVENT_INTERRUPT);
    }
}

/* Validates 3.2, 3.3: a thread may be told to start anywhere: where there is no code of its own, it faults. */
static void starting_nowhere_faults_there(property_run_t *run)
{
    world_t *const world = world_open(run);
    const uintptr_t entries[] = {
        0,
        STACK - PAGE_SIZE,
        USER_SPACE_END - 16,
        USER_SPACE_END,
        (uintptr_t)world->code,
        (uintptr_t)starting_nowhere_faults_there & ~(uintptr_t)15,
        UINT64_C(0x0000800000000000),
        UINT64_C(0x8000000000000000),
        ~(uintptr_t)15,
    };
    const uintptr_t entry = entries[property_draw(run, ARRAY_COUNT(entries))];
    const uint64_t stack = property_bits64(run);
    user_state_t state;
    trap_report_t report;

    user_state_init(&state, entry, stack, 0);
    PROPERTY_EXPECT_EQUAL(run, run_on(&state, &report), USER_EVENT_FAULT);
    PROPERTY_EXPECT_EQUAL(run, report.instruction, entry);
    PROPERTY_EXPECT_EQUAL(run, report.kind, TRAP_PAGE_FAULT);
    PROPERTY_EXPECT_EQUAL(run, report.address, entry);
    PROPERTY_EXPECT(run, report.is_execute && !report.is_write && report.is_user);
}

/* Validates 3.2, 3.3: a stack pointer may be anything: it is the thread's own, and the kernel never uses it. */
static void the_stack_pointer_is_the_threads_own(property_run_t *run)
{
    (void)world_open(run);
    const uint64_t seed = property_bits64(run);
    static const uint64_t stacks[] = {0, 8, UINT64_C(0x8000000000000000), UINT64_MAX, USER_SPACE_END};
    const uint64_t which = property_draw(run, ARRAY_COUNT(stacks) + 1);
    const uint64_t stack =
        which == ARRAY_COUNT(stacks) ? (uint64_t)(uintptr_t)__builtin_frame_address(0) : stacks[which];
    user_state_t state;
    trap_report_t report;

    user_state_init(&state, user_code_at(CODE, user_code_arguments), stack, seed);
    PROPERTY_EXPECT_EQUAL(run, run_on(&state, &report), USER_EVENT_CALL);
    PROPERTY_EXPECT_EQUAL(run, user_call_number(&state), seed);
    user_state_init(&state, user_code_at(CODE, user_code_load), stack, 1);
    PROPERTY_EXPECT_EQUAL(run, run_on(&state, &report), USER_EVENT_FAULT);
    PROPERTY_EXPECT_EQUAL(run, report.stack, stack);
    PROPERTY_EXPECT_EQUAL(run, report.address, 1);
}

/* Validates 3.1: a fault changes nothing: when its cause is gone, the thread goes on as if it had not been. */
static void a_repaired_fault_never_was(property_run_t *run)
{
    world_t *const world = world_open(run);
    const uintptr_t address = GIB(7) + property_draw(run, PAGE_SIZE);
    user_state_t state;
    trap_report_t report;

    start(&state, user_code_load, address);
    for (unsigned time = 0; time < 2; time++) {
        PROPERTY_EXPECT_EQUAL(run, run_on(&state, &report), USER_EVENT_FAULT);
        PROPERTY_EXPECT_EQUAL(run, report.address, address);
        PROPERTY_EXPECT(run, !report.is_write && !report.is_execute);
    }
    world->stack[address % PAGE_SIZE] = 0x77;
    map(world, GIB(7), world->stack, PAGE_ACCESS_READ);
    PROPERTY_EXPECT_EQUAL(run, run_on(&state, &report), USER_EVENT_CALL);
    PROPERTY_EXPECT_EQUAL(run, user_call_number(&state), USER_CODE_DONE);
    PROPERTY_EXPECT_EQUAL(run, user_call_argument(&state, 0), address);
    PROPERTY_EXPECT_EQUAL(run, user_call_argument(&state, 1), 0x77);
}

/* ---- what the kernel can't do ---- */

typedef enum way { WAY_READ, WAY_WRITE, WAY_EXECUTE, WAY_COUNT } way_t;

typedef struct trespass {
    way_t way;
    uintptr_t address;
} trespass_t;

static NOT_WATCHED void trespass(void *argument)
{
    const trespass_t *const what = argument;

    switch (what->way) {
    case WAY_READ:
        (void)*(const volatile unsigned char *)what->address;
        break;
    case WAY_WRITE:
        *(volatile unsigned char *)what->address = 1;
        break;
    default:
        ((void (*)(void))what->address)();
        break;
    }
}

/* Whether the CPU has something switched on that keeps the kernel from it. */
static bool is_guarded(way_t way)
{
    static const char *const data[] = {"smap", "pan", "sum_clear"};
    static const char *const code[] = {"smep", "pxn", "sum_clear"};
    const char *const *const names = way == WAY_EXECUTE ? code : data;
    size_t count;
    const cpu_feature_t *const features = cpu_features(&count);

    for (size_t index = 0; index < count; index++) {
        for (size_t name = 0; name < ARRAY_COUNT(data); name++) {
            if (features[index].is_on && text_equal(features[index].name, names[name])) {
                return true;
            }
        }
    }
    return false;
}

/* Validates 3.2, 5.9: a user's pointer that the kernel follows is a fault, on every CPU that can tell. */
static void the_kernel_keeps_off_user_pages(property_run_t *run)
{
    (void)world_open(run);
    const way_t way = (way_t)property_draw(run, WAY_COUNT);
    trespass_t what = {way, way == WAY_WRITE ? STACK - PAGE_SIZE : user_code_at(CODE, user_code_landing)};
    check_trap_t trap = {0};

    if (!is_guarded(way)) {
        return;
    }
    const check_site_t *const site = check_trap_catch(&trap, trespass, &what);
    PROPERTY_EXPECT(run, site != NULL && text_equal(site->message, "kernel access to user space"));
    PROPERTY_EXPECT(run, interrupts_are_enabled());
}

PROPERTY_SUITE(user_mode, PROPERTY(a_call_passes_what_it_says, "3.1"),
               PROPERTY_EFFORT(registers_are_a_threads_own, 10, "3.1 3.2 3.4"),
               PROPERTY_EFFORT(a_loop_is_interrupted_by_the_timer, 10, "3.1"),
               PROPERTY(an_interrupt_is_served_before_the_return, "1.9 3.1"),
               PROPERTY_EXHAUSTIVE(what_is_forbidden_faults_where_it_stands, 1, "3.2 3.3"),
               PROPERTY_EFFORT(an_odd_state_is_the_threads_alone, 50, "3.2"),
               PROPERTY(starting_nowhere_faults_there, "3.2 3.3"),
               PROPERTY(the_stack_pointer_is_the_threads_own, "3.2 3.3"), PROPERTY(a_repaired_fault_never_was, "3.1"),
               PROPERTY_EFFORT(the_kernel_keeps_off_user_pages, 20, "3.2 5.9"));
