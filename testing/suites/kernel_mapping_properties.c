/*
 * The kernel's own mappings: scattered pages in a row, guards around them, and stacks.
 */
#include "mm/kernel_mapping.h"

#include "arch/kernel_window.h"
#include "mm/inject.h"
#include "mm/pages.h"
#include "mm/vm.h"
#include "testing/models/failure_sweep.h"
#include "testing/models/vm_start.h"

#define MAPPINGS_MAX 12u
#define PAGES_MAX    12u

typedef struct mapping {
    char *address; /* NULL: none */
    size_t count;
    bool is_stack;
    void *pages[PAGES_MAX];
} mapping_t;

typedef struct world {
    property_run_t *run;
    mapping_t mappings[MAPPINGS_MAX];
} world_t;

static void end_mapping(mapping_t *mapping)
{
    if (mapping->is_stack) {
        kernel_stack_destroy(mapping->address);
    } else {
        kernel_mapping_unmap(mapping->address);
        for (size_t i = 0; i < mapping->count; i++) {
            pages_free(mapping->pages[i], 1);
        }
    }
    mapping->address = NULL;
}

static void close_world(void *argument)
{
    world_t *const world = argument;
    for (size_t i = 0; i < MAPPINGS_MAX; i++) {
        if (world->mappings[i].address != NULL) {
            end_mapping(&world->mappings[i]);
        }
    }
}

static world_t *new_world(property_run_t *run)
{
    world_t *const world = property_alloc(run, sizeof *world);
    vm_start(run);
    world->run = run;
    property_defer(run, close_world, world);
    return world;
}

static void make_mapping(world_t *world, mapping_t *mapping)
{
    property_run_t *const run = world->run;
    void *address = NULL;
    *mapping = (mapping_t){.count = 1 + property_draw(run, PAGES_MAX)};
    mapping->is_stack = property_bool(run);
    if (mapping->is_stack) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, kernel_stack_create(mapping->count * PAGE_SIZE, &address));
    } else {
        /* From the last to the first: in the order in which they come they would often lie in a row already. */
        for (size_t i = mapping->count; i > 0; i--) {
            mapping->pages[i - 1] = pages_alloc(1);
            PROPERTY_EXPECT(run, mapping->pages[i - 1] != NULL);
        }
        PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                               kernel_mapping_map(mapping->pages, mapping->count, PAGE_ACCESS_WRITE, &address));
    }
    mapping->address = address;
    /* Each page is written through the new address: its own number, at both ends. */
    for (size_t i = 0; i < mapping->count; i++) {
        uint64_t *const page = (uint64_t *)(void *)(mapping->address + i * PAGE_SIZE);
        page[0] = (uintptr_t)page;
        page[PAGE_SIZE / sizeof *page - 1] = (uintptr_t)page;
    }
}

static void expect_mapping(world_t *world, const mapping_t *mapping)
{
    property_run_t *const run = world->run;
    const uintptr_t start = (uintptr_t)mapping->address;
    const uintptr_t end = start + mapping->count * PAGE_SIZE;
    for (size_t i = 0; i < mapping->count; i++) {
        const uint64_t *const page = (const uint64_t *)(const void *)(mapping->address + i * PAGE_SIZE);
        physical_address_t physical;
        PROPERTY_EXPECT(run, page[0] == (uintptr_t)page && page[PAGE_SIZE / sizeof *page - 1] == (uintptr_t)page);
        PROPERTY_EXPECT(run, kernel_window_find((uintptr_t)page, &physical));
        const uint64_t *const direct = physical_to_pointer(physical);
        PROPERTY_EXPECT_EQUAL(run, direct[0], (uintptr_t)page);
        PROPERTY_EXPECT(run, mapping->is_stack || direct == mapping->pages[i]);
        PROPERTY_EXPECT_EQUAL(run, kernel_mapping_place((uintptr_t)page + 8), KERNEL_MAPPING_INSIDE);
    }
    PROPERTY_EXPECT_EQUAL(run, kernel_mapping_place(start - 1), KERNEL_MAPPING_GUARD_BELOW);
    PROPERTY_EXPECT_EQUAL(run, kernel_mapping_place(start - PAGE_SIZE), KERNEL_MAPPING_GUARD_BELOW);
    PROPERTY_EXPECT_EQUAL(run, kernel_mapping_place(end), KERNEL_MAPPING_GUARD_ABOVE);
}

/* Validates 3.3, 5.9: mappings show their pages, keep apart from each other, and have guards on both sides. */
static void mappings_show_their_pages_between_guards(property_run_t *run)
{
    world_t *const world = new_world(run);
    vm_stats_t before;
    vm_stats_t now;
    vm_stats(&before);
    for (uint32_t step = 0; step < run->steps; step++) {
        mapping_t *const mapping = &world->mappings[property_draw(run, MAPPINGS_MAX)];
        if (mapping->address == NULL) {
            make_mapping(world, mapping);
        } else {
            const uintptr_t gone = (uintptr_t)mapping->address;
            end_mapping(mapping);
            PROPERTY_EXPECT(run, kernel_mapping_place(gone) != KERNEL_MAPPING_INSIDE);
        }
        uint64_t bytes = before.kernel_bytes;
        uint64_t count = before.kernel_mappings;
        for (size_t i = 0; i < MAPPINGS_MAX; i++) {
            if (world->mappings[i].address != NULL) {
                expect_mapping(world, &world->mappings[i]);
                bytes += (world->mappings[i].count + 2) * PAGE_SIZE;
                count++;
            }
        }
        vm_stats(&now);
        PROPERTY_EXPECT_EQUAL(run, now.kernel_mappings, count);
        PROPERTY_EXPECT_EQUAL(run, now.kernel_bytes, bytes);
        PROPERTY_EXPECT(run, now.kernel_bytes <= now.kernel_bytes_max);
        PROPERTY_EXPECT_VALID(run, kernel_mapping_validate());
    }
}

/* Validates 5.9: what is no mapping's request is refused. */
static void requests_that_make_no_sense_are_refused(property_run_t *run)
{
    void *address = NULL;
    vm_start(run);
    char *const page = pages_alloc(1);
    PROPERTY_EXPECT(run, page != NULL);
    void *const good[1] = {page};
    void *const inside[1] = {page + 8};
    void *const foreign[1] = {(void *)(uintptr_t)PAGE_SIZE};
    PROPERTY_EXPECT_STATUS(run, STATUS_INVALID, kernel_mapping_map(good, 0, PAGE_ACCESS_WRITE, &address));
    PROPERTY_EXPECT_STATUS(run, STATUS_INVALID,
                           kernel_mapping_map(good, KERNEL_MAPPING_PAGES_MAX + 1, PAGE_ACCESS_WRITE, &address));
    PROPERTY_EXPECT_STATUS(run, STATUS_INVALID, kernel_mapping_map(good, 1, PAGE_ACCESS_EXECUTE, &address));
    PROPERTY_EXPECT_STATUS(run, STATUS_INVALID,
                           kernel_mapping_map(good, 1, PAGE_ACCESS_WRITE | PAGE_ACCESS_USER, &address));
    PROPERTY_EXPECT_STATUS(run, STATUS_INVALID, kernel_mapping_map(inside, 1, PAGE_ACCESS_WRITE, &address));
    PROPERTY_EXPECT_STATUS(run, STATUS_INVALID, kernel_mapping_map(foreign, 1, PAGE_ACCESS_WRITE, &address));
    PROPERTY_EXPECT_STATUS(run, STATUS_INVALID, kernel_stack_create(0, &address));
    PROPERTY_EXPECT_STATUS(run, STATUS_INVALID, kernel_stack_create(PAGE_SIZE + 1, &address));
    PROPERTY_EXPECT_STATUS(run, STATUS_INVALID, kernel_stack_create(KERNEL_STACK_SIZE_MAX + PAGE_SIZE, &address));
    PROPERTY_EXPECT(run, address == NULL);
    pages_free(page, 1);
    PROPERTY_EXPECT_EQUAL(run, kernel_mapping_place(0), KERNEL_MAPPING_NOWHERE);
    PROPERTY_EXPECT_EQUAL(run, kernel_mapping_place(UINTPTR_MAX), KERNEL_MAPPING_NOWHERE);
}

static void unmap_it(void *address)
{
    kernel_mapping_unmap(address);
}

static void destroy_it(void *address)
{
    kernel_stack_destroy(address);
}

/* Validates 5.8: ending what is not there, or is something else, is told, and changes nothing. */
static void ends_of_the_wrong_thing_are_told(property_run_t *run)
{
    void *stack = NULL;
    void *address = NULL;
    vm_start(run);
    void *const page = pages_alloc(1);
    PROPERTY_EXPECT(run, page != NULL);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kernel_stack_create(2 * PAGE_SIZE, &stack));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kernel_mapping_map(&page, 1, PAGE_ACCESS_READ, &address));
    PROPERTY_EXPECT_CHECK(run, "unmap of no kernel mapping", unmap_it, stack);
    PROPERTY_EXPECT_CHECK(run, "unmap of no kernel mapping", unmap_it, NULL);
    PROPERTY_EXPECT_CHECK(run, "destroy of no kernel stack", destroy_it, address);
    PROPERTY_EXPECT_CHECK(run, "destroy of no kernel stack", destroy_it, (char *)stack + PAGE_SIZE);
    PROPERTY_EXPECT_VALID(run, kernel_mapping_validate());
    kernel_mapping_unmap(address);
    PROPERTY_EXPECT_CHECK(run, "unmap of no kernel mapping", unmap_it, address);
    pages_free(page, 1);
    kernel_stack_destroy(stack);
}

static status_t make_stack(property_run_t *run, void *context)
{
    (void)run;
    return kernel_stack_create(KIB(64), context);
}

static void undo_stack(property_run_t *run, void *context)
{
    (void)run;
    kernel_stack_destroy(*(void **)context);
}

/* Validates 3.10: each allocation that a stack takes is refused in turn, and nothing is left of it. */
static void every_refused_allocation_leaves_no_stack(property_run_t *run)
{
    static const failure_scenario_t scenario = {make_stack, undo_stack, NULL};
    void *stack = NULL;
    vm_start(run);
    PROPERTY_EXPECT(run, failure_sweep(run, &scenario, &stack) >= KIB(64) / PAGE_SIZE);
    PROPERTY_EXPECT_VALID(run, kernel_mapping_validate());
}

PROPERTY_SUITE(kernel_mapping, PROPERTY(mappings_show_their_pages_between_guards, "3.3 5.9"),
               PROPERTY(requests_that_make_no_sense_are_refused, "5.9"),
               PROPERTY_EFFORT(ends_of_the_wrong_thing_are_told, 5, "5.8"),
               PROPERTY_EFFORT(every_refused_allocation_leaves_no_stack, 5, "3.10"));
