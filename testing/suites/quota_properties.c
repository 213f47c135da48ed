/*
 * Quotas: what spaces and objects take is counted once for their family, never beyond the maximum, and is all given
 * back; programs that take whatever they can get hurt nobody outside their family.
 */
#include "mm/quota.h"
#include "mm/vm.h"
#include "mm/vm/address_space_internal.h"
#include "mm/vm/frame.h"
#include "mm/vm/memory_object_internal.h"
#include "testing/models/process_world.h"

/* ---- what is counted ---- */

#define SPACES  4u
#define OBJECTS 3u
#define PLACES  12u
#define AREA    UINT64_C(0x20000000)
#define FRAMES  2048u

typedef struct ledger {
    property_run_t *run;
    quota_t *quota;
    address_space_t *spaces[SPACES];
    memory_object_t *objects[OBJECTS];
    uint64_t frames[FRAMES]; /* of a walk: each that was met */
    size_t frame_count;
} ledger_t;

static void close_ledger(void *argument)
{
    ledger_t *const ledger = argument;
    for (size_t index = 0; index < SPACES; index++) {
        address_space_destroy(ledger->spaces[index]);
        ledger->spaces[index] = NULL;
    }
    for (size_t index = 0; index < OBJECTS; index++) {
        memory_object_release(ledger->objects[index]);
        ledger->objects[index] = NULL;
    }
    for (unsigned kind = 0; kind < QUOTA_KINDS; kind++) {
        PROPERTY_EXPECT_EQUAL(ledger->run, quota_used(ledger->quota, (quota_kind_t)kind), 0);
    }
    quota_release(ledger->quota);
}

static ledger_t *open_ledger(property_run_t *run)
{
    ledger_t *const ledger = property_alloc(run, sizeof(*ledger));
    uint64_t maxima[QUOTA_KINDS] = {0};
    const status_t status = vm_init();
    PROPERTY_EXPECT(run, status == STATUS_OK || status == STATUS_EXISTS);
    maxima[QUOTA_PAGES] = property_range(run, 12, 160);
    maxima[QUOTA_AREAS] = property_range(run, 2, 40);
    ledger->run = run;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, quota_create(maxima, &ledger->quota));
    property_defer(run, close_ledger, ledger);
    return ledger;
}

/* Adds a frame to those that were met, unless it is there. */
static void meet(ledger_t *ledger, uint64_t frame)
{
    for (size_t index = 0; index < ledger->frame_count; index++) {
        if (ledger->frames[index] == frame) {
            return;
        }
    }
    PROPERTY_EXPECT(ledger->run, ledger->frame_count < FRAMES);
    ledger->frames[ledger->frame_count++] = frame;
}

/* Meets every frame of a space's table. */
static void meet_frames(ledger_t *ledger, const address_space_t *space)
{
    user_leaf_t leaf;
    uintptr_t at = USER_SPACE_START;
    while (user_page_table_next(&space->table, at, USER_SPACE_END, &leaf)) {
        for (uint64_t offset = 0; offset < leaf.size; offset += PAGE_SIZE) {
            meet(ledger, leaf.physical.value + offset);
        }
        at = leaf.address + leaf.size;
    }
}

/* Meets every page of an object, and returns how many its index takes. */
static uint64_t meet_pages(ledger_t *ledger, memory_object_t *object)
{
    memory_object_stats_t stats;
    memory_object_stats(object, &stats);
    for (uint64_t offset = 0; offset < stats.size_bytes; offset += PAGE_SIZE) {
        const void *const page = memory_object_page_if_present(object, offset);
        if (page != NULL) {
            meet(ledger, pointer_to_physical(page).value);
        }
    }
    return stats.pages_index;
}

/* Objects that page_map() made are known by their areas alone. */
typedef struct object_walk {
    ledger_t *ledger;
    memory_object_t *seen[64];
    size_t count;
    uint64_t index_pages;
} object_walk_t;

static void walk_object(object_walk_t *walk, memory_object_t *object)
{
    for (size_t index = 0; index < walk->count; index++) {
        if (walk->seen[index] == object) {
            return;
        }
    }
    PROPERTY_EXPECT(walk->ledger->run, walk->count < ARRAY_COUNT(walk->seen));
    walk->seen[walk->count++] = object;
    walk->index_pages += meet_pages(walk->ledger, object);
}

/* Walks the objects of a space's areas. No area has one that is about to end: the space keeps it. */
static void walk_objects_of(object_walk_t *walk, address_space_t *space)
{
    memory_object_t *found[64];
    size_t count = 0;
    const spinlock_hold_t hold = safe_list_lock(&space->areas);
    const vm_area_t *area = area_of_node(safe_list_find_from(&space->areas, USER_SPACE_START));
    for (; area != NULL && count < ARRAY_COUNT(found);
         area = area_of_node(safe_list_next(&space->areas, &area->node))) {
        if (area->object != NULL) {
            found[count++] = area->object;
        }
    }
    safe_list_unlock(&space->areas, hold);
    PROPERTY_EXPECT(walk->ledger->run, area == NULL);
    for (size_t index = 0; index < count; index++) {
        walk_object(walk, found[index]);
    }
}

/* What a walk over everything finds is what the quota says. */
static void expect_agreement(ledger_t *ledger)
{
    property_run_t *const run = ledger->run;
    object_walk_t walk = {.ledger = ledger};
    uint64_t areas = 0;
    uint64_t tables = 0;
    ledger->frame_count = 0;
    for (size_t index = 0; index < OBJECTS; index++) {
        if (ledger->objects[index] != NULL) {
            walk_object(&walk, ledger->objects[index]);
        }
    }
    for (size_t index = 0; index < SPACES; index++) {
        address_space_t *const space = ledger->spaces[index];
        address_space_stats_t stats;
        if (space == NULL) {
            continue;
        }
        address_space_stats(space, &stats);
        areas += stats.areas;
        tables += stats.pages_tables;
        meet_frames(ledger, space);
        walk_objects_of(&walk, space);
    }
    PROPERTY_EXPECT_EQUAL(run, quota_used(ledger->quota, QUOTA_PAGES), ledger->frame_count + tables + walk.index_pages);
    PROPERTY_EXPECT_EQUAL(run, quota_used(ledger->quota, QUOTA_AREAS), areas);
    PROPERTY_EXPECT(run, quota_used(ledger->quota, QUOTA_PAGES) <= quota_max(ledger->quota, QUOTA_PAGES));
    PROPERTY_EXPECT(run, areas <= quota_max(ledger->quota, QUOTA_AREAS));
}

/* Something made where there was nothing, or ended. */
static status_t change_space(ledger_t *ledger, size_t which, size_t from)
{
    address_space_t **const space = &ledger->spaces[which];
    if (*space != NULL) {
        address_space_destroy(*space);
        *space = NULL;
        return STATUS_OK;
    }
    return ledger->spaces[from] != NULL ? address_space_clone(ledger->spaces[from], space)
                                        : address_space_create_for(ledger->quota, space);
}

static status_t change_object(ledger_t *ledger, size_t which)
{
    memory_object_t **const object = &ledger->objects[which];
    if (*object != NULL) {
        memory_object_release(*object);
        *object = NULL;
        return STATUS_OK;
    }
    return memory_object_create_for(ledger->quota, 8 * PAGE_SIZE, object);
}

static status_t use(const ledger_t *ledger, address_space_t *space, address_space_t *other)
{
    property_run_t *const run = ledger->run;
    const uint64_t action = property_draw(run, 7);
    const uintptr_t place = AREA + property_draw(run, PLACES) * MIB(1);
    const uint64_t pages = property_range(run, 1, 8);
    memory_object_t *const object = ledger->objects[property_draw(run, OBJECTS)];
    vm_request_t request = {
        .address = place, .size = pages * PAGE_SIZE, .access = VM_READ | VM_WRITE, .flags = VM_FIXED};
    uintptr_t mapped;
    switch (action) {
    case 0:
        return address_space_map(space, &request, &mapped);
    case 1:
        request.object = object;
        return address_space_map(space, &request, &mapped);
    case 2:
        return address_space_unmap(space, place, pages * PAGE_SIZE);
    case 3:
        return address_space_protect(space, place, pages * PAGE_SIZE, VM_READ);
    case 4:
        request.access = VM_READ;
        return page_map(space, place, pages * PAGE_SIZE, other, &request, &mapped);
    default: {
        static const char bytes[2 * PAGE_SIZE];
        return address_space_copy_out(space, place + (pages - 1) * PAGE_SIZE, bytes, sizeof(bytes), NULL);
    }
    }
}

/*
 * Validates 3.4, 3.10, 5.4: whatever spaces of one family do, together and to each other, their quota counts each frame,
 * table and area once, refuses what would be too much with nothing changed, and gets all of it back.
 */
static void a_quota_is_what_a_walk_finds(property_run_t *run)
{
    ledger_t *const ledger = open_ledger(run);
    for (uint32_t step = 0; step < run->steps; step++) {
        const uint64_t action = property_draw(run, 10);
        const size_t which = property_draw(run, SPACES);
        const size_t other = property_draw(run, SPACES);
        status_t status = STATUS_OK;
        if (action == 0) {
            status = change_object(ledger, which % OBJECTS);
        } else if (action == 1 || ledger->spaces[which] == NULL) {
            status = change_space(ledger, which, other);
        } else if (ledger->spaces[other] != NULL) {
            status = use(ledger, ledger->spaces[which], ledger->spaces[other]);
        }
        property_note(run, "%s", status_name(status));
        PROPERTY_EXPECT(run, status != STATUS_NO_MEMORY); /* there is enough for this little */
        expect_agreement(ledger);
    }
    for (size_t index = 0; index < SPACES; index++) {
        if (ledger->spaces[index] != NULL) {
            PROPERTY_EXPECT_VALID(run, address_space_validate(ledger->spaces[index]));
        }
    }
}

/* ---- programs ---- */

typedef struct greedy_way {
    const char *word;
    system_end_t end;
    int64_t status;
} greedy_way_t;

static const greedy_way_t ways[] = {
    {"touches", SYSTEM_END_MEMORY, 0},
    {"objects", SYSTEM_END_MEMORY, 0},
    {"reads", SYSTEM_END_EXIT, STATUS_OVER_QUOTA},
    {"areas", SYSTEM_END_EXIT, STATUS_OVER_QUOTA},
    {"clones", SYSTEM_END_EXIT, STATUS_OVER_QUOTA},
};

static void restore_limits(void *argument)
{
    const process_limits_t *const before = argument;
    process_limits_set(before);
}

/*
 * Validates 3.2, 3.5, 3.10: programs that take all they can get are refused, or ended, at their family's limit; those
 * beside them, which have limits as low, don't notice; and everything comes back.
 */
static void greedy_programs_stop_at_their_limits(property_run_t *run)
{
    process_world_t *const world = process_world_open(run);
    process_limits_t *const before = property_alloc(run, sizeof(*before));
    const process_limits_t limits = {
        .pages = property_range(run, 100, 700),
        .areas = property_range(run, 30, 300),
        .processes = property_range(run, 4, 12),
    };
    const greedy_way_t *chosen[4];
    uint32_t greedy[ARRAY_COUNT(chosen)];
    uint32_t witnesses[2];
    system_result_t result;
    process_limits(before);
    property_defer(run, restore_limits, before);
    process_limits_set(&limits);
    const size_t count = property_range(run, 1, ARRAY_COUNT(chosen));
    for (size_t index = 0; index < count; index++) {
        chosen[index] = &ways[property_draw(run, ARRAY_COUNT(ways))];
        property_note(run, "%s", chosen[index]->word);
        PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                               process_world_start(world, &greedy[index], "greedy", chosen[index]->word, NULL, NULL));
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_world_start(world, &witnesses[0], "clone", "1", NULL, NULL));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_world_start(world, &witnesses[1], "leak", "20", NULL, NULL));
    for (size_t index = 0; index < ARRAY_COUNT(witnesses); index++) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_wait(witnesses[index], &result));
        PROPERTY_EXPECT_EQUAL(run, result.end, SYSTEM_END_EXIT);
        PROPERTY_EXPECT_EQUAL(run, result.status, 0);
    }
    for (size_t index = 0; index < count; index++) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, process_wait(greedy[index], &result));
        property_note(run, "%s%s", process_world_output(world, greedy[index])->text,
                      process_world_output(world, greedy[index])->report);
        PROPERTY_EXPECT_EQUAL(run, result.end, chosen[index]->end);
        PROPERTY_EXPECT_EQUAL(run, result.status, chosen[index]->status);
        PROPERTY_EXPECT(run, result.end != SYSTEM_END_MEMORY ||
                                 process_world_reported(world, greedy[index], ": over quota"));
    }
}

PROPERTY_SUITE(quota,

               PROPERTY(a_quota_is_what_a_walk_finds, "3.4 3.10 5.4"),
               PROPERTY_EFFORT(greedy_programs_stop_at_their_limits, 20, "3.2 3.5 3.10"));
