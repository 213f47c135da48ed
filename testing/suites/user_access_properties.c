/*
 * What machines make of user page tables: user code gets at exactly what the table says, on every CPU, and at nothing
 * any more when a flush has returned.
 *
 * On machines with user mode, user code makes the accesses; on the host its software walks
 * (testing/models/user_access.h).
 */
#include "arch/cpu_jobs.h"
#include "arch/page_backend.h"
#include "mm/pages.h"
#include "testing/models/user_tables.h"

static page_access_t draw_kind(property_run_t *run)
{
    static const page_access_t kinds[] = {PAGE_ACCESS_READ, PAGE_ACCESS_WRITE, PAGE_ACCESS_EXECUTE};

    return kinds[property_draw(run, ARRAY_COUNT(kinds))];
}

static page_access_t draw_access(property_run_t *run)
{
    const page_access_t rights = (page_access_t)property_draw(run, 5);

    return rights == 4 ? PAGE_ACCESS_HIDDEN : rights;
}

/* An offset in a page at which this kind of access is sound: often the first or the last. */
static uint64_t draw_offset(property_run_t *run, page_access_t kind)
{
    const uint64_t cells = PAGE_SIZE / USER_TABLES_CELL;
    const uint64_t which = property_draw(run, 4);
    const uint64_t drawn = property_draw(run, cells);
    const uint64_t byte = property_draw(run, 8);
    const uint64_t cell = which == 0 ? 0 : which == 1 ? cells - 1 : drawn;

    if (kind == PAGE_ACCESS_EXECUTE) {
        return cell * USER_TABLES_CELL;
    }
    return cell * USER_TABLES_CELL + USER_TABLES_CELL / 2 + (which == 1 ? USER_TABLES_CELL / 2 - 1 : byte);
}

/* ---- one CPU, two tables ---- */

typedef struct stretch {
    unsigned table;
    size_t first;
    size_t count;
} stretch_t;

static stretch_t draw_stretch(property_run_t *run)
{
    const unsigned table = (unsigned)property_draw(run, USER_TABLES_COUNT);
    const size_t first = (size_t)property_draw(run, USER_TABLES_PAGES);
    const size_t count = (size_t)property_range(run, 1, 4);

    return (stretch_t){table, first, first + count <= USER_TABLES_PAGES ? count : USER_TABLES_PAGES - first};
}

static void step_map(user_tables_t *world, stretch_t stretch)
{
    for (size_t page = stretch.first; page < stretch.first + stretch.count; page++) {
        user_row_t *const row = &world->rows[stretch.table][page];
        const unsigned frame = (unsigned)property_draw(world->run, USER_TABLES_FRAMES);
        const page_access_t access = draw_access(world->run);
        if (row->is_mapped) {
            continue;
        }
        PROPERTY_EXPECT_STATUS(world->run, STATUS_OK,
                               user_page_table_map(&world->tables[stretch.table], user_tables_address(world, page),
                                                   pointer_to_physical(world->frames[frame]), PAGE_SIZE, access,
                                                   user_tables_take, world));
        *row = (user_row_t){true, frame, access};
    }
}

static void flush(user_tables_t *world, stretch_t stretch)
{
    user_page_table_flush(&world->tables[stretch.table], user_tables_address(world, stretch.first),
                          stretch.count * PAGE_SIZE);
}

static void step_protect(user_tables_t *world, stretch_t stretch)
{
    const page_access_t access = draw_access(world->run);

    user_page_table_protect(&world->tables[stretch.table], user_tables_address(world, stretch.first),
                            stretch.count * PAGE_SIZE, access);
    for (size_t page = stretch.first; page < stretch.first + stretch.count; page++) {
        world->rows[stretch.table][page].access = access;
    }
    flush(world, stretch);
}

static void step_unmap(user_tables_t *world, stretch_t stretch)
{
    const uintptr_t end = user_tables_address(world, stretch.first + stretch.count);
    uintptr_t address = user_tables_address(world, stretch.first);
    user_leaf_t leaves[2];

    while (address < end) {
        (void)user_page_table_unmap(&world->tables[stretch.table], &address, end, leaves, ARRAY_COUNT(leaves));
    }
    for (size_t page = stretch.first; page < stretch.first + stretch.count; page++) {
        world->rows[stretch.table][page].is_mapped = false;
    }
    flush(world, stretch);
}

static void step_access(user_tables_t *world, stretch_t stretch)
{
    user_page_table_activate(&world->tables[stretch.table]);
    for (size_t page = stretch.first; page < stretch.first + stretch.count; page++) {
        const page_access_t kind = draw_kind(world->run);
        const uint64_t offset = draw_offset(world->run, kind);
        user_tables_expect(world, stretch.table, page, kind, offset);
    }
}

static void step(user_tables_t *world)
{
    static const uint32_t weights[] = {3, 8, 2, 2};
    const size_t what = property_choice(world->run, weights, ARRAY_COUNT(weights));
    const stretch_t stretch = draw_stretch(world->run);

    switch (what) {
    case 0:
        step_map(world, stretch);
        break;
    case 1:
        step_access(world, stretch);
        break;
    case 2:
        step_protect(world, stretch);
        break;
    default:
        step_unmap(world, stretch);
        break;
    }
}

/*
 * Validates 3.1, 3.2, 3.4, 5.9: whatever two tables map, protect and unmap, user code gets at exactly what the active
 * one allows, and what it reads and writes is that table's frame; a fault says where, what for, and which instruction.
 */
static void user_code_gets_at_what_its_table_allows(property_run_t *run)
{
    user_tables_t *const world = user_tables_open(run);

    for (uint32_t count = 0; count < run->steps; count++) {
        step(world);
    }
}

/* Validates 3.2, 3.3: nothing outside of user space can be used, mapped for the kernel or not, nor while none is active. */
static void user_code_gets_at_nothing_of_the_kernel(property_run_t *run)
{
    static unsigned char in_the_image;
    user_tables_t *const world = user_tables_open(run);
    const uintptr_t places[] = {
        (uintptr_t)&in_the_image,
        (uintptr_t)user_code_gets_at_nothing_of_the_kernel,
        (uintptr_t)world->frames[0],
        (uintptr_t)world->tables[0].root,
        (uintptr_t)page_word(world->frames[0]),
        (uintptr_t)cpu_current(),
        (uintptr_t)world, /* on this CPU's heap of the test */
        (uintptr_t)places,
        USER_SPACE_END,
        USER_SPACE_START - PAGE_SIZE,
        0,
        UINTPTR_MAX - PAGE_SIZE + 1,
    };
    const uintptr_t place = places[property_draw(run, ARRAY_COUNT(places))];
    const page_access_t kind = draw_kind(run);
    uint8_t value = 0;

    user_page_table_activate(&world->tables[property_draw(run, USER_TABLES_COUNT)]);
    PROPERTY_EXPECT_EQUAL(run, user_access_try(align_down(place, USER_TABLES_CELL), kind, &value), USER_ACCESS_FAULT);
    PROPERTY_EXPECT_EQUAL(run, value, 0);
}

/* ---- all CPUs ---- */

/* What each CPU does at once: uses every page of the active table in every way, and stays in that table. */
typedef struct crowd {
    user_tables_t *world;
    unsigned table;
    uint64_t offset;
} crowd_t;

static void try_everything(void *argument)
{
    const crowd_t *const crowd = argument;

    user_page_table_activate(&crowd->world->tables[crowd->table]);
    for (size_t page = 0; page < USER_TABLES_PAGES; page++) {
        user_tables_expect(crowd->world, crowd->table, page, PAGE_ACCESS_READ, crowd->offset + USER_TABLES_CELL / 2);
        user_tables_expect(crowd->world, crowd->table, page, PAGE_ACCESS_WRITE, crowd->offset + USER_TABLES_CELL / 2);
        user_tables_expect(crowd->world, crowd->table, page, PAGE_ACCESS_EXECUTE, crowd->offset);
    }
}

static void crowd_member(void *argument, uint32_t index)
{
    const crowd_t *const crowd = argument;

    (void)index;
    property_worker_run(crowd->world->run, try_everything, argument);
}

/*
 * Validates 1.9, 3.2: when a flush has returned, no CPU uses an old right, though each has just used it and is still in
 * the table, be it in user mode's way or idle.
 */
static void a_flush_reaches_every_cpu(property_run_t *run)
{
    user_tables_t *const world = user_tables_open(run);
    const uint32_t rounds = run->steps < 8 ? run->steps : 8;
    crowd_t crowd = {.world = world};

    for (uint32_t round = 0; round < rounds && !property_worker_has_failed(run); round++) {
        const bool unmaps = property_bool(run);
        const stretch_t stretch = draw_stretch(run);
        const stretch_t others = draw_stretch(run);
        crowd.table = stretch.table;
        crowd.offset = property_draw(run, PAGE_SIZE / USER_TABLES_CELL) * USER_TABLES_CELL;
        step_map(world, others);
        step_map(world, stretch);
        cpu_jobs_run_on_all(cpu_count(), crowd_member, &crowd);
        if (unmaps) {
            step_unmap(world, stretch);
        } else {
            step_protect(world, stretch);
        }
        cpu_jobs_run_on_all(cpu_count(), crowd_member, &crowd);
    }
}

/* One page that goes and comes, and CPUs that use it all the time. */
typedef struct race {
    user_tables_t *world;
    uint64_t rounds;
    _Atomic uint64_t generation; /* odd while nobody may get at the page */
    _Atomic uint32_t is_over;
} race_t;

static void use_page(void *argument)
{
    race_t *const race = argument;
    property_run_t *const run = race->world->run;
    const uintptr_t address = user_tables_address(race->world, 0) + USER_TABLES_CELL / 2;
    uint8_t value;

    user_page_table_activate(&race->world->tables[0]);
    while (atomic_load_explicit(&race->is_over, memory_order_acquire) == 0 && !property_worker_has_failed(run)) {
        const uint64_t before = atomic_load_explicit(&race->generation, memory_order_acquire);
        const user_access_result_t result = user_access_try(address, PAGE_ACCESS_WRITE, &value);
        atomic_thread_fence(memory_order_seq_cst);
        const uint64_t after = atomic_load_explicit(&race->generation, memory_order_acquire);
        PROPERTY_EXPECT(run, result == USER_ACCESS_DONE || result == USER_ACCESS_FAULT);
        PROPERTY_EXPECT(run, before != after || before % 2 == 0 || result == USER_ACCESS_FAULT);
    }
}

static void pass_moments(unsigned count)
{
    while (count-- > 0) {
        cpu_relax();
    }
}

static void move_page(void *argument)
{
    race_t *const race = argument;
    user_tables_t *const world = race->world;
    unsigned char *const byte = world->frames[0] + USER_TABLES_CELL / 2;
    user_leaf_t leaf;

    for (uint64_t round = 0; round < race->rounds && !property_worker_has_failed(world->run); round++) {
        uintptr_t address = user_tables_address(world, 0);
        atomic_fetch_add_explicit(&race->generation, 1, memory_order_seq_cst);
        PROPERTY_EXPECT_STATUS(world->run, STATUS_OK,
                               user_page_table_map(&world->tables[0], address, pointer_to_physical(world->frames[0]),
                                                   PAGE_SIZE, PAGE_ACCESS_WRITE, user_tables_take, world));
        pass_moments(200);
        PROPERTY_EXPECT_EQUAL(world->run,
                              user_page_table_unmap(&world->tables[0], &address, address + PAGE_SIZE, &leaf, 1), 1);
        user_page_table_flush(&world->tables[0], leaf.address, PAGE_SIZE);
        /* Nobody can write there any more: what is written now stays. */
        __atomic_store_n(byte, (unsigned char)(round & 63), __ATOMIC_RELAXED);
        atomic_fetch_add_explicit(&race->generation, 1, memory_order_seq_cst);
        pass_moments(50);
        PROPERTY_EXPECT_EQUAL(world->run, __atomic_load_n(byte, __ATOMIC_RELAXED), round & 63);
    }
}

static void race_member(void *argument, uint32_t index)
{
    race_t *const race = argument;

    property_worker_run(race->world->run, index == 0 ? move_page : use_page, race);
    if (index == 0) {
        atomic_store_explicit(&race->is_over, 1, memory_order_release);
    }
}

/* Validates 1.9, 3.2: a page that is taken away under the hands of CPUs that use it is out of their reach from then on. */
static void a_page_in_use_is_taken_from_all_cpus(property_run_t *run)
{
    user_tables_t *const world = user_tables_open(run);
    race_t *const race = property_alloc(run, sizeof(*race));

    race->world = world;
    race->rounds = property_range(run, 1, 12); /* each waits for all CPUs, and an emulator has few */
    atomic_init(&race->generation, 1);
    cpu_jobs_run_on_all(cpu_count(), race_member, race);
}

/* ---- large pages ---- */

typedef struct large {
    user_tables_t *world;
    uintptr_t address;
    unsigned char *frame;
    uint64_t lost; /* this page of it can only be read */
    bool is_split;
    uint64_t offsets[8];
} large_t;

static void large_close(void *argument)
{
    const large_t *const large = argument;

    pages_free(large->frame, USER_LARGE_PAGE_SIZE / PAGE_SIZE);
}

static void use_large_page(void *argument)
{
    const large_t *const large = argument;
    property_run_t *const run = large->world->run;
    uint8_t value = 0;

    user_page_table_activate(&large->world->tables[0]);
    for (size_t index = 0; index < ARRAY_COUNT(large->offsets); index++) {
        const uint64_t offset = large->offsets[index];
        const bool is_lost = large->is_split && offset / PAGE_SIZE == large->lost;
        PROPERTY_EXPECT_EQUAL(run, user_access_try(large->address + offset, PAGE_ACCESS_READ, &value),
                              USER_ACCESS_DONE);
        PROPERTY_EXPECT_EQUAL(run, user_access_try(large->address + offset, PAGE_ACCESS_WRITE, &value),
                              is_lost ? USER_ACCESS_FAULT : USER_ACCESS_DONE);
        PROPERTY_EXPECT(run, is_lost || __atomic_load_n(&large->frame[offset], __ATOMIC_RELAXED) == USER_ACCESS_STORED);
    }
}

static void large_member(void *argument, uint32_t index)
{
    const large_t *const large = argument;

    (void)index;
    property_worker_run(large->world->run, use_large_page, argument);
}

/* Validates 3.1, 3.2: a page of a large page loses a right, on every CPU, and the others keep theirs. */
static void a_large_page_can_lose_a_right_in_part(property_run_t *run)
{
    user_tables_t *const world = user_tables_open(run);
    large_t *const large = property_alloc(run, sizeof(*large));
    const pages_request_t request = {.count = USER_LARGE_PAGE_SIZE / PAGE_SIZE,
                                     .alignment = USER_LARGE_PAGE_SIZE / PAGE_SIZE};

    large->world = world;
    large->address = GIB(3);
    large->lost = property_draw(run, USER_LARGE_PAGE_SIZE / PAGE_SIZE);
    large->offsets[0] = large->lost * PAGE_SIZE;
    large->offsets[1] = large->lost * PAGE_SIZE + PAGE_SIZE - 1;
    large->offsets[2] = (large->offsets[0] + PAGE_SIZE) % USER_LARGE_PAGE_SIZE;
    large->offsets[3] = USER_LARGE_PAGE_SIZE - 1;
    for (size_t index = 4; index < ARRAY_COUNT(large->offsets); index++) {
        large->offsets[index] = property_draw(run, USER_LARGE_PAGE_SIZE);
    }
    large->frame = pages_alloc_with(&request);
    if (large->frame == NULL) {
        return; /* little memory: the smallest machines have no large page free */
    }
    property_defer(run, large_close, large);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                           user_page_table_map(&world->tables[0], large->address, pointer_to_physical(large->frame),
                                               USER_LARGE_PAGE_SIZE, PAGE_ACCESS_WRITE, user_tables_take, world));
    cpu_jobs_run_on_all(cpu_count(), large_member, large);

    const uintptr_t lost = large->address + large->lost * PAGE_SIZE;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, user_page_table_split(&world->tables[0], lost, user_tables_take, world));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                           user_page_table_split(&world->tables[0], lost + PAGE_SIZE, user_tables_take, world));
    user_page_table_protect(&world->tables[0], lost, PAGE_SIZE, PAGE_ACCESS_READ);
    user_page_table_flush(&world->tables[0], lost, PAGE_SIZE);
    large->is_split = true;
    cpu_jobs_run_on_all(cpu_count(), large_member, large);
}

PROPERTY_SUITE(user_access, PROPERTY(user_code_gets_at_what_its_table_allows, "3.1 3.2 3.4 5.9"),
               PROPERTY(user_code_gets_at_nothing_of_the_kernel, "3.2 3.3"),
               PROPERTY_EFFORT(a_flush_reaches_every_cpu, 20, "1.9 3.2"),
               PROPERTY_EFFORT(a_page_in_use_is_taken_from_all_cpus, 10, "1.9 3.2"),
               PROPERTY_EFFORT(a_large_page_can_lose_a_right_in_part, 20, "3.1 3.2"));
