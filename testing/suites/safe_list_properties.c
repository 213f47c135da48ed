/*
 * Safe lists against a table that is searched from end to end, and on all CPUs at once.
 */
#include "arch/cpu_jobs.h"
#include "mm/kmalloc.h"
#include "mm/structures/safe_list.h"
#include "testing/property/property.h"

#define RANGES_MAX 200u
#define SPACE_END  UINT64_C(4000) /* small, so that ranges touch, and gaps fill up */
#define SIZE_MAX_  40u
#define CPUS_MAX   8u

/* The list, and what should be in it: table[i] is live when its node's end is not 0. */
typedef struct world {
    property_run_t *run;
    safe_list_t list;
    safe_list_node_t nodes[RANGES_MAX];
    uint64_t starts[RANGES_MAX];
    uint64_t ends[RANGES_MAX]; /* 0: not in the list */
    uint64_t count;
} world_t;

static world_t *new_world(property_run_t *run)
{
    world_t *const world = property_alloc(run, sizeof *world);
    world->run = run;
    safe_list_init(&world->list, LOCK_RANK_TEST);
    return world;
}

static bool model_is_free(const world_t *world, uint64_t start, uint64_t end, size_t but)
{
    for (size_t i = 0; i < RANGES_MAX; i++) {
        if (i != but && world->ends[i] != 0 && world->starts[i] < end && world->ends[i] > start) {
            return false;
        }
    }
    return true;
}

/* The index of the lowest range that ends behind `address`, or RANGES_MAX. */
static size_t model_find_from(const world_t *world, uint64_t address)
{
    size_t best = RANGES_MAX;
    for (size_t i = 0; i < RANGES_MAX; i++) {
        if (world->ends[i] > address && (best == RANGES_MAX || world->starts[i] < world->starts[best])) {
            best = i;
        }
    }
    return best;
}

static bool model_first_fit(const world_t *world, uint64_t low, uint64_t high, uint64_t size, uint64_t *place)
{
    for (uint64_t at = low; at <= high && high - at >= size;) {
        const size_t next = model_find_from(world, at);
        if (next == RANGES_MAX || (world->starts[next] >= at && world->starts[next] - at >= size)) {
            *place = at;
            return true;
        }
        at = world->ends[next];
    }
    return false;
}

static safe_list_node_t *node_at(world_t *world, size_t index)
{
    return index == RANGES_MAX ? NULL : &world->nodes[index];
}

/* The checks that need the lock return what they saw; expectations may leave, and so come after it. */

static void insert(world_t *world)
{
    const uint64_t start = property_draw(world->run, SPACE_END);
    const uint64_t size = property_draw(world->run, SIZE_MAX_);
    size_t slot = 0;
    while (slot < RANGES_MAX && world->ends[slot] != 0) {
        slot++;
    }
    if (slot == RANGES_MAX) {
        return;
    }
    const bool expected = size != 0 && model_is_free(world, start, start + size, RANGES_MAX);
    const spinlock_hold_t hold = safe_list_lock(&world->list);
    const bool is_free = safe_list_is_free(&world->list, start, start + size);
    const bool is_in = safe_list_insert(&world->list, &world->nodes[slot], start, start + size);
    safe_list_unlock(&world->list, hold);
    PROPERTY_EXPECT(world->run, is_in == expected);
    PROPERTY_EXPECT(world->run, size == 0 || is_free == expected);
    if (is_in) {
        world->starts[slot] = start;
        world->ends[slot] = start + size;
        world->count++;
    }
}

static void remove_one(world_t *world)
{
    const size_t slot = model_find_from(world, property_draw(world->run, SPACE_END));
    if (slot == RANGES_MAX) {
        return;
    }
    const spinlock_hold_t hold = safe_list_lock(&world->list);
    safe_list_remove(&world->list, &world->nodes[slot]);
    safe_list_unlock(&world->list, hold);
    world->ends[slot] = 0;
    world->count--;
}

static void resize(world_t *world)
{
    const size_t slot = model_find_from(world, property_draw(world->run, SPACE_END));
    const uint64_t start = property_draw(world->run, SPACE_END);
    const uint64_t size = property_draw(world->run, SIZE_MAX_);
    if (slot == RANGES_MAX) {
        return;
    }
    /* A resize never passes a neighbour: half of the tries stay near. */
    const uint64_t new_start = property_bool(world->run) ? start : world->starts[slot] + size / 4;
    const uint64_t new_end = new_start + size;
    bool expected = size != 0 && model_is_free(world, new_start, new_end, slot);
    for (size_t i = 0; i < RANGES_MAX; i++) {
        expected = expected && (world->ends[i] == 0 || i == slot ||
                                (world->starts[i] < world->starts[slot]) == (world->starts[i] < new_start));
    }
    const spinlock_hold_t hold = safe_list_lock(&world->list);
    const bool is_done = safe_list_resize(&world->list, &world->nodes[slot], new_start, new_end);
    safe_list_unlock(&world->list, hold);
    PROPERTY_EXPECT(world->run, is_done == expected);
    if (is_done) {
        world->starts[slot] = new_start;
        world->ends[slot] = new_end;
    }
}

static void expect_finds(world_t *world)
{
    property_run_t *const run = world->run;
    const uint64_t address = property_draw(run, SPACE_END + 100);
    const uint64_t low = property_draw(run, SPACE_END);
    const uint64_t high = property_draw(run, SPACE_END + 100);
    const uint64_t size = 1 + property_draw(run, 200);
    const size_t from = model_find_from(world, address);
    const bool holds = from != RANGES_MAX && world->starts[from] <= address;
    const size_t behind = from == RANGES_MAX ? RANGES_MAX : model_find_from(world, world->ends[from]);
    uint64_t place = 0;
    uint64_t model_place = 0;

    const spinlock_hold_t hold = safe_list_lock(&world->list);
    safe_list_node_t *const found = safe_list_find(&world->list, address);
    safe_list_node_t *const found_from = safe_list_find_from(&world->list, address);
    safe_list_node_t *const before = safe_list_find_before(&world->list, address);
    safe_list_node_t *const after = before == NULL ? NULL : safe_list_next(&world->list, before);
    safe_list_node_t *const next = found_from == NULL ? NULL : safe_list_next(&world->list, found_from);
    safe_list_node_t *const back = next == NULL ? found_from : safe_list_previous(&world->list, next);
    const bool fits = safe_list_first_fit(&world->list, low, high, size, &place);
    safe_list_unlock(&world->list, hold);

    PROPERTY_EXPECT(run, found_from == node_at(world, from));
    PROPERTY_EXPECT(run, found == (holds ? found_from : NULL));
    PROPERTY_EXPECT(run, before == NULL || before->start < address);
    PROPERTY_EXPECT(run, after == NULL || after->start >= address);
    PROPERTY_EXPECT(run, before != NULL || found_from == NULL || found_from->start >= address);
    PROPERTY_EXPECT(run, next == node_at(world, behind));
    PROPERTY_EXPECT(run, back == found_from);
    PROPERTY_EXPECT(run, fits == model_first_fit(world, low, high, size, &model_place));
    PROPERTY_EXPECT_EQUAL(run, place, model_place);
}

/* Validates 3.6: after every step the list has what a plain table has, finds what that finds, and its invariants hold. */
static void a_safe_list_agrees_with_a_table(property_run_t *run)
{
    static const uint32_t weights[] = {50, 25, 25};
    static void (*const steps[])(world_t *) = {insert, remove_one, resize};
    world_t *const world = new_world(run);
    for (uint32_t step = 0; step < run->steps; step++) {
        steps[property_choice(run, weights, ARRAY_COUNT(weights))](world);
        expect_finds(world);
        PROPERTY_EXPECT_VALID(run, safe_list_validate(&world->list));
        PROPERTY_EXPECT_EQUAL(run, world->list.count, world->count);
    }
}

/* ---- steps ---- */

#define MANY 100000u
#define FEW  10000u

static void free_block(void *block)
{
    kfree(block);
}

/* 1.45 log2(n + 2), from above: the depth of a height-balanced tree of n nodes. */
static uint64_t depth_bound(uint64_t count)
{
    return 3 * (uint64_t)(find_last_set(count + 2) + 1) / 2;
}

static void note_steps(const safe_list_t *list, uint64_t before, uint64_t *most)
{
    if (list->steps - before > *most) {
        *most = list->steps - before;
    }
}

/*
 * Validates 3.6: with n ranges, up to 100,000, nothing looks at more nodes than a few times log2(n), in any order of
 * insertion.
 */
static void every_operation_takes_logarithmic_steps(property_run_t *run)
{
    uint64_t count = property_bool(run) ? property_range(run, 1, 2000) : MANY;
    const uint64_t stride = 1 + 2 * property_draw(run, MANY / 2); /* odd; 100,000 ranges in any order that it makes */
    safe_list_node_t *nodes = kmalloc(count * sizeof *nodes);
    safe_list_t *const list = property_alloc(run, sizeof *list);
    uint64_t most_finding = 0;
    uint64_t most_fitting = 0;
    uint64_t most_changing = 0;
    bool all_in = true;
    if (nodes == NULL) { /* a machine that has not 8 MiB in one piece */
        count = FEW;
        nodes = kmalloc(count * sizeof *nodes);
    }
    PROPERTY_EXPECT(run, nodes != NULL);
    property_defer(run, free_block, nodes);
    safe_list_init(list, LOCK_RANK_TEST);
    const uint64_t bound = depth_bound(count);

    for (uint64_t i = 0; i < count; i++) {
        const uint64_t at = i * stride % (2 * MANY) * 16;
        const spinlock_hold_t hold = safe_list_lock(list);
        const uint64_t before = list->steps;
        all_in = safe_list_insert(list, &nodes[i], at, at + 8 + (i & 7)) && all_in;
        note_steps(list, before, &most_changing);
        safe_list_unlock(list, hold);
    }
    /* Strides that have a common divisor with the space come round: then a range is refused, and the count is less. */
    PROPERTY_EXPECT(run, all_in == (list->count == count));
    PROPERTY_EXPECT_VALID(run, safe_list_validate(list));
    uint64_t seed = property_bits64(run);
    for (unsigned i = 0; i < 1000; i++) {
        const uint64_t address = property_worker_draw(&seed, UINT64_C(2) * MANY * 16);
        const uint64_t size = property_worker_draw(&seed, 40) + 1;
        uint64_t place;
        const spinlock_hold_t hold = safe_list_lock(list);
        uint64_t before = list->steps;
        (void)safe_list_find(list, address);
        note_steps(list, before, &most_finding);
        before = list->steps;
        (void)safe_list_first_fit(list, address, UINT64_MAX, size, &place);
        note_steps(list, before, &most_fitting);
        safe_list_unlock(list, hold);
    }
    while (list->root != NULL) {
        const spinlock_hold_t hold = safe_list_lock(list);
        safe_list_node_t *const node = safe_list_find_from(list, property_worker_draw(&seed, list->root->last));
        const uint64_t before = list->steps;
        safe_list_remove(list, node);
        note_steps(list, before, &most_changing);
        safe_list_unlock(list, hold);
    }
    PROPERTY_EXPECT_EQUAL(run, list->count, 0);
    PROPERTY_EXPECT(run, most_finding <= bound);
    PROPERTY_EXPECT(run, most_fitting <= 4 * bound + 4);
    PROPERTY_EXPECT(run, most_changing <= 2 * bound + 2);
}

/* ---- all CPUs ---- */

#define CROWD_NODES  64u
#define CROWD_ROUNDS 2000u

typedef struct crowd {
    property_run_t *run;
    safe_list_t list;
    uint64_t seeds[CPUS_MAX];
    safe_list_node_t nodes[CPUS_MAX][CROWD_NODES];
    bool is_in[CPUS_MAX][CROWD_NODES];
} crowd_t;

typedef struct member {
    crowd_t *crowd;
    uint32_t index;
} member_t;

/* Each CPU puts its own nodes in and out, at places for which all compete, and looks at everybody's. */
static void take_part(void *argument)
{
    const member_t *const member = argument;
    crowd_t *const crowd = member->crowd;
    uint64_t *const seed = &crowd->seeds[member->index];
    for (unsigned round = 0; round < CROWD_ROUNDS; round++) {
        const uint64_t pick = property_worker_draw(seed, CROWD_NODES);
        const uint64_t at = property_worker_draw(seed, 4096);
        safe_list_node_t *const node = &crowd->nodes[member->index][pick];
        bool *const is_in = &crowd->is_in[member->index][pick];
        const spinlock_hold_t hold = safe_list_lock(&crowd->list);
        if (*is_in) {
            safe_list_remove(&crowd->list, node);
            *is_in = false;
        } else {
            *is_in = safe_list_insert(&crowd->list, node, at, at + 16);
        }
        const bool is_found = safe_list_find(&crowd->list, at) != NULL;
        safe_list_unlock(&crowd->list, hold);
        PROPERTY_EXPECT(crowd->run, !*is_in || is_found);
    }
}

static void work(void *argument, uint32_t index)
{
    crowd_t *const crowd = argument;
    member_t member = {crowd, index};
    property_worker_run(crowd->run, take_part, &member);
}

/* Validates 3.6: CPUs that insert, remove and find at once leave a list that is whole and has what they left in it. */
static void all_cpus_share_one_list(property_run_t *run)
{
    crowd_t *const crowd = property_alloc(run, sizeof *crowd);
    const uint32_t cpus = cpu_count() < CPUS_MAX ? cpu_count() : CPUS_MAX;
    crowd->run = run;
    safe_list_init(&crowd->list, LOCK_RANK_TEST);
    for (uint32_t cpu = 0; cpu < cpus; cpu++) {
        crowd->seeds[cpu] = property_bits64(run);
    }
    cpu_jobs_run_on_all(cpus, work, crowd);
    PROPERTY_EXPECT_VALID(run, safe_list_validate(&crowd->list));
    uint64_t count = 0;
    for (uint32_t cpu = 0; cpu < cpus; cpu++) {
        for (unsigned i = 0; i < CROWD_NODES; i++) {
            count += crowd->is_in[cpu][i];
        }
    }
    PROPERTY_EXPECT_EQUAL(run, crowd->list.count, count);
}

PROPERTY_SUITE(safe_list, PROPERTY(a_safe_list_agrees_with_a_table, "3.6"),
               PROPERTY_EFFORT(every_operation_takes_logarithmic_steps, 5, "3.6"),
               PROPERTY_EFFORT(all_cpus_share_one_list, 20, "3.6 1.9"));
