/*
 * Isolation: what the machine lets user code do is exactly what a list of pages says, access by access.
 *
 * Two processes and one object that both may map. Areas come, go and change their rights; single bytes are read,
 * written and executed by real user code on any CPU, and read and written for it by system calls. Two bytes of each
 * page, the first and the last, have values that a model knows, so that it shows as well when the right kind of
 * access meets the wrong page.
 */
#include "arch/cpu.h"
#include "base/text.h"
#include "mm/vm.h"
#include "testing/models/probe.h"
#include "testing/models/process_world.h"

#define SPACES       2u
#define PAGES        24u                   /* of the window in which areas are */
#define WINDOW       UINT64_C(0x1ffffc000) /* around a border of tables of every size below */
#define OBJECT_PAGES 8u
#define PLACES       2u /* bytes of a page that the model knows */

typedef struct page_bytes {
    uint8_t bytes[PLACES];
} page_bytes_t;

/* What the model knows of one page. */
typedef struct model_page {
    bool is_mapped;
    bool is_guard;
    vm_access_t access;
    bool is_shared;
    uint32_t object_page;
    page_bytes_t own; /* of a private page */
} model_page_t;

typedef struct isolation {
    property_run_t *run;
    process_sink_t sink;
    probe_t probes[SPACES];
    memory_object_t *object;
    page_bytes_t object_bytes[OBJECT_PAGES];
    model_page_t pages[SPACES][PAGES];
    uint64_t written; /* bytes that reached the sink */
} isolation_t;

static void count_written(void *context, const char *bytes, size_t length)
{
    (void)bytes;
    ((isolation_t *)context)->written += length;
}

static void pass_over(void *context, const char *line)
{
    (void)context;
    (void)line;
}

static void close_isolation(void *argument)
{
    isolation_t *const world = argument;
    probe_deactivate_all();
    for (size_t index = 0; index < SPACES; index++) {
        probe_destroy(&world->probes[index]);
    }
    memory_object_release(world->object);
}

static isolation_t *open_isolation(property_run_t *run)
{
    (void)process_world_open(run); /* sees that nothing is left */
    isolation_t *const world = property_alloc(run, sizeof(*world));
    world->run = run;
    world->sink = (process_sink_t){count_written, pass_over, world};
    property_defer(run, close_isolation, world);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, memory_object_create(OBJECT_PAGES * PAGE_SIZE, &world->object));
    for (size_t index = 0; index < SPACES; index++) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, probe_create(&world->probes[index], &world->sink));
    }
    return world;
}

/* ---- the model ---- */

static uintptr_t address_of(uint64_t page, uint64_t place)
{
    return WINDOW + page * PAGE_SIZE + (place == 0 ? 0 : PAGE_SIZE - 1);
}

static page_bytes_t *bytes_of(isolation_t *world, uint64_t space, uint64_t page)
{
    model_page_t *const known = &world->pages[space][page];
    return known->is_shared ? &world->object_bytes[known->object_page] : &known->own;
}

static bool allows(const isolation_t *world, uint64_t space, uint64_t page, vm_access_t access)
{
    return page < PAGES && world->pages[space][page].is_mapped && (world->pages[space][page].access & access) != 0;
}

/* A range of the window. */
typedef struct range {
    uint64_t space;
    uint64_t first;
    uint64_t count;
} range_t;

static range_t draw_range(property_run_t *run)
{
    range_t range;
    range.space = property_draw(run, SPACES);
    range.first = property_draw(run, PAGES);
    range.count = 1 + property_draw(run, PAGES - range.first < 6 ? PAGES - range.first : 6);
    return range;
}

static vm_access_t draw_access(property_run_t *run)
{
    static const vm_access_t all[] = {VM_READ | VM_WRITE, VM_READ, VM_READ | VM_EXECUTE, VM_NONE};
    return all[property_draw(run, ARRAY_COUNT(all))];
}

/* ---- changes ---- */

static void map(isolation_t *world)
{
    property_run_t *const run = world->run;
    const range_t range = draw_range(run);
    const vm_access_t access = draw_access(run);
    const uint64_t kind = property_draw(run, 4);
    const bool is_shared = kind == 1 && range.count <= OBJECT_PAGES;
    const bool is_guard = kind == 2;
    const uint64_t object_page = is_shared ? property_draw(run, OBJECT_PAGES - range.count + 1) : 0;
    const vm_request_t request = {
        .address = address_of(range.first, 0),
        .size = range.count * PAGE_SIZE,
        .access = is_guard ? VM_NONE : access,
        .flags = VM_FIXED | (is_guard ? VM_GUARD : 0),
        .object = is_shared ? world->object : NULL,
        .object_offset = object_page * PAGE_SIZE,
    };
    bool is_taken = false;
    for (uint64_t index = 0; index < range.count; index++) {
        is_taken |= world->pages[range.space][range.first + index].is_mapped;
    }
    uintptr_t address;
    const status_t status = address_space_map(world->probes[range.space].process->space, &request, &address);
    property_note(run, "space %u: map %u pages at %u", (unsigned)range.space, (unsigned)range.count,
                  (unsigned)range.first);
    PROPERTY_EXPECT_STATUS(run, is_taken ? STATUS_EXISTS : STATUS_OK, status);
    for (uint64_t index = 0; !is_taken && index < range.count; index++) {
        world->pages[range.space][range.first + index] = (model_page_t){
            .is_mapped = true,
            .is_guard = is_guard,
            .access = request.access,
            .is_shared = is_shared,
            .object_page = (uint32_t)(object_page + index),
        };
    }
}

static void unmap(isolation_t *world)
{
    const range_t range = draw_range(world->run);
    property_note(world->run, "space %u: unmap %u pages at %u", (unsigned)range.space, (unsigned)range.count,
                  (unsigned)range.first);
    PROPERTY_EXPECT_EQUAL(world->run,
                          probe_call(&world->probes[range.space], SYSTEM_CALL_UNMAP, address_of(range.first, 0),
                                     range.count * PAGE_SIZE, 0, 0),
                          0);
    for (uint64_t index = 0; index < range.count; index++) {
        world->pages[range.space][range.first + index] = (model_page_t){.is_mapped = false};
    }
}

static void protect(isolation_t *world)
{
    property_run_t *const run = world->run;
    const range_t range = draw_range(run);
    const vm_access_t access = draw_access(run);
    bool is_whole = true;
    bool has_guard = false;
    for (uint64_t index = 0; index < range.count; index++) {
        const model_page_t *const page = &world->pages[range.space][range.first + index];
        is_whole &= page->is_mapped;
        has_guard |= page->is_guard;
    }
    const status_t status = address_space_protect(world->probes[range.space].process->space, address_of(range.first, 0),
                                                  range.count * PAGE_SIZE, access);
    property_note(run, "space %u: protect %u pages at %u to %u: %s", (unsigned)range.space, (unsigned)range.count,
                  (unsigned)range.first, access, status_name(status));
    PROPERTY_EXPECT_EQUAL(run, status == STATUS_OK, is_whole && !has_guard);
    for (uint64_t index = 0; status == STATUS_OK && index < range.count; index++) {
        world->pages[range.space][range.first + index].access = access;
    }
}

/* Space 1 becomes a copy of space 0. */
static void clone(isolation_t *world)
{
    property_note(world->run, "space 1 is a clone of space 0");
    probe_deactivate_all();
    probe_destroy(&world->probes[1]);
    PROPERTY_EXPECT_STATUS(world->run, STATUS_OK, probe_clone(&world->probes[0], &world->probes[1]));
    for (uint64_t page = 0; page < PAGES; page++) {
        world->pages[1][page] = world->pages[0][page];
    }
}

/* ---- accesses ---- */

static void touch(isolation_t *world)
{
    static const vm_access_t needed[PROBE_KINDS] = {VM_READ, VM_WRITE, VM_EXECUTE};
    property_run_t *const run = world->run;
    const uint64_t space = property_draw(run, SPACES);
    const uint64_t page = property_draw(run, PAGES);
    const probe_kind_t kind = (probe_kind_t)property_draw(run, PROBE_KINDS);
    const uint64_t place = kind == PROBE_EXECUTE ? 0 : property_draw(run, PLACES);
    const uint8_t value = (uint8_t)property_range(run, 1, 255);
    const uint32_t cpu = (uint32_t)property_draw(run, cpu_count());
    const bool is_expected = allows(world, space, page, needed[kind]);
    probe_result_t result;
    property_note(run, "space %u, cpu %u: %s page %u place %u", (unsigned)space, cpu,
                  kind == PROBE_READ    ? "read"
                  : kind == PROBE_WRITE ? "write"
                                        : "execute",
                  (unsigned)page, (unsigned)place);
    probe_access(run, &world->probes[space], cpu, kind, address_of(page, place), value, &result);
    PROPERTY_EXPECT_EQUAL(run, result.is_allowed, is_expected);
    if (!is_expected) {
        const model_page_t *const known = &world->pages[space][page];
        PROPERTY_EXPECT(run, result.is_exact);
        PROPERTY_EXPECT_EQUAL(run, result.fault,
                              !known->is_mapped ? VM_FAULT_NO_AREA
                              : known->is_guard ? VM_FAULT_GUARD
                                                : VM_FAULT_DENIED);
        return;
    }
    page_bytes_t *const bytes = bytes_of(world, space, page);
    if (kind == PROBE_READ) {
        PROPERTY_EXPECT_EQUAL(run, result.value, bytes->bytes[place]);
    } else if (kind == PROBE_WRITE) {
        bytes->bytes[place] = value;
    }
}

/* Addresses that are nobody's, or the kernel's: no user code gets there, by itself or by a call. */
static uintptr_t forbidden_address(const isolation_t *world, uint64_t choice)
{
    const uintptr_t forbidden[] = {
        0,
        8,
        USER_SPACE_START - 4,
        USER_SPACE_END - 4,
        USER_SPACE_END,
        UINT64_C(0x7ffffffffffc),
        UINT64_C(0x800000000000),
        UINT64_C(0xffff7ffffffffffc),
        UINT64_C(0xffff800000000000),
        UINT64_C(0xffffffff80000000),
        UINT64_MAX - 3,
        align_down((uintptr_t)world, 4),                      /* the kernel's memory, by its direct map */
        align_down((uintptr_t)&close_isolation, 4),           /* its code */
        align_down((uintptr_t)__builtin_frame_address(0), 4), /* its stack */
        align_down((uintptr_t)world->probes[0].process, 4),   /* its own record */
        align_down((uintptr_t)&world->pages[1][0], 4),
    };
    return forbidden[choice % ARRAY_COUNT(forbidden)];
}

static void touch_forbidden(isolation_t *world)
{
    property_run_t *const run = world->run;
    const uint64_t space = property_draw(run, SPACES);
    const uintptr_t address = forbidden_address(world, property_draw(run, 16));
    const probe_kind_t kind = (probe_kind_t)property_draw(run, PROBE_KINDS);
    const uint32_t cpu = (uint32_t)property_draw(run, cpu_count());
    const uint64_t written = world->written;
    probe_result_t result;
    property_note(run, "space %u, cpu %u: kind %u at 0x%llx", (unsigned)space, cpu, kind, (unsigned long long)address);
    if (kind != PROBE_EXECUTE) {
        probe_access(run, &world->probes[space], cpu, kind, address, 0, &result);
        PROPERTY_EXPECT(run, !result.is_allowed);
    }
    PROPERTY_EXPECT_EQUAL(run, probe_call(&world->probes[space], SYSTEM_CALL_WRITE, address, 4, 0, 0),
                          -(int64_t)STATUS_DENIED);
    PROPERTY_EXPECT_EQUAL(run, world->written, written);
    static const char path[] = "//proc";
    const uintptr_t name = user_call_argument(&world->probes[space].start, 0) + 64; /* in the page of its words */
    PROPERTY_EXPECT_STATUS(
        run, STATUS_OK,
        address_space_copy_out(world->probes[space].process->space, name, path, sizeof(path) - 1, NULL));
    PROPERTY_EXPECT_EQUAL(run, probe_call(&world->probes[space], SYSTEM_CALL_STAT, name, sizeof(path) - 1, address, 0),
                          -(int64_t)STATUS_DENIED);
}

/* How many of the bytes from `address` on allow that access, up to `length`. */
static uint64_t reach_of(const isolation_t *world, uint64_t space, uintptr_t address, uint64_t length,
                         vm_access_t access)
{
    uint64_t reached = 0;
    while (reached < length && allows(world, space, (address + reached - WINDOW) >> PAGE_SHIFT, access)) {
        reached += PAGE_SIZE - ((address + reached) & PAGE_OFFSET_MASK);
    }
    return reached < length ? reached : length;
}

/* System calls with pointers into the window: they get as far as the process itself would, and no byte farther. */
static void call_with_pointer(isolation_t *world)
{
    property_run_t *const run = world->run;
    const uint64_t space = property_draw(run, SPACES);
    const uint64_t page = property_draw(run, PAGES);
    const uint64_t before = property_draw(run, 600);
    const uint64_t length = property_size_skewed(run, SYSTEM_WRITE_MAX);
    const uintptr_t address = WINDOW + (page + 1) * PAGE_SIZE - before;
    const uint64_t readable = reach_of(world, space, address, length, VM_READ);
    const uint64_t written = world->written;
    property_note(run, "space %u: write %u bytes at 0x%llx", (unsigned)space, (unsigned)length,
                  (unsigned long long)address);
    const int64_t result = probe_call(&world->probes[space], SYSTEM_CALL_WRITE, address, length, 0, 0);
    PROPERTY_EXPECT_EQUAL(run, result, readable != 0 ? (int64_t)readable : -(int64_t)STATUS_DENIED);
    PROPERTY_EXPECT_EQUAL(run, world->written, written + readable);
}

static void change_something(isolation_t *world)
{
    static const uint32_t weights[] = {10, 30, 6, 6, 4, 6, 1};
    static void (*const steps[])(isolation_t *) = {map,  touch, unmap, protect, touch_forbidden, call_with_pointer,
                                                   clone};
    steps[property_choice(world->run, weights, ARRAY_COUNT(weights))](world);
}

/*
 * Validates 3.1, 3.2, 3.3, 3.4, 3.11, 5.9: whatever was mapped, unmapped, protected, shared and copied, user code
 * reads, writes and executes exactly where the list of pages says, finds there what was written, and is told exactly
 * what it may not; on every CPU, also when that CPU has used the page before; and system calls read and write no byte
 * for it that it could not itself.
 */
static void the_machine_allows_what_the_areas_allow(property_run_t *run)
{
    isolation_t *const world = open_isolation(run);
    for (uint32_t step = 0; step < run->steps; step++) {
        change_something(world);
    }
    probe_deactivate_all();
    for (size_t index = 0; index < SPACES; index++) {
        PROPERTY_EXPECT_VALID(run, address_space_validate(world->probes[index].process->space));
    }
}

/*
 * Validates 3.2, 3.3: the rights of each kind of area, on each CPU, before and after each change, one by one.
 */
static void every_right_is_enforced_on_every_cpu(property_run_t *run)
{
    static const vm_access_t rights[] = {VM_NONE, VM_READ, VM_READ | VM_WRITE, VM_READ | VM_EXECUTE};
    static const vm_access_t needed[PROBE_KINDS] = {VM_READ, VM_WRITE, VM_EXECUTE};
    isolation_t *const world = open_isolation(run);
    const probe_t *const probe = &world->probes[0];
    const size_t first = property_draw(run, ARRAY_COUNT(rights));
    const size_t second = property_draw(run, ARRAY_COUNT(rights) + 1);
    uintptr_t address;
    const vm_request_t request = {
        .address = WINDOW,
        .size = PAGE_SIZE,
        .access = rights[first],
        .flags = VM_FIXED,
    };
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_map(probe->process->space, &request, &address));
    for (unsigned change = 0; change < 2; change++) {
        const bool is_there = change == 0 || second < ARRAY_COUNT(rights);
        const vm_access_t access = change == 0 ? rights[first] : is_there ? rights[second] : VM_NONE;
        for (uint32_t cpu = 0; cpu < cpu_count(); cpu++) {
            for (unsigned kind = 0; kind < PROBE_KINDS; kind++) {
                probe_result_t result;
                probe_access(run, probe, cpu, (probe_kind_t)kind, WINDOW, 0, &result);
                PROPERTY_EXPECT_EQUAL(run, result.is_allowed, (access & needed[kind]) != 0);
                PROPERTY_EXPECT(run, result.is_allowed || result.is_exact);
            }
        }
        if (change == 0 && second < ARRAY_COUNT(rights)) {
            PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                                   address_space_protect(probe->process->space, WINDOW, PAGE_SIZE, rights[second]));
        } else if (change == 0) {
            PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_unmap(probe->process->space, WINDOW, PAGE_SIZE));
        }
    }
}

PROPERTY_SUITE(isolation,

               PROPERTY(the_machine_allows_what_the_areas_allow, "3.1 3.2 3.3 3.4 3.11 5.9"),
               PROPERTY_EXHAUSTIVE(every_right_is_enforced_on_every_cpu, 1, "3.2 3.3"));
