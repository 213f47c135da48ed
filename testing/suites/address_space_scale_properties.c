/*
 * Address spaces with very many areas, and very many pages.
 */
#include "base/bits.h"
#include "mm/pages.h"
#include "mm/vm/address_space_internal.h"
#include "testing/models/vm_start.h"

#define MANY 100000u
#define FEW  4000u

/* Two steps for each level of a balanced tree, and a few. */
static uint64_t steps_bound(uint64_t count)
{
    return 3 * (uint64_t)(find_last_set(count + 2) + 1) + 8;
}

/* Maps single pages with a page between them; returns how many there was memory for. */
static uint64_t map_many(property_run_t *run, address_space_t *space, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const vm_request_t request = {
            .address = GIB(1) + 2 * i * PAGE_SIZE, .size = PAGE_SIZE, .access = VM_READ, .flags = VM_FIXED};
        uintptr_t place;
        const status_t status = address_space_map(space, &request, &place);
        if (status == STATUS_NO_MEMORY) {
            return i;
        }
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, status);
    }
    return count;
}

/* Validates 3.6: among 100,000 areas each is found, hit by a fault, cut and taken away in O(log n) steps. */
static void a_hundred_thousand_areas_take_logarithmic_steps(property_run_t *run)
{
    address_space_t *const space = vm_space_new(run);
    pages_stats_t memory;
    pages_stats(&memory);
    /* An area takes 128 bytes. */
    const uint64_t room = memory.pages_free * (PAGE_SIZE / 128) / 2;
    const uint64_t count = map_many(run, space, room < MANY ? FEW : MANY);
    const uint64_t bound = steps_bound(count);
    uint64_t seed = property_bits64(run);
    for (unsigned i = 0; i < 200; i++) {
        const uintptr_t address = GIB(1) + property_worker_draw(&seed, 2 * count) * PAGE_SIZE;
        vm_area_info_t info;
        uint64_t before = space->areas.steps;
        const bool is_found = address_space_find(space, address, &info);
        PROPERTY_EXPECT(run, space->areas.steps - before <= bound / 2);
        PROPERTY_EXPECT(run, !is_found || info.end - info.start == PAGE_SIZE);
        before = space->areas.steps;
        const vm_fault_t fault = address_space_fault(space, address, VM_WRITE);
        PROPERTY_EXPECT(run, space->areas.steps - before <= bound / 2);
        PROPERTY_EXPECT_EQUAL(run, fault, is_found ? VM_FAULT_DENIED : VM_FAULT_NO_AREA);
        const vm_request_t request = {.address = USER_SPACE_START, .size = 2 * PAGE_SIZE, .access = VM_READ};
        uintptr_t place;
        before = space->areas.steps;
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_map(space, &request, &place));
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_unmap(space, place, 2 * PAGE_SIZE));
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_unmap(space, address, PAGE_SIZE));
        PROPERTY_EXPECT(run, space->areas.steps - before <= 16 * bound);
    }
    PROPERTY_EXPECT_VALID(run, safe_list_validate(&space->areas));
}

/* Validates 3.5, 3.9: 100,000 pages, or half of what a small machine has, come, are seen and go, in batches. */
static void a_hundred_thousand_pages_come_and_go(property_run_t *run)
{
    address_space_t *const space = vm_space_new(run);
    pages_stats_t memory;
    address_space_stats_t stats;
    pages_stats(&memory);
    const uint64_t count = memory.pages_free / 2 < MANY ? memory.pages_free / 2 : MANY;
    vm_space_map(run, space, GIB(1), count * PAGE_SIZE, VM_READ | VM_WRITE, 0);
    for (uint64_t i = 0; i < count; i++) {
        vm_space_expect_fault(run, space, GIB(1) + i * PAGE_SIZE, VM_WRITE, VM_FAULT_RESOLVED);
    }
    address_space_stats(space, &stats);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_private, count);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_protect(space, GIB(1), count * PAGE_SIZE, VM_READ));
    vm_space_expect_fault(run, space, GIB(1) + (count - 1) * PAGE_SIZE, VM_WRITE, VM_FAULT_DENIED);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_unmap(space, GIB(1), count * PAGE_SIZE));
    address_space_stats(space, &stats);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_resident, 0);
    PROPERTY_EXPECT_EQUAL(run, stats.bytes_mapped, 0);
    PROPERTY_EXPECT(run, stats.pages_tables <= 16);
    PROPERTY_EXPECT_VALID(run, address_space_validate(space));
}

PROPERTY_SUITE(address_space_scale, PROPERTY_EFFORT(a_hundred_thousand_areas_take_logarithmic_steps, 2, "3.6"),
               PROPERTY_EFFORT(a_hundred_thousand_pages_come_and_go, 1, "3.5 3.9"));
