/*
 * One address space, used and changed from all CPUs at once.
 *
 * Accesses are those of user code, in user mode where there is one (testing/models/user_access.h), with faults resolved as a
 * process's are. With one CPU the properties hold all the same, and say less.
 */
#include "arch/cpu_jobs.h"
#include "arch/inline.h"
#include "testing/models/vm_user.h"

#define SLICE_PAGES        24u
#define SPACE_BASE         GIB(2)
#define BYTE_OFFSET        64u
#define ROUNDS             60u
#define LOOKS_MAX          UINT64_C(20000000000)
#define SLICE_ADDRESS(cpu) (SPACE_BASE + (uint64_t)(cpu) * SLICE_PAGES * PAGE_SIZE)

/* ---- each CPU has a slice, beside the others' ---- */

typedef struct slice_page {
    bool is_mapped;
    vm_access_t access;
    uint8_t value;
} slice_page_t;

typedef struct crowd {
    property_run_t *run;
    address_space_t *space;
    uint64_t seeds[VM_CPUS_MAX];
    slice_page_t pages[VM_CPUS_MAX][SLICE_PAGES];
    _Atomic uint64_t clones;
} crowd_t;

typedef struct member {
    crowd_t *crowd;
    uint32_t index;
} member_t;

/* A range within the slice, and what its pages should be. */
typedef struct stretch {
    uintptr_t address;
    uint64_t count;
    slice_page_t *pages;
} stretch_t;

static stretch_t draw_stretch(const member_t *member, uint64_t *seed)
{
    const uint64_t first = property_worker_draw(seed, SLICE_PAGES);
    const uint64_t rest = SLICE_PAGES - first;
    const uint64_t count = 1 + property_worker_draw(seed, rest < 6 ? rest : 6);
    return (stretch_t){SLICE_ADDRESS(member->index) + first * PAGE_SIZE, count,
                       &member->crowd->pages[member->index][first]};
}

static bool all_are(const stretch_t *stretch, bool is_mapped)
{
    for (uint64_t i = 0; i < stretch->count; i++) {
        if (stretch->pages[i].is_mapped != is_mapped) {
            return false;
        }
    }
    return true;
}

static void map_stretch(crowd_t *crowd, const stretch_t *stretch)
{
    const vm_request_t request = {.address = stretch->address,
                                  .size = stretch->count * PAGE_SIZE,
                                  .access = VM_READ | VM_WRITE,
                                  .flags = VM_FIXED};
    uintptr_t place = 0;
    const status_t status = address_space_map(crowd->space, &request, &place);
    PROPERTY_EXPECT_STATUS(crowd->run, all_are(stretch, false) ? STATUS_OK : STATUS_EXISTS, status);
    for (uint64_t i = 0; status == STATUS_OK && i < stretch->count; i++) {
        stretch->pages[i] = (slice_page_t){true, request.access, 0};
    }
}

static void unmap_stretch(crowd_t *crowd, const stretch_t *stretch)
{
    PROPERTY_EXPECT_STATUS(crowd->run, STATUS_OK,
                           address_space_unmap(crowd->space, stretch->address, stretch->count * PAGE_SIZE));
    for (uint64_t i = 0; i < stretch->count; i++) {
        stretch->pages[i].is_mapped = false;
    }
}

static void protect_stretch(crowd_t *crowd, const stretch_t *stretch, vm_access_t access)
{
    const status_t status = address_space_protect(crowd->space, stretch->address, stretch->count * PAGE_SIZE, access);
    PROPERTY_EXPECT_STATUS(crowd->run, all_are(stretch, true) ? STATUS_OK : STATUS_NOT_FOUND, status);
    for (uint64_t i = 0; status == STATUS_OK && i < stretch->count; i++) {
        stretch->pages[i].access = access;
    }
}

static void access_page(crowd_t *crowd, const stretch_t *stretch, bool is_write)
{
    slice_page_t *const page = stretch->pages;
    const vm_access_t needed = is_write ? VM_WRITE : VM_READ;
    const vm_fault_t expected = !page->is_mapped                ? VM_FAULT_NO_AREA
                                : (needed & ~page->access) != 0 ? VM_FAULT_DENIED
                                                                : VM_FAULT_RESOLVED;
    uint8_t value = 0;
    const vm_fault_t fault = vm_user_access(crowd->run, crowd->space, stretch->address + BYTE_OFFSET, is_write, &value);
    PROPERTY_EXPECT_EQUAL(crowd->run, fault, expected);
    if (fault == VM_FAULT_RESOLVED && is_write) {
        page->value = USER_ACCESS_STORED;
    } else if (fault == VM_FAULT_RESOLVED) {
        PROPERTY_EXPECT_EQUAL(crowd->run, value, page->value);
    }
}

/* A clone at any moment is whole, and has this CPU's slice as it is: this CPU does not write meanwhile. */
static void clone_and_look(crowd_t *crowd, const member_t *member)
{
    address_space_t *clone = NULL;
    PROPERTY_EXPECT_STATUS(crowd->run, STATUS_OK, address_space_clone(crowd->space, &clone));
    const slice_page_t *const pages = crowd->pages[member->index];
    for (uint64_t i = 0; i < SLICE_PAGES; i++) {
        uint8_t value = 0;
        const uintptr_t address = SLICE_ADDRESS(member->index) + i * PAGE_SIZE + BYTE_OFFSET;
        const status_t status = address_space_copy_in(clone, &value, address, 1, NULL);
        const bool is_readable = pages[i].is_mapped && pages[i].access != VM_NONE;
        PROPERTY_EXPECT_STATUS(crowd->run, is_readable ? STATUS_OK : STATUS_DENIED, status);
        PROPERTY_EXPECT(crowd->run, !is_readable || value == pages[i].value);
    }
    PROPERTY_EXPECT_VALID(crowd->run, address_space_validate(clone));
    address_space_destroy(clone);
    atomic_fetch_add(&crowd->clones, 1);
}

static void crowd_step(crowd_t *crowd, const member_t *member, uint64_t *seed)
{
    static const vm_access_t accesses[] = {VM_READ | VM_WRITE, VM_READ | VM_WRITE, VM_READ, VM_NONE};
    const uint64_t what = property_worker_draw(seed, 100);
    const stretch_t stretch = draw_stretch(member, seed);
    const vm_access_t access = accesses[property_worker_draw(seed, ARRAY_COUNT(accesses))];
    if (what < 20) {
        map_stretch(crowd, &stretch);
    } else if (what < 30) {
        unmap_stretch(crowd, &stretch);
    } else if (what < 40) {
        protect_stretch(crowd, &stretch, access);
    } else if (what < 43) {
        clone_and_look(crowd, member);
    } else {
        access_page(crowd, &stretch, what < 75);
    }
}

static void take_part(void *argument)
{
    const member_t *const member = argument;
    crowd_t *const crowd = member->crowd;
    address_space_activate(crowd->space);
    for (unsigned round = 0; round < ROUNDS && !property_worker_has_failed(crowd->run); round++) {
        crowd_step(crowd, member, &crowd->seeds[member->index]);
    }
}

static void work(void *argument, uint32_t index)
{
    crowd_t *const crowd = argument;
    member_t member = {crowd, index};
    property_worker_run(crowd->run, take_part, &member);
    address_space_activate(NULL);
}

/*
 * Validates 3.1, 3.4, 3.6: CPUs that map, unmap, protect, write, read and clone beside each other in one space each find
 * their part as they left it, and the space is whole afterwards.
 */
static void all_cpus_change_one_space(property_run_t *run)
{
    crowd_t *const crowd = property_alloc(run, sizeof *crowd);
    crowd->run = run;
    crowd->space = vm_user_space_new(run);
    vm_leave_later(run);
    for (uint32_t cpu = 0; cpu < vm_cpus_used(); cpu++) {
        crowd->seeds[cpu] = property_bits64(run);
    }
    cpu_jobs_run_on_all(vm_cpus_used(), work, crowd);
    PROPERTY_EXPECT_VALID(run, address_space_validate(crowd->space));
    for (uint32_t cpu = 0; cpu < vm_cpus_used(); cpu++) {
        for (uint64_t i = 0; i < SLICE_PAGES; i++) {
            vm_area_info_t info = {0};
            const slice_page_t *const page = &crowd->pages[cpu][i];
            const bool is_there = address_space_find(crowd->space, SLICE_ADDRESS(cpu) + i * PAGE_SIZE, &info);
            PROPERTY_EXPECT(run, is_there == page->is_mapped);
            PROPERTY_EXPECT(run, !is_there || info.access == page->access);
        }
    }
}

/* ---- what is taken away is gone, on every CPU ---- */

#define TURNS 6u

/* Even: the page is there; odd: the call that took it away has returned. */
typedef struct revocation {
    property_run_t *run;
    address_space_t *space;
    bool is_unmapped; /* or protected */
    _Atomic uint64_t turn;
    _Atomic uint64_t seen[VM_CPUS_MAX]; /* the last turn that each CPU has tried the page in */
    _Atomic bool is_over;
} revocation_t;

/* Tries the page again and again; after a turn has begun, what it must find is certain until all have tried. */
static void keep_trying(revocation_t *revocation, uint32_t index)
{
    property_run_t *const run = revocation->run;
    while (!atomic_load(&revocation->is_over) && !property_worker_has_failed(run)) {
        const uint64_t turn = atomic_load(&revocation->turn);
        uint8_t value = 0;
        const vm_fault_t fault = vm_user_access(run, revocation->space, SPACE_BASE + BYTE_OFFSET, true, &value);
        if (atomic_load(&revocation->seen[index]) == turn) {
            continue; /* it may be in the middle of the next change */
        }
        if (turn % 2 == 0) {
            PROPERTY_EXPECT_EQUAL(run, fault, VM_FAULT_RESOLVED);
        } else {
            PROPERTY_EXPECT_EQUAL(run, fault, revocation->is_unmapped ? VM_FAULT_NO_AREA : VM_FAULT_DENIED);
        }
        atomic_store(&revocation->seen[index], turn);
    }
}

static void wait_until_all_have_tried(revocation_t *revocation, uint64_t turn)
{
    for (uint32_t cpu = 1; cpu < vm_cpus_used(); cpu++) {
        for (uint64_t looks = 0; atomic_load(&revocation->seen[cpu]) != turn; looks++) {
            PROPERTY_EXPECT(revocation->run, looks < LOOKS_MAX);
            if (property_worker_has_failed(revocation->run)) {
                return;
            }
            cpu_relax();
        }
    }
}

/* The page there again, or gone again. */
static status_t take_turn(revocation_t *revocation, uint64_t turn)
{
    const vm_request_t request = {
        .address = SPACE_BASE, .size = PAGE_SIZE, .access = VM_READ | VM_WRITE, .flags = VM_FIXED};
    uintptr_t place;
    if (!revocation->is_unmapped) {
        return address_space_protect(revocation->space, SPACE_BASE, PAGE_SIZE,
                                     turn % 2 == 0 ? VM_READ | VM_WRITE : VM_READ);
    }
    return turn % 2 == 0 ? address_space_map(revocation->space, &request, &place)
                         : address_space_unmap(revocation->space, SPACE_BASE, PAGE_SIZE);
}

static void take_turns(void *argument)
{
    revocation_t *const revocation = argument;
    for (uint64_t turn = 1; turn <= TURNS; turn++) {
        uint8_t value;
        PROPERTY_EXPECT_STATUS(revocation->run, STATUS_OK, take_turn(revocation, turn));
        atomic_store(&revocation->turn, turn);
        const vm_fault_t fault =
            vm_user_access(revocation->run, revocation->space, SPACE_BASE + BYTE_OFFSET, true, &value);
        PROPERTY_EXPECT(revocation->run, (fault == VM_FAULT_RESOLVED) == (turn % 2 == 0));
        wait_until_all_have_tried(revocation, turn);
    }
}

typedef struct trier {
    revocation_t *revocation;
    uint32_t index;
} trier_t;

static void try_it(void *argument)
{
    const trier_t *const trier = argument;
    address_space_activate(trier->revocation->space);
    if (trier->index == 0) {
        take_turns(trier->revocation);
    } else {
        keep_trying(trier->revocation, trier->index);
    }
}

static void revoke_or_try(void *argument, uint32_t index)
{
    revocation_t *const revocation = argument;
    trier_t trier = {revocation, index};
    property_worker_run(revocation->run, try_it, &trier);
    if (index == 0) {
        atomic_store(&revocation->is_over, true);
    }
    address_space_activate(NULL);
}

/* Validates 3.2, 5.9: when unmap or protect has returned, no CPU can do any more what was taken away. */
static void what_is_taken_away_is_gone_on_every_cpu(property_run_t *run)
{
    revocation_t *const revocation = property_alloc(run, sizeof *revocation);
    revocation->run = run;
    revocation->is_unmapped = property_bool(run);
    revocation->space = vm_user_space_new(run);
    vm_leave_later(run);
    vm_space_map(run, revocation->space, SPACE_BASE, PAGE_SIZE, VM_READ | VM_WRITE, 0);
    cpu_jobs_run_on_all(vm_cpus_used(), revoke_or_try, revocation);
    PROPERTY_EXPECT_VALID(run, address_space_validate(revocation->space));
}

PROPERTY_SUITE(vm_concurrency, PROPERTY_EFFORT(all_cpus_change_one_space, 30, "3.1 3.4 3.6"),
               PROPERTY_EFFORT(what_is_taken_away_is_gone_on_every_cpu, 3, "3.2 5.9"));
