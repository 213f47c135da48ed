/*
 * Whether address spaces are what their models say: walked by area and by translation, without faulting anything in.
 */
#include "mm/vm/address_space_internal.h"
#include "testing/models/vm_world.h"

/* A walk over the areas of one space, beside its model. */
typedef struct area_walk {
    vm_world_t *world;
    uint32_t space;
    uint64_t page; /* the first that has not been looked at */
} area_walk_t;

static void expect_area_page(area_walk_t *walk, const vm_area_info_t *area, uint64_t page)
{
    vm_world_t *const world = walk->world;
    property_run_t *const run = world->run;
    const vm_model_page_t *const model = &world->models[walk->space].pages[page];
    PROPERTY_EXPECT(run, model->is_mapped);
    PROPERTY_EXPECT_EQUAL(run, area->access, model->access);
    PROPERTY_EXPECT_EQUAL(run, area->flags, model->flags);
    PROPERTY_EXPECT(run, area->is_shared == (model->object != VM_OBJECT_NONE));
    if (!area->is_shared) {
        return;
    }
    PROPERTY_EXPECT_EQUAL(run, area->object_offset + (vm_page_address(page) - area->start),
                          model->object_page * PAGE_SIZE);
    if (world->object_ids[model->object] == 0) {
        world->object_ids[model->object] = area->object_id;
    }
    PROPERTY_EXPECT_EQUAL(run, area->object_id, world->object_ids[model->object]);
}

/* Areas are as long as they can be, and what lies between them is not mapped. */
static bool expect_area(const vm_area_info_t *area, void *argument)
{
    area_walk_t *const walk = argument;
    property_run_t *const run = walk->world->run;
    const vm_model_page_t *const pages = walk->world->models[walk->space].pages;
    if (area->start >= VM_WINDOW_END) {
        return false; /* what first fit has put behind the window is not in the model */
    }
    const uint64_t first = (area->start - VM_WINDOW_START) / PAGE_SIZE;
    PROPERTY_EXPECT(run, area->start >= VM_WINDOW_START && first >= walk->page);
    for (; walk->page < first; walk->page++) {
        PROPERTY_EXPECT(run, !pages[walk->page].is_mapped);
    }
    PROPERTY_EXPECT(run, first == 0 || !vm_model_is_one_area(&pages[first - 1], &pages[first]));
    const uint64_t end = (area->end - VM_WINDOW_START) / PAGE_SIZE;
    for (; walk->page < end && walk->page < VM_WINDOW_PAGES; walk->page++) {
        expect_area_page(walk, area, walk->page);
    }
    return true;
}

/* A page that is there has the contents of the model, and no right that the model does not give. */
static void expect_page(vm_world_t *world, uint32_t space, uint64_t page, const uint64_t *contents,
                        page_access_t access)
{
    property_run_t *const run = world->run;
    vm_model_page_t *const model = &world->models[space].pages[page];
    PROPERTY_EXPECT(run, model->is_mapped);
    const vm_model_words_t *const words = vm_model_words(&world->model, model);
    PROPERTY_EXPECT_EQUAL(run, contents[0], words->first);
    PROPERTY_EXPECT_EQUAL(run, contents[PAGE_SIZE / sizeof(uint64_t) - 1], words->last);
    PROPERTY_EXPECT(run, (access & PAGE_ACCESS_WRITE) == 0 || (model->access & VM_WRITE) != 0);
    PROPERTY_EXPECT(run, (access & PAGE_ACCESS_EXECUTE) == 0 || (model->access & VM_EXECUTE) != 0);
    PROPERTY_EXPECT(run, (access & PAGE_ACCESS_HIDDEN) != 0 || model->access != VM_NONE);
}

/* A page that is not there reads as zeros, once it is: the model has no other value for it. */
static void expect_absent(vm_world_t *world, uint32_t space, uint64_t page)
{
    vm_model_page_t *const model = &world->models[space].pages[page];
    if (model->is_mapped && model->object == VM_OBJECT_NONE) {
        PROPERTY_EXPECT_EQUAL(world->run, model->words.first, 0);
        PROPERTY_EXPECT_EQUAL(world->run, model->words.last, 0);
    }
}

static void expect_pages(vm_world_t *world, uint32_t space)
{
    uint64_t page = 0;
    user_leaf_t leaf;
    while (page < VM_WINDOW_PAGES &&
           user_page_table_next(&world->spaces[space]->table, vm_page_address(page), VM_WINDOW_END, &leaf)) {
        for (; vm_page_address(page) < leaf.address; page++) {
            expect_absent(world, space, page);
        }
        const char *const frames = physical_to_pointer(leaf.physical);
        for (uint64_t at = 0; at < leaf.size; at += PAGE_SIZE, page++) {
            expect_page(world, space, page, (const uint64_t *)(const void *)(frames + at), leaf.access);
        }
    }
    for (; page < VM_WINDOW_PAGES; page++) {
        expect_absent(world, space, page);
    }
}

static void expect_laws(property_run_t *run, address_space_t *space)
{
    address_space_stats_t stats;
    address_space_stats(space, &stats);
    PROPERTY_EXPECT_EQUAL(run, stats.pages_resident, stats.pages_private + stats.pages_shared);
    PROPERTY_EXPECT(run, stats.pages_large * (USER_LARGE_PAGE_SIZE / PAGE_SIZE) <= stats.pages_private);
    PROPERTY_EXPECT(run, stats.pages_resident * PAGE_SIZE <= stats.bytes_mapped);
    PROPERTY_EXPECT(run, stats.bytes_mapped <= stats.bytes_mapped_peak);
    PROPERTY_EXPECT_EQUAL(run, stats.faults,
                          stats.faults_zero + stats.faults_copy + stats.faults_reuse + stats.faults_shared +
                              stats.faults_spurious + stats.faults_refused + stats.faults_no_memory);
}

void vm_world_expect_agreement(vm_world_t *world)
{
    for (uint32_t space = 0; space < VM_SPACES_MAX; space++) {
        if (world->spaces[space] == NULL) {
            continue;
        }
        area_walk_t walk = {world, space, 0};
        PROPERTY_EXPECT_VALID(world->run, address_space_validate(world->spaces[space]));
        address_space_visit(world->spaces[space], expect_area, &walk);
        for (; walk.page < VM_WINDOW_PAGES; walk.page++) {
            PROPERTY_EXPECT(world->run, !world->models[space].pages[walk.page].is_mapped);
        }
        expect_pages(world, space);
        expect_laws(world->run, world->spaces[space]);
    }
    for (uint32_t i = 0; i < VM_OBJECTS_MAX; i++) {
        if (world->objects[i] != NULL) {
            PROPERTY_EXPECT_VALID(world->run, memory_object_validate(world->objects[i]));
        }
    }
}
