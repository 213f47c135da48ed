/*
 * Address spaces against naive models (testing/models/vm_world.h), step by step; and what only sizes show.
 *
 * What user code may do is asked of the page table by software here; that machines do what the table says is shown by
 * user_access_properties.c, and by programs that run.
 */
#include "base/bits.h"
#include "mm/inject.h"
#include "mm/kmalloc.h"
#include "mm/pages.h"
#include "mm/vm.h"
#include "mm/vm/address_space_internal.h"
#include "mm/vm/frame.h"
#include "testing/models/failure_sweep.h"
#include "testing/models/vm_start.h"
#include "testing/models/vm_world.h"

#define LARGE_PAGES (USER_LARGE_PAGE_SIZE / PAGE_SIZE)

/*
 * Validates 3.1, 3.4, 3.11, 5.9: whatever spaces are asked, in any order, areas, rights and contents of every page are
 * those of the naive model, after every step.
 */
static void spaces_agree_with_their_models(property_run_t *run)
{
    vm_world_t *const world = vm_world_new(run);
    for (uint32_t step = 0; step < run->steps; step++) {
        const vm_step_t next = vm_world_draw(world);
        (void)vm_world_do(world, &next, false);
        vm_world_expect_agreement(world);
    }
}

/* ---- memory that runs out ---- */

static void disarm(void *argument)
{
    (void)argument;
    inject_disarm(NULL);
}

#define REFUSALS_MAX 200u

/* Does a step with its first allocation refused, its second, ... until it goes through. */
static void do_under_refusals(vm_world_t *world, const vm_step_t *step, bool all_from_there)
{
    for (uint64_t passes = 0;; passes++) {
        const inject_rule_t rule = {.passes = passes, .refusals = all_from_there ? UINT64_MAX : 1};
        inject_report_t report;
        PROPERTY_EXPECT(world->run, passes < REFUSALS_MAX);
        PROPERTY_EXPECT_STATUS(world->run, STATUS_OK, inject_arm(&rule));
        const bool is_done = vm_world_do(world, step, true);
        inject_disarm(&report);
        PROPERTY_EXPECT(world->run, is_done || report.refused != 0);
        if (is_done) {
            return;
        }
        vm_world_expect_agreement(world);
    }
}

/*
 * Validates 3.10: each step is done with its Nth allocation refused, for every N: it says so and all is as before, or it
 * does without.
 */
static void every_refused_allocation_leaves_spaces_as_they_were(property_run_t *run)
{
    vm_world_t *const world = vm_world_new(run);
    const bool all_from_there = property_bool(run);
    property_defer(run, disarm, NULL);
    for (uint32_t step = 0; step < run->steps; step++) {
        const vm_step_t next = vm_world_draw(world);
        do_under_refusals(world, &next, all_from_there);
        vm_world_expect_agreement(world);
    }
}

/* Every cache keeps the slab that it uses: so that books agree, each is used once before. */
static void take_books(property_run_t *run, failure_books_t *books)
{
    address_space_t *space = NULL;
    memory_object_t *object = NULL;
    uintptr_t place;
    vm_start(run);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_create(&space));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, memory_object_create(1, &object));
    const vm_request_t request = {.size = PAGE_SIZE, .object = object};
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_map(space, &request, &place));
    memory_object_release(object);
    address_space_destroy(space);
    failure_books_take(books);
}

/* Validates 3.5, 3.8: when the last space and the last reference are gone, every page and object is back. */
static void all_that_spaces_had_comes_back(property_run_t *run)
{
    failure_books_t before;
    take_books(run, &before);
    vm_world_t *const world = vm_world_new(run);
    for (uint32_t step = 0; step < run->steps; step++) {
        const vm_step_t next = vm_world_draw(world);
        (void)vm_world_do(world, &next, false);
    }
    vm_world_close(world);
    failure_books_expect(run, &before);
}

/* ---- rules ---- */

/* Validates 5.9: numbers that make no sense are refused, wherever they come, and change nothing. */
static void hostile_numbers_are_refused(property_run_t *run)
{
    static const uint64_t numbers[] = {
        0,
        1,
        PAGE_SIZE - 1,
        PAGE_SIZE,
        USER_SPACE_START - PAGE_SIZE,
        USER_SPACE_START,
        USER_SPACE_START + PAGE_SIZE,
        GIB(1),
        USER_SPACE_END - PAGE_SIZE,
        USER_SPACE_END - 1,
        USER_SPACE_END,
        USER_SPACE_END + PAGE_SIZE,
        UINT64_C(0x7ffffffff000),
        UINT64_C(0x8000000000000000),
        UINT64_C(0xffff800000000000),
        UINT64_MAX - PAGE_SIZE + 1,
        UINT64_MAX,
    };
    address_space_t *const space = vm_space_new(run);
    const uint64_t address = numbers[property_draw(run, ARRAY_COUNT(numbers))];
    const uint64_t size = numbers[property_draw(run, ARRAY_COUNT(numbers))];
    const bool is_sane = address % PAGE_SIZE == 0 && size % PAGE_SIZE == 0 && size != 0 &&
                         address >= USER_SPACE_START && address < USER_SPACE_END && size <= USER_SPACE_END - address;
    const vm_request_t request = {.address = address, .size = size, .access = VM_READ, .flags = VM_FIXED};
    const status_t sane_or_not = is_sane ? STATUS_OK : STATUS_INVALID;
    uintptr_t place = 0;
    const bool may_fit = size % PAGE_SIZE == 0 && size != 0 && size <= USER_SPACE_END - USER_SPACE_START;
    const vm_request_t anywhere = {.address = address, .size = size, .flags = property_bool(run) ? VM_LARGE_PAGES : 0};
    const status_t status = address_space_map(space, &anywhere, &place);
    if (may_fit && address <= USER_SPACE_END) {
        PROPERTY_EXPECT(run, status == STATUS_OK || status == STATUS_OUT_OF_RANGE);
    } else {
        PROPERTY_EXPECT_STATUS(run, STATUS_INVALID, status);
    }
    if (status == STATUS_OK) {
        PROPERTY_EXPECT(run, place >= USER_SPACE_START && size <= USER_SPACE_END - place);
        PROPERTY_EXPECT_VALID(run, address_space_validate(space));
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_unmap(space, place, size));
    }
    place = 0;
    PROPERTY_EXPECT_STATUS(run, is_sane ? STATUS_NOT_FOUND : STATUS_INVALID,
                           address_space_protect(space, address, size, VM_READ));
    PROPERTY_EXPECT_STATUS(run, sane_or_not, address_space_map(space, &request, &place));
    PROPERTY_EXPECT_STATUS(run, sane_or_not, address_space_protect(space, address, size, VM_NONE));
    PROPERTY_EXPECT_EQUAL(run, address_space_fault(space, address, VM_READ),
                          is_sane ? VM_FAULT_DENIED : VM_FAULT_NO_AREA);
    char bytes[8] = {0};
    size_t copied = 1;
    PROPERTY_EXPECT_STATUS(run, STATUS_DENIED, address_space_copy_in(space, bytes, address, sizeof bytes, &copied));
    PROPERTY_EXPECT_EQUAL(run, copied, 0);
    copied = 1;
    PROPERTY_EXPECT_STATUS(run, STATUS_DENIED, address_space_copy_out(space, address, bytes, sizeof bytes, &copied));
    PROPERTY_EXPECT_EQUAL(run, copied, 0);
    PROPERTY_EXPECT_VALID(run, address_space_validate(space));
    PROPERTY_EXPECT_STATUS(run, sane_or_not, address_space_unmap(space, address, size));
    PROPERTY_EXPECT(run, !address_space_find(space, address, &(vm_area_info_t){0}));
    PROPERTY_EXPECT_VALID(run, address_space_validate(space));
}

/* Validates 5.9: write + execute is had by name only; a guard stays one. */
static void writable_code_must_be_asked_for_by_name(property_run_t *run)
{
    const vm_access_t all = VM_READ | VM_WRITE | VM_EXECUTE;
    address_space_t *const space = vm_space_new(run);
    vm_request_t request = {.address = GIB(1), .size = 4 * PAGE_SIZE, .access = all, .flags = VM_FIXED};
    uintptr_t place = 0;
    PROPERTY_EXPECT_STATUS(run, STATUS_DENIED, address_space_map(space, &request, &place));
    PROPERTY_EXPECT_EQUAL(run, place, 0);
    vm_space_map(run, space, GIB(1), 4 * PAGE_SIZE, VM_READ | VM_WRITE, 0);
    PROPERTY_EXPECT_STATUS(run, STATUS_DENIED, address_space_protect(space, GIB(1), 4 * PAGE_SIZE, all));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_protect(space, GIB(1), PAGE_SIZE, VM_READ | VM_EXECUTE));
    vm_space_expect_fault(run, space, GIB(1), VM_WRITE, VM_FAULT_DENIED);
    vm_space_map(run, space, GIB(2), 4 * PAGE_SIZE, VM_READ, VM_WX_ALLOWED);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_protect(space, GIB(2), PAGE_SIZE, all));
    vm_space_expect_fault(run, space, GIB(2), VM_WRITE, VM_FAULT_RESOLVED);
    vm_space_expect_fault(run, space, GIB(2), VM_EXECUTE, VM_FAULT_RESOLVED);
    vm_space_map(run, space, GIB(3), PAGE_SIZE, VM_NONE, VM_GUARD);
    PROPERTY_EXPECT_STATUS(run, STATUS_DENIED, address_space_protect(space, GIB(3), PAGE_SIZE, VM_READ));
    vm_space_expect_fault(run, space, GIB(3) + 7, VM_READ, VM_FAULT_GUARD);
    size_t copied;
    PROPERTY_EXPECT_STATUS(run, STATUS_DENIED, address_space_load(space, GIB(3), "x", 1, &copied));
    PROPERTY_EXPECT_VALID(run, address_space_validate(space));
}

/* ---- copies ---- */

#define COPY_PAGES 6u

/*
 * Validates 3.3, 5.9: a copy of any size from anywhere stops where the user's rights do, says how far it came, and moves
 * those bytes and no others.
 */
static void copies_stop_where_the_rights_do(property_run_t *run)
{
    address_space_t *const space = vm_space_new(run);
    const size_t window = COPY_PAGES * PAGE_SIZE;
    unsigned char *const model = property_alloc(run, window);
    unsigned char *const buffer = property_alloc(run, window);
    vm_space_map(run, space, GIB(1), window, VM_READ | VM_WRITE, 0);
    for (size_t i = 0; i < window; i++) {
        model[i] = (unsigned char)(i * 7 + i / 251);
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_copy_out(space, GIB(1), model, window, NULL));
    const uint64_t barrier = property_draw(run, COPY_PAGES + 1);
    if (barrier < COPY_PAGES) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                               address_space_protect(space, GIB(1) + barrier * PAGE_SIZE, PAGE_SIZE,
                                                     property_bool(run) ? VM_NONE : VM_READ));
    }
    const size_t from = property_draw(run, window);
    const size_t size = property_draw(run, window + 1000);
    vm_area_info_t info = {0};
    const bool is_readable = !address_space_find(space, GIB(1) + barrier * PAGE_SIZE, &info) || info.access != VM_NONE;
    const size_t limit_in = is_readable || from >= (barrier + 1) * PAGE_SIZE ? window : barrier * PAGE_SIZE;
    const size_t limit_out = from >= (barrier + 1) * PAGE_SIZE ? window : barrier * PAGE_SIZE;
    const size_t whole_in = limit_in <= from ? 0 : limit_in - from;
    const size_t whole_out =
        (limit_out < window ? limit_out : window) <= from ? 0 : (limit_out < window ? limit_out : window) - from;
    size_t copied = SIZE_MAX;
    status_t status = address_space_copy_in(space, buffer, GIB(1) + from, size <= window ? size : window, &copied);
    const size_t asked = size <= window ? size : window;
    PROPERTY_EXPECT_EQUAL(run, copied, asked < whole_in ? asked : whole_in);
    PROPERTY_EXPECT_STATUS(run, copied == asked ? STATUS_OK : STATUS_DENIED, status);
    for (size_t i = 0; i < copied; i++) {
        PROPERTY_EXPECT_EQUAL(run, buffer[i], model[from + i]);
    }
    for (size_t i = copied; i < window; i++) {
        PROPERTY_EXPECT_EQUAL(run, buffer[i], 0);
    }
    for (size_t i = 0; i < window; i++) {
        buffer[i] = (unsigned char)(i * 13 + 5);
    }
    status = address_space_copy_out(space, GIB(1) + from, buffer, asked, &copied);
    PROPERTY_EXPECT_EQUAL(run, copied, asked < whole_out ? asked : whole_out);
    PROPERTY_EXPECT_STATUS(run, copied == asked ? STATUS_OK : STATUS_DENIED, status);
    for (size_t i = 0; i < copied; i++) {
        model[from + i] = buffer[i];
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_protect(space, GIB(1), window, VM_READ));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_copy_in(space, buffer, GIB(1), window, NULL));
    for (size_t i = 0; i < window; i++) {
        PROPERTY_EXPECT_EQUAL(run, buffer[i], model[i]);
    }
}

/* Validates 5.9: a text is copied up to its end; one without is cut, one that can't be read leaves nothing. */
static void texts_are_copied_to_their_end_or_cut(property_run_t *run)
{
    address_space_t *const space = vm_space_new(run);
    const uintptr_t end = GIB(1) + 2 * PAGE_SIZE;
    vm_space_map(run, space, GIB(1), 2 * PAGE_SIZE, VM_READ | VM_WRITE, 0);
    char text[40];
    const size_t capacity = property_range(run, 1, sizeof text);
    const size_t length = property_draw(run, 60);
    const bool has_end = property_bool(run);
    const uintptr_t at = property_bool(run) ? end - length - has_end : end - PAGE_SIZE - length / 2;
    for (size_t i = 0; i < length; i++) {
        const char letter = (char)('a' + i % 26);
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_copy_out(space, at + i, &letter, 1, NULL));
    }
    const bool ends_in_time = length < capacity && (has_end || at + length < end); /* fresh memory is zeros */
    size_t found = SIZE_MAX;
    const status_t status = address_space_copy_text_in(space, text, capacity, at, &found);
    if (ends_in_time) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, status);
        PROPERTY_EXPECT_EQUAL(run, found, length);
    } else if (length >= capacity) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OUT_OF_RANGE, status);
        PROPERTY_EXPECT_EQUAL(run, found, capacity - 1);
    } else {
        PROPERTY_EXPECT_STATUS(run, STATUS_DENIED, status);
        PROPERTY_EXPECT_EQUAL(run, found, 0);
    }
    for (size_t i = 0; i < found; i++) {
        PROPERTY_EXPECT_EQUAL(run, text[i], 'a' + i % 26);
    }
    PROPERTY_EXPECT_EQUAL(run, text[found], 0);
}

/* ---- pages ---- */

/* Validates 3.1, 3.5: one fault brings a large page; what touches a part of it splits it, and copies one small page. */
static void large_pages_serve_until_a_part_differs(property_run_t *run)
{
    address_space_t *const space = vm_space_new(run);
    address_space_stats_t stats;
    const uint64_t page = property_draw(run, LARGE_PAGES);
    const uintptr_t address = GIB(1) + page * PAGE_SIZE;
    vm_space_map(run, space, GIB(1), 2 * USER_LARGE_PAGE_SIZE, VM_READ | VM_WRITE, VM_LARGE_PAGES);
    vm_space_expect_fault(run, space, address, VM_READ, VM_FAULT_RESOLVED);
    address_space_stats(space, &stats);
    if (stats.pages_large == 0) {
        return; /* a machine that has no such run left: the small ones are the other properties' */
    }
    PROPERTY_EXPECT_EQUAL(run, stats.pages_private, LARGE_PAGES);
    PROPERTY_EXPECT_EQUAL(run, stats.faults_zero, 1);
    const uint64_t value = 12345;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_copy_out(space, address, &value, sizeof value, NULL));

    address_space_t *clone = NULL;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_clone(space, &clone));
    vm_space_end_later(run, clone);
    address_space_stats(clone, &stats);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_large, 1);
    const uint64_t other = 54321;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_copy_out(clone, address, &other, sizeof other, NULL));
    address_space_stats(clone, &stats);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_large, 0);
    PROPERTY_EXPECT_EQUAL(run, stats.faults_copy, 1);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_private, LARGE_PAGES);
    uint64_t seen = 0;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_copy_in(space, &seen, address, sizeof seen, NULL));
    PROPERTY_EXPECT_EQUAL(run, seen, value);
    PROPERTY_EXPECT_VALID(run, address_space_validate(space));
    PROPERTY_EXPECT_VALID(run, address_space_validate(clone));

    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_protect(space, address, PAGE_SIZE, VM_READ));
    address_space_stats(space, &stats);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_large, 0);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_private, LARGE_PAGES);
    PROPERTY_EXPECT_VALID(run, address_space_validate(space));
}

#define CLONES_MAX 5u

/* Validates 3.4, 3.5: a page that many have goes back when the last of them lets go, in whatever order they do. */
static void a_shared_page_lives_as_long_as_its_last_holder(property_run_t *run)
{
    address_space_t *spaces[CLONES_MAX + 1] = {NULL};
    failure_books_t before;
    take_books(run, &before);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_create(&spaces[0]));
    vm_space_map(run, spaces[0], GIB(1), 8 * PAGE_SIZE, VM_READ | VM_WRITE, 0);
    for (uint64_t i = 0; i < 8; i++) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                               address_space_copy_out(spaces[0], GIB(1) + i * PAGE_SIZE, &i, sizeof i, NULL));
    }
    for (size_t i = 1; i <= CLONES_MAX; i++) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_clone(spaces[property_draw(run, i)], &spaces[i]));
    }
    for (size_t left = CLONES_MAX + 1; left > 0; left--) {
        const size_t pick = property_draw(run, left);
        const uint64_t page = property_draw(run, 8);
        uint64_t value = 0;
        PROPERTY_EXPECT_STATUS(
            run, STATUS_OK, address_space_copy_in(spaces[pick], &value, GIB(1) + page * PAGE_SIZE, sizeof value, NULL));
        PROPERTY_EXPECT(run, value == page || value == page + 100);
        value = page + 100;
        PROPERTY_EXPECT_STATUS(
            run, STATUS_OK,
            address_space_copy_out(spaces[pick], GIB(1) + page * PAGE_SIZE, &value, sizeof value, NULL));
        const size_t gone = property_draw(run, left);
        address_space_destroy(spaces[gone]);
        spaces[gone] = spaces[left - 1];
    }
    failure_books_expect(run, &before);
}

static void free_it(void *pointer)
{
    kfree(pointer);
}

/* Validates 5.2, 5.8: a page of a process is none of kmalloc's, and kfree says so. */
static void a_page_of_a_process_is_foreign_to_kfree(property_run_t *run)
{
    address_space_t *const space = vm_space_new(run);
    user_leaf_t leaf;
    vm_space_map(run, space, GIB(1), PAGE_SIZE, VM_READ | VM_WRITE, 0);
    vm_space_expect_fault(run, space, GIB(1), VM_WRITE, VM_FAULT_RESOLVED);
    PROPERTY_EXPECT(run, user_page_table_next(&space->table, GIB(1), GIB(1) + PAGE_SIZE, &leaf));
    char *const page = physical_to_pointer(leaf.physical);
    PROPERTY_EXPECT_CHECK(run, "free of a foreign pointer", free_it, page);
    PROPERTY_EXPECT_CHECK(run, "free of a foreign pointer", free_it, page + 16 * property_draw(run, 256));
    PROPERTY_EXPECT_EQUAL(run, frame_holders(page), 1);
}

/* ---- numbers ---- */

/* Validates 3.9, 4.2: the whole is the sum of the spaces, and what ended spaces counted is not lost. */
static void statistics_are_the_sums_of_the_spaces(property_run_t *run)
{
    vm_stats_t before;
    vm_stats_t now;
    vm_start(run);
    vm_stats(&before);
    vm_world_t *const world = vm_world_new(run);
    uint64_t faults = before.faults;
    for (uint32_t step = 0; step < run->steps; step++) {
        const vm_step_t next = vm_world_draw(world);
        (void)vm_world_do(world, &next, false);
        address_space_stats_t stats;
        uint64_t live = before.spaces_live;
        uint64_t mapped = before.bytes_mapped;
        uint64_t resident = before.pages_resident;
        for (uint32_t i = 0; i < VM_SPACES_MAX; i++) {
            if (world->spaces[i] != NULL) {
                address_space_stats(world->spaces[i], &stats);
                live++;
                mapped += stats.bytes_mapped;
                resident += stats.pages_resident;
            }
        }
        vm_stats(&now);
        PROPERTY_EXPECT_EQUAL(run, now.spaces_live, live);
        PROPERTY_EXPECT_EQUAL(run, now.spaces_live, now.spaces_created - now.spaces_destroyed);
        PROPERTY_EXPECT_EQUAL(run, now.bytes_mapped, mapped);
        PROPERTY_EXPECT_EQUAL(run, now.pages_resident, resident);
        PROPERTY_EXPECT_EQUAL(run, now.objects_live, now.objects_created - now.objects_destroyed);
        PROPERTY_EXPECT(run, now.faults >= faults);
        PROPERTY_EXPECT_EQUAL(run, now.faults,
                              now.faults_zero + now.faults_copy + now.faults_reuse + now.faults_shared +
                                  now.faults_spurious + now.faults_refused + now.faults_no_memory);
        faults = now.faults;
    }
    vm_world_close(world);
    vm_stats(&now);
    PROPERTY_EXPECT_EQUAL(run, now.spaces_live, before.spaces_live);
    PROPERTY_EXPECT_EQUAL(run, now.objects_live, before.objects_live);
    PROPERTY_EXPECT_EQUAL(run, now.objects_pages, before.objects_pages);
    PROPERTY_EXPECT_EQUAL(run, now.faults, faults);
}

/* Validates 6.4: virtual memory starts once. */
static void virtual_memory_starts_once(property_run_t *run)
{
    vm_start(run);
    PROPERTY_EXPECT_STATUS(run, STATUS_EXISTS, vm_init());
}

PROPERTY_SUITE(address_space, PROPERTY(spaces_agree_with_their_models, "3.1 3.4 3.11 5.9"),
               PROPERTY_EFFORT(every_refused_allocation_leaves_spaces_as_they_were, 30, "3.10"),
               PROPERTY(all_that_spaces_had_comes_back, "3.5 3.8"), PROPERTY(hostile_numbers_are_refused, "5.9"),
               PROPERTY(writable_code_must_be_asked_for_by_name, "5.9"),
               PROPERTY(copies_stop_where_the_rights_do, "3.3 5.9"),
               PROPERTY(texts_are_copied_to_their_end_or_cut, "5.9"),
               PROPERTY(large_pages_serve_until_a_part_differs, "3.1 3.5"),
               PROPERTY(a_shared_page_lives_as_long_as_its_last_holder, "3.4 3.5"),
               PROPERTY_EFFORT(a_page_of_a_process_is_foreign_to_kfree, 3, "5.2 5.8"),

               PROPERTY(statistics_are_the_sums_of_the_spaces, "3.9 4.2"), PROPERTY(virtual_memory_starts_once, "6.4"));
