/*
 * Clones of a space that other CPUs are writing meanwhile.
 */
#include "arch/cpu_jobs.h"
#include "arch/inline.h"
#include "testing/models/vm_user.h"

#define SPACE_BASE  GIB(2)
#define BYTE_OFFSET 64u
#define LOOKS_MAX   UINT64_C(20000000000)

/* ---- clones of what is being written ---- */

#define WRITTEN_PAGES 8u
#define CLONE_TURNS   10u

typedef struct writing {
    property_run_t *run;
    address_space_t *space;
    _Atomic uint64_t written[VM_CPUS_MAX]; /* each CPU's last value, which it writes to all its pages in turn */
    _Atomic bool is_over;
} writing_t;

static uintptr_t written_address(uint32_t cpu, uint64_t page)
{
    return SPACE_BASE + (cpu * WRITTEN_PAGES + page) * PAGE_SIZE;
}

static void keep_writing(writing_t *writing, uint32_t index)
{
    for (uint64_t value = 1; !atomic_load(&writing->is_over) && !property_worker_has_failed(writing->run); value++) {
        for (uint64_t page = 0; page < WRITTEN_PAGES; page++) {
            PROPERTY_EXPECT_STATUS(
                writing->run, STATUS_OK,
                address_space_copy_out(writing->space, written_address(index, page), &value, sizeof value, NULL));
        }
        atomic_store(&writing->written[index], value);
    }
}

/* All values of one CPU's pages in a clone. */
static void read_pages(const writing_t *writing, address_space_t *clone, uint32_t cpu, uint64_t *values)
{
    for (uint64_t page = 0; page < WRITTEN_PAGES; page++) {
        PROPERTY_EXPECT_STATUS(
            writing->run, STATUS_OK,
            address_space_copy_in(clone, &values[page], written_address(cpu, page), sizeof values[page], NULL));
    }
}

/* Each page of a clone has a value of some moment while it was made, and keeps it. */
static void clone_one(writing_t *writing)
{
    uint64_t before[VM_CPUS_MAX];
    uint64_t values[VM_CPUS_MAX][WRITTEN_PAGES];
    uint64_t again[WRITTEN_PAGES];
    address_space_t *clone = NULL;
    for (uint32_t cpu = 1; cpu < vm_cpus_used(); cpu++) {
        before[cpu] = atomic_load(&writing->written[cpu]);
    }
    PROPERTY_EXPECT_STATUS(writing->run, STATUS_OK, address_space_clone(writing->space, &clone));
    for (uint32_t cpu = 1; cpu < vm_cpus_used(); cpu++) {
        read_pages(writing, clone, cpu, values[cpu]);
        const uint64_t after = atomic_load(&writing->written[cpu]);
        for (uint64_t page = 0; page < WRITTEN_PAGES; page++) {
            PROPERTY_EXPECT(writing->run, values[cpu][page] >= before[cpu] && values[cpu][page] <= after + 1);
        }
    }
    for (uint32_t cpu = 1; cpu < vm_cpus_used(); cpu++) {
        read_pages(writing, clone, cpu, again);
        for (uint64_t page = 0; page < WRITTEN_PAGES; page++) {
            PROPERTY_EXPECT_EQUAL(writing->run, again[page], values[cpu][page]);
        }
    }
    PROPERTY_EXPECT_VALID(writing->run, address_space_validate(clone));
    address_space_destroy(clone);
}

typedef struct writer {
    writing_t *writing;
    uint32_t index;
} writer_t;

static void write_or_clone(void *argument)
{
    const writer_t *const writer = argument;
    if (writer->index != 0) {
        keep_writing(writer->writing, writer->index);
        return;
    }
    for (unsigned turn = 0; turn < CLONE_TURNS; turn++) {
        clone_one(writer->writing);
    }
}

static void write_on(void *argument, uint32_t index)
{
    writing_t *const writing = argument;
    writer_t writer = {writing, index};
    property_worker_run(writing->run, write_or_clone, &writer);
    if (index == 0) {
        atomic_store(&writing->is_over, true);
    }
}

/* Validates 3.1, 3.4: a clone of a space that is being written has each page of one moment, and none changes later. */
static void clones_of_a_busy_space_stand_still(property_run_t *run)
{
    writing_t *const writing = property_alloc(run, sizeof *writing);
    writing->run = run;
    writing->space = vm_space_new(run);
    vm_space_map(run, writing->space, SPACE_BASE, VM_CPUS_MAX * WRITTEN_PAGES * PAGE_SIZE, VM_READ | VM_WRITE,
                 property_bool(run) ? VM_LARGE_PAGES : 0);
    cpu_jobs_run_on_all(vm_cpus_used(), write_on, writing);
    PROPERTY_EXPECT_VALID(run, address_space_validate(writing->space));
}

/* ---- clones and what other CPUs remember ---- */

/* The cloner and the writers take turns: even phases are his, odd ones theirs. */
typedef struct relay {
    property_run_t *run;
    address_space_t *space;
    _Atomic uint64_t phase;
    _Atomic uint32_t done; /* writers that are done with the odd phase */
} relay_t;

#define RELAY_TURNS 4u

static bool wait_for_phase(relay_t *relay, uint64_t phase)
{
    for (uint64_t looks = 0; atomic_load(&relay->phase) < phase; looks++) {
        if (property_worker_has_failed(relay->run)) {
            return false;
        }
        PROPERTY_EXPECT(relay->run, looks < LOOKS_MAX);
        cpu_relax();
    }
    return true;
}

static uintptr_t relay_address(uint32_t index)
{
    return SPACE_BASE + index * PAGE_SIZE + BYTE_OFFSET;
}

/* A writer stores in its page in each of its phases: from the first on its CPU remembers that it may. */
static void write_in_turn(relay_t *relay, uint32_t index)
{
    for (uint64_t phase = 1; phase <= 2 * RELAY_TURNS + 1; phase += 2) {
        uint8_t value;
        if (!wait_for_phase(relay, phase)) {
            return;
        }
        PROPERTY_EXPECT_EQUAL(relay->run, vm_user_access(relay->run, relay->space, relay_address(index), true, &value),
                              VM_FAULT_RESOLVED);
        atomic_fetch_add(&relay->done, 1);
    }
}

/* Has the writers store once. */
static void let_write(relay_t *relay)
{
    atomic_store(&relay->done, 0);
    atomic_fetch_add(&relay->phase, 1);
    for (uint64_t looks = 0; atomic_load(&relay->done) != vm_cpus_used() - 1; looks++) {
        if (property_worker_has_failed(relay->run)) {
            return;
        }
        PROPERTY_EXPECT(relay->run, looks < LOOKS_MAX);
        cpu_relax();
    }
    atomic_fetch_add(&relay->phase, 1);
}

static void expect_bytes(const relay_t *relay, address_space_t *space, uint8_t expected)
{
    for (uint32_t cpu = 1; cpu < vm_cpus_used(); cpu++) {
        uint8_t value = 1;
        PROPERTY_EXPECT_STATUS(relay->run, STATUS_OK,
                               address_space_copy_in(space, &value, relay_address(cpu), 1, NULL));
        PROPERTY_EXPECT_EQUAL(relay->run, value, expected);
    }
}

static void clone_in_turn(relay_t *relay)
{
    let_write(relay);
    for (unsigned turn = 0; turn < RELAY_TURNS; turn++) {
        const uint8_t mark = (uint8_t)(turn + 1);
        address_space_t *clone = NULL;
        for (uint32_t cpu = 1; cpu < vm_cpus_used(); cpu++) {
            PROPERTY_EXPECT_STATUS(relay->run, STATUS_OK,
                                   address_space_copy_out(relay->space, relay_address(cpu), &mark, 1, NULL));
        }
        PROPERTY_EXPECT_STATUS(relay->run, STATUS_OK, address_space_clone(relay->space, &clone));
        let_write(relay);
        expect_bytes(relay, clone, mark);
        expect_bytes(relay, relay->space, USER_ACCESS_STORED);
        address_space_destroy(clone);
    }
}

typedef struct runner {
    relay_t *relay;
    uint32_t index;
} runner_t;

static void take_relay(void *argument)
{
    const runner_t *const runner = argument;
    address_space_activate(runner->relay->space);
    if (runner->index == 0) {
        clone_in_turn(runner->relay);
    } else {
        write_in_turn(runner->relay, runner->index);
    }
}

static void run_relay(void *argument, uint32_t index)
{
    relay_t *const relay = argument;
    runner_t runner = {relay, index};
    property_worker_run(relay->run, take_relay, &runner);
    address_space_activate(NULL);
}

/* Validates 3.2, 3.4: once a page is shared with a clone, no CPU writes it on the strength of what it remembers. */
static void no_cpu_writes_into_a_clone(property_run_t *run)
{
    relay_t *const relay = property_alloc(run, sizeof *relay);
    relay->run = run;
    relay->space = vm_user_space_new(run);
    vm_leave_later(run);
    vm_space_map(run, relay->space, SPACE_BASE, VM_CPUS_MAX * PAGE_SIZE, VM_READ | VM_WRITE, 0);
    cpu_jobs_run_on_all(vm_cpus_used(), run_relay, relay);
    PROPERTY_EXPECT_VALID(run, address_space_validate(relay->space));
}

PROPERTY_SUITE(vm_clone, PROPERTY_EFFORT(no_cpu_writes_into_a_clone, 3, "3.2 3.4"),
               PROPERTY_EFFORT(clones_of_a_busy_space_stand_still, 10, "3.1 3.4"));
