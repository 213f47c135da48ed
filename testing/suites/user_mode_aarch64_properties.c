/*
 * What only aarch64 can get wrong about user mode (arch/user.h): which registers are the thread's, PAN, and translations
 * that are kept under a number that tables share or inherit. user_mode_properties.c has what all machines share.
 */
#include "arch/user.h"

#include "arch/cpu_features.h"
#include "arch/inline.h"
#include "arch/kernel_window.h"
#include "arch/page_backend.h"
#include "arch/user_page_table.h"
#include "testing/property/property.h"

#define CODE       (USER_SPACE_START + 16 * PAGE_SIZE)
#define DATA       (CODE + PAGE_SIZE)
#define PAGES_MAX  16u
#define CODE_BYTES 4u /* an instruction */
#define RETURN     0xd65f03c0u
#define CALL_BITS  0xd4000001u

extern const uint32_t aarch64_code_call[], aarch64_code_thread[];
extern const uint32_t aarch64_code_perhaps[], aarch64_code_perhaps_end[];
extern const uint32_t aarch64_code_read[], aarch64_code_write[], aarch64_code_go[], aarch64_code_spin[],
    aarch64_code_write_code[];

/* One address space with a page of code and a page of data, the only one that this CPU has. */
typedef struct space {
    property_run_t *run;
    user_page_table_t table;
    void *pages[PAGES_MAX];
    size_t page_count;
    void *code;
    void *data;
    user_state_t state;
    trap_report_t report;
} space_t;

static void *take_page(void *context)
{
    space_t *const space = context;

    if (space->page_count == PAGES_MAX) {
        return NULL;
    }
    void *const page = pages_alloc(1);
    if (page != NULL) {
        machine_zero_page(page);
        space->pages[space->page_count++] = page;
    }
    return page;
}

static void keep_page(void *page, void *context)
{
    (void)page;
    (void)context; /* space_close() gives back all that were taken */
}

static void space_close(void *argument)
{
    space_t *const space = argument;

    user_page_table_activate(NULL);
    if (space->table.root != NULL) {
        user_page_table_destroy(&space->table, keep_page, NULL);
    }
    while (space->page_count > 0) {
        pages_free(space->pages[--space->page_count], 1);
    }
}

static void map(space_t *space, uintptr_t address, const void *page, page_access_t access)
{
    PROPERTY_EXPECT_STATUS(
        space->run, STATUS_OK,
        user_page_table_map(&space->table, address, pointer_to_physical(page), PAGE_SIZE, access, take_page, space));
}

static space_t *space_open(property_run_t *run)
{
    space_t *const space = property_alloc(run, sizeof(*space));

    space->run = run;
    property_defer(run, space_close, space);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, user_page_table_create(&space->table, take_page, space));
    space->code = take_page(space);
    space->data = take_page(space);
    PROPERTY_EXPECT(run, space->code != NULL && space->data != NULL);
    return space;
}

/* Puts `count` instructions at CODE, maps both pages, and has the state start there. */
static void load(space_t *space, const uint32_t *code, size_t count)
{
    uint32_t *const place = space->code;

    for (size_t index = 0; index < count; index++) {
        place[index] = code[index];
    }
    map(space, CODE, space->code, PAGE_ACCESS_EXECUTE);
    map(space, DATA, space->data, PAGE_ACCESS_WRITE);
    user_page_table_activate(&space->table);
    user_state_init(&space->state, CODE, DATA + PAGE_SIZE, 0);
}

/* Runs on until something else than an interrupt happens. */
static user_event_t run_user(space_t *space)
{
    user_event_t event;

    do {
        event = user_run(&space->state, &space->report);
    } while (event == USER_EVENT_INTERRUPT);
    return event;
}

static void expect_fault_at(space_t *space, uintptr_t instruction)
{
    PROPERTY_EXPECT_EQUAL(space->run, run_user(space), USER_EVENT_FAULT);
    PROPERTY_EXPECT(space->run, space->report.is_user);
    PROPERTY_EXPECT_EQUAL(space->run, space->report.instruction, instruction);
}

/* Validates 3.2, 3.3: what only some CPUs have is a fault of the thread's or done, and nothing that EL2 hears of. */
static void no_instruction_leaves_the_kernels_sight(property_run_t *run)
{
    space_t *const space = space_open(run);
    const size_t count = (size_t)(aarch64_code_perhaps_end - aarch64_code_perhaps);

    load(space, aarch64_code_perhaps, count);
    for (size_t index = 0; index < count; index += 2) {
        const uintptr_t at = CODE + index * CODE_BYTES;
        user_state_init(&space->state, at, DATA + PAGE_SIZE, DATA);
        if (run_user(space) == USER_EVENT_FAULT) {
            PROPERTY_EXPECT_EQUAL(run, space->report.instruction, at);
            PROPERTY_EXPECT(run, space->report.kind != TRAP_PAGE_FAULT);
        }
    }
}

/* Validates 3.2: a thread finds its own registers again, and nothing of the kernel's or of another thread's. */
static void registers_are_the_threads_own(property_run_t *run)
{
    space_t *const space = space_open(run);
    const size_t words = 31; /* x0 to x30 come first */
    user_state_t before;

    load(space, aarch64_code_call, 2);
    before = space->state;
    PROPERTY_EXPECT_EQUAL(run, run_user(space), USER_EVENT_CALL);
    for (size_t index = 0; index < words; index++) {
        PROPERTY_EXPECT_EQUAL(run, space->state.words[index], before.words[index]);
    }
    for (uint32_t step = 0; step < run->steps; step++) {
        for (size_t index = 0; index < words; index++) {
            space->state.words[index] = property_bits64(run);
        }
        before = space->state;
        PROPERTY_EXPECT_EQUAL(run, run_user(space), USER_EVENT_CALL);
        for (size_t index = 0; index < words; index++) {
            PROPERTY_EXPECT_EQUAL(run, space->state.words[index], before.words[index]);
        }
    }
}

/* Validates 3.2: the register for a thread's own data is each thread's, and the one that it may only read is empty. */
static void thread_registers_do_not_leak(property_run_t *run)
{
    space_t *const space = space_open(run);
    user_state_t other;
    const uint64_t value = property_bits64(run);

    load(space, aarch64_code_thread, 5);
    other = space->state;
    space->state.words[0] = value;
    PROPERTY_EXPECT_EQUAL(run, run_user(space), USER_EVENT_CALL);
    const user_state_t first = space->state;
    for (unsigned turn = 0; turn < 2; turn++) {
        space->state = other;
        space->state.words[0] = ~value;
        PROPERTY_EXPECT_EQUAL(run, run_user(space), USER_EVENT_CALL);
        PROPERTY_EXPECT_EQUAL(run, space->state.words[9], 0);
        PROPERTY_EXPECT_EQUAL(run, space->state.words[10], 0);
    }
    space->state = first;
    PROPERTY_EXPECT_EQUAL(run, run_user(space), USER_EVENT_CALL);
    PROPERTY_EXPECT_EQUAL(run, space->state.words[9], value);
    PROPERTY_EXPECT_EQUAL(run, space->state.words[10], 0);
}

static uintptr_t draw_kernel_address(property_run_t *run, const space_t *space)
{
    static const char in_image[64];

    switch (property_draw(run, 8)) {
    case 0:
        return (uintptr_t)space->data; /* by its name in the direct map */
    case 1:
        return (uintptr_t)__builtin_frame_address(0); /* the stack that the kernel goes on with */
    case 2:
        return (uintptr_t)draw_kernel_address; /* code */
    case 3:
        return (uintptr_t)in_image;
    case 4:
        return (uintptr_t)page_word(space->data);
    case 5:
        return (uintptr_t)cpu_current();
    case 6:
        return kernel_window().start + property_draw(run, 1024) * PAGE_SIZE;
    default:
        return (uintptr_t)(UINT64_MAX << 48) | (property_bits64(run) & ~UINT64_C(7));
    }
}

/* Validates 3.3: user code can't read, write or execute anything of the kernel's half. */
static void the_kernels_half_is_out_of_reach(property_run_t *run)
{
    static const uint32_t *const pieces[] = {aarch64_code_read, aarch64_code_write, aarch64_code_go};
    space_t *const space = space_open(run);

    load(space, aarch64_code_read, 5);
    for (uint32_t step = 0; step < run->steps; step++) {
        const size_t way = property_draw(run, ARRAY_COUNT(pieces));
        const uintptr_t address = align_down(draw_kernel_address(run, space), sizeof(uint64_t));
        const uintptr_t at = CODE + (uintptr_t)(pieces[way] - aarch64_code_read) * CODE_BYTES;
        user_state_init(&space->state, at, DATA + PAGE_SIZE, address);
        expect_fault_at(space, way == 2 ? address : at);
        PROPERTY_EXPECT_EQUAL(run, space->report.kind, TRAP_PAGE_FAULT);
        PROPERTY_EXPECT_EQUAL(run, space->report.address, address);
        PROPERTY_EXPECT_EQUAL(run, space->report.is_write, way == 1);
        PROPERTY_EXPECT_EQUAL(run, space->report.is_execute, way == 2);
    }
}

/* What the translation of `address` for an access of the given kind came to: 0, or why not (PAR_EL1). */
#define TRANSLATE(kind, address)                                                        \
    ({                                                                                  \
        uint64_t result_;                                                               \
        __asm__ volatile(".arch armv8.2-a\n\tat " kind ", %1\n\tisb\n\tmrs %0, par_el1" \
                         : "=r"(result_)                                                \
                         : "r"(address)                                                 \
                         : "memory");                                                   \
        (result_ & 1) != 0;                                                             \
    })

static const cpu_feature_t *feature(const char *name)
{
    size_t count;
    const cpu_feature_t *const features = cpu_features(&count);

    for (size_t index = 0; index < count; index++) {
        if (text_equal(features[index].name, name)) {
            return &features[index];
        }
    }
    return NULL;
}

static bool can_ask_with_pan(void)
{
    uint64_t features;

    __asm__("mrs %0, id_aa64mmfr1_el1" : "=r"(features));
    return (features >> 20 & 15) >= 2; /* FEAT_PAN2 */
}

/* Validates 3.2, 3.3: the kernel has privileged access to user pages refused wherever the CPU can; hidden pages are hidden. */
static void the_kernel_keeps_off_user_pages(property_run_t *run)
{
    space_t *const space = space_open(run);
    const uintptr_t hidden = DATA + PAGE_SIZE;
    const cpu_feature_t *const pan = feature("pan");

    load(space, aarch64_code_call, 2);
    map(space, hidden, space->data, PAGE_ACCESS_HIDDEN | PAGE_ACCESS_EXECUTE);
    PROPERTY_EXPECT(run, !TRANSLATE("s1e0r", DATA) && !TRANSLATE("s1e0w", DATA) && !TRANSLATE("s1e0r", CODE));
    PROPERTY_EXPECT(run, TRANSLATE("s1e0w", CODE));
    PROPERTY_EXPECT(run, TRANSLATE("s1e0r", hidden) && TRANSLATE("s1e0r", space->data));
    PROPERTY_EXPECT(run, pan != NULL && pan->is_on == pan->is_offered);
    if (can_ask_with_pan()) {
        PROPERTY_EXPECT(run, pan->is_on);
        PROPERTY_EXPECT(run, TRANSLATE("s1e1rp", DATA) && TRANSLATE("s1e1wp", DATA));
        PROPERTY_EXPECT(run, !TRANSLATE("s1e1rp", space->data));
    }
    user_page_table_activate(NULL);
    PROPERTY_EXPECT(run, TRANSLATE("s1e1r", DATA) && TRANSLATE("s1e1r", CODE) && TRANSLATE("s1e1r", hidden));
}

/* Validates 3.2: where a page is executable and writable by name, a thread can make code of what it writes by itself. */
static void a_thread_makes_its_own_code(property_run_t *run)
{
    space_t *const space = space_open(run);
    const uintptr_t both = DATA + PAGE_SIZE;

    load(space, aarch64_code_write_code, 9);
    map(space, both, take_page(space), PAGE_ACCESS_WRITE | PAGE_ACCESS_EXECUTE);
    for (uint32_t step = 0; step < run->steps; step++) {
        const uint64_t place = property_draw(run, PAGE_SIZE / CODE_BYTES);
        const uint16_t number = (uint16_t)property_bits64(run);
        const bool is_call = property_bool(run);
        user_state_init(&space->state, CODE, DATA + PAGE_SIZE, both + place * CODE_BYTES);
        space->state.words[1] = is_call ? CALL_BITS | (uint32_t)number << 5 : RETURN;
        PROPERTY_EXPECT_EQUAL(run, run_user(space), USER_EVENT_CALL);
        const uintptr_t behind = is_call ? both + (place + 1) * CODE_BYTES : CODE + 9 * CODE_BYTES;
        PROPERTY_EXPECT_EQUAL(run, space->state.words[32], behind); /* where it goes on */
    }
}

/* Validates 2.11, 3.1: an interrupt ends user_run(), and the thread goes on as if nothing had been. */
static void an_interrupt_is_handled_and_told(property_run_t *run)
{
    space_t *const space = space_open(run);
    const uint64_t ticks = cpu_current()->timer_ticks;
    uint64_t count = 0;

    load(space, aarch64_code_spin, 2);
    const interrupt_state_t interrupts = interrupts_save();
    for (unsigned turn = 0; turn < 3; turn++) {
        const user_event_t event = user_run(&space->state, &space->report);
        PROPERTY_EXPECT_EQUAL(run, event, USER_EVENT_INTERRUPT);
        PROPERTY_EXPECT(run, !interrupts_are_enabled());
        PROPERTY_EXPECT(run, user_call_argument(&space->state, 0) >= count);
        count = user_call_argument(&space->state, 0);
    }
    interrupts_restore(interrupts);
    PROPERTY_EXPECT(run, cpu_current()->timer_ticks > ticks);
}

/* More tables than there are numbers for translations, each with another page at one address. */
#define TABLE_COUNT 300u

typedef struct crowd {
    property_run_t *run;
    user_page_table_t tables[TABLE_COUNT];
    void *pages[TABLE_COUNT];
    void *code;
    size_t table_count;
} crowd_t;

static void *crowd_take(void *context)
{
    (void)context;
    return pages_alloc(1);
}

static void crowd_release(void *page, void *context)
{
    (void)context;
    pages_free(page, 1);
}

static void crowd_close(void *argument)
{
    crowd_t *const crowd = argument;

    user_page_table_activate(NULL);
    for (size_t index = 0; index < crowd->table_count; index++) {
        user_page_table_destroy(&crowd->tables[index], crowd_release, NULL);
        pages_free(crowd->pages[index], 1);
    }
    pages_free(crowd->code, 1);
}

static void crowd_add(crowd_t *crowd)
{
    user_page_table_t *const table = &crowd->tables[crowd->table_count];
    uint64_t *const page = pages_alloc(1);

    PROPERTY_EXPECT(crowd->run, page != NULL);
    PROPERTY_EXPECT_STATUS(crowd->run, STATUS_OK, user_page_table_create(table, crowd_take, NULL));
    *page = (uint64_t)(uintptr_t)table;
    crowd->pages[crowd->table_count++] = page;
    PROPERTY_EXPECT_STATUS(crowd->run, STATUS_OK,
                           user_page_table_map(table, CODE, pointer_to_physical(crowd->code), PAGE_SIZE,
                                               PAGE_ACCESS_EXECUTE, crowd_take, NULL));
    PROPERTY_EXPECT_STATUS(
        crowd->run, STATUS_OK,
        user_page_table_map(table, DATA, pointer_to_physical(page), PAGE_SIZE, PAGE_ACCESS_READ, crowd_take, NULL));
}

/* Validates 3.1, 3.2, 3.4: however many address spaces take turns, each thread sees its own. */
static void a_crowd_of_spaces_stays_apart(property_run_t *run)
{
    crowd_t *const crowd = property_alloc(run, sizeof(*crowd));
    trap_report_t report;

    crowd->run = run;
    crowd->code = pages_alloc(1);
    PROPERTY_EXPECT(run, crowd->code != NULL);
    property_defer(run, crowd_close, crowd);
    for (size_t index = 0; index < 2; index++) {
        ((uint32_t *)crowd->code)[index] = aarch64_code_read[index];
    }
    while (crowd->table_count < TABLE_COUNT) {
        crowd_add(crowd);
    }
    for (uint32_t step = 0; step < 4 * run->steps; step++) {
        user_page_table_t *const table = &crowd->tables[property_draw(run, TABLE_COUNT)];
        user_state_t state;
        user_event_t event;
        user_state_init(&state, CODE, 0, DATA);
        user_page_table_activate(table);
        do {
            event = user_run(&state, &report);
        } while (event == USER_EVENT_INTERRUPT);
        PROPERTY_EXPECT_EQUAL(run, event, USER_EVENT_CALL);
        PROPERTY_EXPECT_EQUAL(run, user_call_argument(&state, 1), (uint64_t)(uintptr_t)table);
    }
}

PROPERTY_SUITE(user_mode_aarch64, PROPERTY(no_instruction_leaves_the_kernels_sight, "3.2 3.3"),
               PROPERTY(registers_are_the_threads_own, "3.2"), PROPERTY(thread_registers_do_not_leak, "3.2"),
               PROPERTY(the_kernels_half_is_out_of_reach, "3.3"), PROPERTY(the_kernel_keeps_off_user_pages, "3.2 3.3"),
               PROPERTY(a_thread_makes_its_own_code, "3.2"), PROPERTY(an_interrupt_is_handled_and_told, "2.11 3.1"),
               PROPERTY(a_crowd_of_spaces_stays_apart, "3.1 3.2 3.4"));
