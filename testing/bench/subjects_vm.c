/*
 * What is measured of virtual memory: making and taking away areas, page faults, and clones.
 *
 * No CPU runs in these spaces, so that flushing costs nothing: what one costs is the port's. Faults are those of an address
 * space, from the call that a process's fault ends in; entering and leaving the kernel is not part of it.
 */
#include "mm/vm.h"
#include "testing/bench/subjects.h"

#include "arch/inline.h"
#include "base/compiler.h"

#define BASE  GIB(1)
#define BATCH BENCH_VM_PAGES

/* One round in so many is made, and its ticks are scaled up, so that no subject takes longer than the others. */
#define SHARE 64u

/* A space for one subject; virtual memory is started for it if it does not run, and ended then. */
typedef struct vm_bench {
    address_space_t *space;
    bool is_ours;
    bool has_failed;
} vm_bench_t;

static vm_bench_t vm_bench_open(void)
{
    vm_bench_t bench = {.is_ours = vm_init() == STATUS_OK};
    bench.has_failed = address_space_create(&bench.space) != STATUS_OK;
    return bench;
}

static uint64_t vm_bench_close(vm_bench_t *bench, uint64_t ticks)
{
    address_space_destroy(bench->space);
    if (bench->is_ours) {
        bench->has_failed = vm_shutdown() != 0 || bench->has_failed;
    }
    return bench->has_failed ? BENCH_FAILED : ticks;
}

static void require(vm_bench_t *bench, bool condition)
{
    bench->has_failed = bench->has_failed || !condition;
}

static void map(vm_bench_t *bench, uint64_t pages)
{
    const vm_request_t request = {
        .address = BASE, .size = pages * PAGE_SIZE, .access = VM_READ | VM_WRITE, .flags = VM_FIXED};
    uintptr_t place;
    require(bench, address_space_map(bench->space, &request, &place) == STATUS_OK);
}

static void unmap(vm_bench_t *bench, uint64_t pages)
{
    require(bench, address_space_unmap(bench->space, BASE, pages * PAGE_SIZE) == STATUS_OK);
}

static void touch(vm_bench_t *bench, address_space_t *space, uint64_t pages)
{
    for (uint64_t page = 0; page < pages; page++) {
        require(bench, address_space_fault(space, BASE + page * PAGE_SIZE, VM_WRITE) == VM_FAULT_RESOLVED);
    }
}

/* An area made and taken away, so many pages long and none of them used. */
static uint64_t map_and_unmap(uint32_t rounds, uint64_t pages)
{
    vm_bench_t bench = vm_bench_open();
    uint64_t ticks = 0;
    for (uint32_t round = 0; round < rounds && !bench.has_failed; round++) {
        const uint64_t start = cycle_counter();
        map(&bench, pages);
        unmap(&bench, pages);
        ticks += cycle_counter() - start;
    }
    return vm_bench_close(&bench, ticks);
}

uint64_t bench_vm_map_1(uint32_t rounds)
{
    return map_and_unmap(rounds, 1);
}

uint64_t bench_vm_map_512(uint32_t rounds)
{
    return map_and_unmap(rounds, 512);
}

uint64_t bench_vm_map_100000(uint32_t rounds)
{
    return map_and_unmap(rounds, 100000);
}

/* For each page: the fault that brings it, or taking it away with all the others. */
static uint64_t pages_of_batches(uint32_t rounds, bool counts_faults)
{
    vm_bench_t bench = vm_bench_open();
    uint64_t faults = 0;
    uint64_t unmaps = 0;
    for (uint32_t round = 0; round < rounds / SHARE && !bench.has_failed; round++) {
        map(&bench, BATCH);
        uint64_t start = cycle_counter();
        touch(&bench, bench.space, BATCH);
        faults += cycle_counter() - start;
        start = cycle_counter();
        unmap(&bench, BATCH);
        unmaps += cycle_counter() - start;
    }
    return vm_bench_close(&bench, (counts_faults ? faults : unmaps) * SHARE);
}

uint64_t bench_vm_fault_zero(uint32_t rounds)
{
    return pages_of_batches(rounds, true);
}

uint64_t bench_vm_unmap_page(uint32_t rounds)
{
    return pages_of_batches(rounds, false);
}

/* For each page: sharing it with a clone and ending that, or the fault that makes the clone a copy. */
static uint64_t clones_of_batches(uint32_t rounds, bool counts_faults)
{
    vm_bench_t bench = vm_bench_open();
    uint64_t clones = 0;
    uint64_t faults = 0;
    map(&bench, BATCH);
    touch(&bench, bench.space, BATCH);
    for (uint32_t round = 0; round < rounds / SHARE && !bench.has_failed; round++) {
        address_space_t *clone = NULL;
        uint64_t start = cycle_counter();
        require(&bench, address_space_clone(bench.space, &clone) == STATUS_OK);
        clones += cycle_counter() - start;
        if (counts_faults && clone != NULL) {
            start = cycle_counter();
            touch(&bench, clone, BATCH);
            faults += cycle_counter() - start;
        }
        start = cycle_counter();
        address_space_destroy(clone);
        clones += cycle_counter() - start;
    }
    return vm_bench_close(&bench, (counts_faults ? faults : clones) * SHARE);
}

uint64_t bench_vm_clone_page(uint32_t rounds)
{
    return clones_of_batches(rounds, false);
}

uint64_t bench_vm_fault_copy(uint32_t rounds)
{
    return clones_of_batches(rounds, true);
}

uint64_t bench_vm_space(uint32_t rounds)
{
    vm_bench_t bench = vm_bench_open();
    uint64_t ticks = 0;
    for (uint32_t round = 0; round < rounds && !bench.has_failed; round++) {
        address_space_t *space = NULL;
        const uint64_t start = cycle_counter();
        require(&bench, address_space_create(&space) == STATUS_OK);
        address_space_destroy(space);
        ticks += cycle_counter() - start;
    }
    return vm_bench_close(&bench, ticks);
}
