#include "testing/models/vm_world.h"

#include "mm/vm/address_space_internal.h"
#include "testing/models/vm_start.h"

/* How often user code may fault for one access: the first fault resolves it, a second may find a table just split. */
#define FAULTS_MAX 2u

/* Of the objects that are there from the start. */
#define FIRST_OBJECT_PAGES 40u

static void close_world(void *argument)
{
    vm_world_close(argument);
}

vm_world_t *vm_world_new(property_run_t *run)
{
    vm_world_t *const world = property_alloc(run, sizeof *world);
    vm_start(run);
    world->run = run;
    world->model.run = run;
    world->models = property_alloc(run, VM_SPACES_MAX * sizeof *world->models);
    world->trial = property_alloc(run, sizeof *world->trial);
    property_defer(run, close_world, world);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_create(&world->spaces[0]));
    for (uint32_t i = 0; i < VM_OBJECTS_MAX / 2; i++) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK,
                               memory_object_create(FIRST_OBJECT_PAGES * PAGE_SIZE, &world->objects[i]));
        world->object_models[i] = vm_model_object_new(&world->model, FIRST_OBJECT_PAGES);
    }
    return world;
}

void vm_world_close(vm_world_t *world)
{
    for (uint32_t i = 0; i < VM_SPACES_MAX; i++) {
        address_space_destroy(world->spaces[i]);
        world->spaces[i] = NULL;
    }
    for (uint32_t i = 0; i < VM_OBJECTS_MAX; i++) {
        memory_object_release(world->objects[i]);
        world->objects[i] = NULL;
    }
}

/* ---- drawing ---- */

static vm_access_t draw_access(property_run_t *run)
{
    static const vm_access_t accesses[] = {
        VM_READ | VM_WRITE,    VM_READ, VM_READ | VM_EXECUTE, VM_NONE, VM_READ | VM_WRITE | VM_EXECUTE, VM_WRITE,
        VM_EXECUTE | VM_WRITE, 8};
    static const uint32_t weights[] = {50, 20, 12, 8, 7, 1, 1, 1};
    return accesses[property_choice(run, weights, ARRAY_COUNT(weights))];
}

static vm_flags_t draw_flags(property_run_t *run)
{
    static const vm_flags_t flags[] = {VM_FIXED, 0, VM_LARGE_PAGES, VM_FIXED | VM_LARGE_PAGES, VM_WX_ALLOWED, VM_GUARD};
    static const uint32_t weights[] = {40, 15, 15, 15, 10, 5};
    return flags[property_choice(run, weights, ARRAY_COUNT(weights))];
}

/* Mostly few pages, and now and then a large page's worth and more. */
static uint64_t draw_count(property_run_t *run)
{
    static const uint32_t weights[] = {60, 20, 18, 2};
    static const uint64_t bounds[] = {8, 64, VM_WINDOW_PAGES, 1};
    const uint64_t bound = bounds[property_choice(run, weights, ARRAY_COUNT(weights))];
    const uint64_t count = property_draw(run, bound);
    return bound == 1 ? 0 : count + 1;
}

/* Mostly where others are, too: at the window's start, and around the 2 MiB in it. */
static uint64_t draw_page(property_run_t *run)
{
    static const uint32_t weights[] = {50, 30, 20};
    static const uint64_t starts[] = {0, 56, 0};
    static const uint64_t bounds[] = {24, 24, VM_WINDOW_PAGES};
    const size_t where = property_choice(run, weights, ARRAY_COUNT(weights));
    return starts[where] + property_draw(run, bounds[where]);
}

vm_step_t vm_world_draw(vm_world_t *world)
{
    static const uint32_t weights[VM_OPERATION_COUNT] = {18, 12, 20, 6, 9, 9, 4, 7, 5, 3, 2, 3};
    property_run_t *const run = world->run;
    vm_step_t step;
    step.operation = (vm_operation_t)property_choice(run, weights, VM_OPERATION_COUNT);
    step.space = (uint32_t)property_draw(run, VM_SPACES_MAX);
    step.other_space = (uint32_t)property_draw(run, VM_SPACES_MAX);
    step.page = draw_page(run);
    step.other_page = draw_page(run);
    step.count = draw_count(run);
    step.access = draw_access(run);
    step.flags = draw_flags(run);
    if ((step.flags & VM_GUARD) != 0 && step.access != VM_WRITE) {
        step.access = VM_NONE;
    }
    step.object = property_bool(run) ? (uint32_t)property_draw(run, VM_OBJECTS_MAX) : VM_OBJECTS_MAX;
    step.object_page = property_draw(run, 4);
    step.value = property_draw(run, 1000) + 1;
    while (world->spaces[step.space] == NULL && step.space > 0) {
        step.space--; /* choices that shrink find the first space, which is always there */
    }
    while (world->spaces[step.other_space] == NULL && step.other_space > 0) {
        step.other_space--;
    }
    if (step.page + step.count > VM_WINDOW_PAGES) {
        step.count = VM_WINDOW_PAGES - step.page;
    }
    return step;
}

/* ---- doing ---- */

static vm_model_space_t *model_of(vm_world_t *world, uint32_t space)
{
    return &world->models[space];
}

/* Whether `status` is a lack of memory that may be. */
static bool is_out(vm_world_t *world, status_t status, bool may_fail)
{
    if (status != STATUS_NO_MEMORY) {
        return false;
    }
    PROPERTY_EXPECT(world->run, may_fail);
    return true;
}

/* What a map would answer, and do to `trial`; *place stays 0 when it fails. */
static status_t try_map(vm_world_t *world, uint32_t space, const vm_request_t *request, uint32_t object,
                        uintptr_t *place)
{
    *world->trial = *model_of(world, space);
    return vm_model_map(&world->model, world->trial, request, object, place);
}

static bool do_map(vm_world_t *world, const vm_step_t *step, bool may_fail)
{
    const bool has_object = step->object < VM_OBJECTS_MAX && world->objects[step->object] != NULL;
    const vm_request_t request = {
        .address = vm_page_address(step->page),
        .size = step->count * PAGE_SIZE,
        .access = step->access,
        .flags = step->flags,
        .object = has_object ? world->objects[step->object] : NULL,
        .object_offset = has_object ? step->object_page * PAGE_SIZE : 0,
    };
    const uint32_t object = has_object ? world->object_models[step->object] : VM_OBJECT_NONE;
    uintptr_t place = 0;
    uintptr_t expected_place = 0;
    const status_t expected = try_map(world, step->space, &request, object, &expected_place);
    if (expected_place + request.size > VM_WINDOW_END) {
        return true; /* beyond what the model can see */
    }
    const status_t status = address_space_map(world->spaces[step->space], &request, &place);
    if (is_out(world, status, may_fail)) {
        return false;
    }
    PROPERTY_EXPECT_STATUS(world->run, expected, status);
    PROPERTY_EXPECT_EQUAL(world->run, place, expected_place);
    *model_of(world, step->space) = *world->trial;
    return true;
}

/* One access, as user code and its kernel make it: try, fault, try again. */
static vm_fault_t touch(vm_world_t *world, uint32_t space, uintptr_t address, vm_access_t access)
{
    const page_access_t needed =
        ((access & VM_WRITE) != 0 ? PAGE_ACCESS_WRITE : 0) | ((access & VM_EXECUTE) != 0 ? PAGE_ACCESS_EXECUTE : 0);
    address_space_t *const it = world->spaces[space];
    const uintptr_t page = align_down(address, PAGE_SIZE);
    for (unsigned faults = 0;; faults++) {
        user_leaf_t leaf;
        if (user_page_table_next(&it->table, page, page + PAGE_SIZE, &leaf) &&
            (leaf.access & PAGE_ACCESS_HIDDEN) == 0 && (needed & ~leaf.access) == 0) {
            return VM_FAULT_RESOLVED;
        }
        PROPERTY_EXPECT(world->run, faults < FAULTS_MAX);
        const vm_fault_t fault = address_space_fault(it, address, access);
        if (fault != VM_FAULT_RESOLVED) {
            return fault;
        }
    }
}

static bool do_touch(vm_world_t *world, const vm_step_t *step, bool may_fail)
{
    static const vm_access_t accesses[] = {VM_READ, VM_WRITE, VM_EXECUTE};
    const vm_access_t access = accesses[step->value % ARRAY_COUNT(accesses)];
    const uintptr_t address = vm_page_address(step->page) + step->value % PAGE_SIZE;
    const vm_fault_t fault = touch(world, step->space, address, access);
    if (fault == VM_FAULT_NO_MEMORY) {
        PROPERTY_EXPECT(world->run, may_fail);
        return false;
    }
    PROPERTY_EXPECT_EQUAL(world->run, fault, vm_model_fault(model_of(world, step->space), step->page, access));
    return true;
}

/* Two words, the last of one page and the first of the next. */
#define PAIR_BYTES (2 * sizeof(uint64_t))

/* What a copy of a pair at the end of `page` must do: how many bytes, and with what status. */
static status_t model_pair(const vm_world_t *world, const vm_step_t *step, vm_access_t access, bool is_load,
                           size_t *expected)
{
    *expected = 0;
    for (unsigned i = 0; i < 2; i++) {
        vm_fault_t fault = vm_model_fault(&world->models[step->space], step->page + i, access);
        if (is_load && fault == VM_FAULT_DENIED) {
            fault = VM_FAULT_RESOLVED;
        }
        if (fault != VM_FAULT_RESOLVED) {
            return STATUS_DENIED;
        }
        *expected += sizeof(uint64_t);
    }
    return STATUS_OK;
}

static uint64_t *pair_word(vm_world_t *world, const vm_step_t *step, unsigned which)
{
    vm_model_words_t *const words =
        vm_model_words(&world->model, &model_of(world, step->space)->pages[step->page + which]);
    return which == 0 ? &words->last : &words->first;
}

static bool do_write(vm_world_t *world, const vm_step_t *step, bool may_fail)
{
    const bool is_load = step->operation == VM_OPERATION_LOAD;
    const uint64_t pair[2] = {step->value, step->value + 1};
    const uintptr_t address = vm_page_address(step->page + 1) - sizeof(uint64_t);
    address_space_t *const space = world->spaces[step->space];
    size_t copied = SIZE_MAX;
    size_t expected;
    const status_t expected_status = model_pair(world, step, VM_WRITE, is_load, &expected);
    const status_t status = is_load ? address_space_load(space, address, pair, PAIR_BYTES, &copied)
                                    : address_space_copy_out(space, address, pair, PAIR_BYTES, &copied);
    const bool is_short = is_out(world, status, may_fail);
    PROPERTY_EXPECT(world->run, is_short ? copied < PAIR_BYTES : copied == expected);
    for (unsigned i = 0; i < copied / sizeof(uint64_t); i++) {
        *pair_word(world, step, i) = pair[i];
    }
    if (!is_short) {
        PROPERTY_EXPECT_STATUS(world->run, expected_status, status);
    }
    return !is_short;
}

static bool do_read(vm_world_t *world, const vm_step_t *step, bool may_fail)
{
    uint64_t pair[2] = {UINT64_MAX, UINT64_MAX};
    const uintptr_t address = vm_page_address(step->page + 1) - sizeof(uint64_t);
    size_t copied = SIZE_MAX;
    size_t expected;
    const status_t expected_status = model_pair(world, step, VM_READ, false, &expected);
    const status_t status = address_space_copy_in(world->spaces[step->space], pair, address, PAIR_BYTES, &copied);
    if (is_out(world, status, may_fail)) {
        return false;
    }
    PROPERTY_EXPECT_STATUS(world->run, expected_status, status);
    PROPERTY_EXPECT_EQUAL(world->run, copied, expected);
    for (unsigned i = 0; i < copied / sizeof(uint64_t); i++) {
        PROPERTY_EXPECT_EQUAL(world->run, pair[i], *pair_word(world, step, i));
    }
    return true;
}

static bool do_unmap(vm_world_t *world, const vm_step_t *step, bool may_fail)
{
    const status_t status =
        address_space_unmap(world->spaces[step->space], vm_page_address(step->page), step->count * PAGE_SIZE);
    if (is_out(world, status, may_fail)) {
        return false;
    }
    PROPERTY_EXPECT_STATUS(world->run, vm_model_unmap(model_of(world, step->space), step->page, step->count), status);
    return true;
}

static bool do_protect(vm_world_t *world, const vm_step_t *step, bool may_fail)
{
    const status_t status = address_space_protect(world->spaces[step->space], vm_page_address(step->page),
                                                  step->count * PAGE_SIZE, step->access);
    if (is_out(world, status, may_fail)) {
        return false;
    }
    PROPERTY_EXPECT_STATUS(
        world->run, vm_model_protect(model_of(world, step->space), step->page, step->count, step->access), status);
    return true;
}

static bool do_page_map(vm_world_t *world, const vm_step_t *step, bool may_fail)
{
    vm_request_t request = {
        .address = vm_page_address(step->other_page), .access = step->access, .flags = step->flags & VM_FIXED};
    vm_model_space_t *const from = model_of(world, step->space);
    vm_model_space_t *const to = model_of(world, step->other_space);
    const uint64_t count = step->count > 16 ? 16 : step->count;
    uintptr_t place = 0;
    uintptr_t expected_place = 0;
    request.size = count * PAGE_SIZE;
    status_t expected = try_map(world, step->other_space, &request, VM_OBJECT_NONE, &expected_place);
    if (world->model.object_count > VM_MODEL_OBJECTS_MAX - VM_OBJECTS_MAX ||
        expected_place + request.size > VM_WINDOW_END) {
        return true;
    }
    request.size = 0; /* is not looked at */
    const status_t status = page_map(world->spaces[step->space], vm_page_address(step->page), count * PAGE_SIZE,
                                     world->spaces[step->other_space], &request, &place);
    if (is_out(world, status, may_fail)) {
        return false;
    }
    request.size = count * PAGE_SIZE;
    uint32_t object = VM_OBJECT_NONE;
    uint32_t object_page = 0;
    if (expected == STATUS_OK) {
        expected = vm_model_lend(&world->model, from, step->page, count, step->access, &object, &object_page);
    }
    PROPERTY_EXPECT_STATUS(world->run, expected, status);
    if (status == STATUS_OK) {
        request.object_offset = object_page * PAGE_SIZE;
        PROPERTY_EXPECT_STATUS(world->run, STATUS_OK,
                               vm_model_map(&world->model, to, &request, object, &expected_place));
        PROPERTY_EXPECT_EQUAL(world->run, place, expected_place);
    }
    return true;
}

static bool do_clone(vm_world_t *world, const vm_step_t *step, bool may_fail)
{
    uint32_t slot = 0;
    while (slot < VM_SPACES_MAX && world->spaces[slot] != NULL) {
        slot++;
    }
    if (slot == VM_SPACES_MAX) {
        return true;
    }
    const bool is_clone = step->operation == VM_OPERATION_CLONE;
    address_space_t *made = NULL;
    const status_t status =
        is_clone ? address_space_clone(world->spaces[step->space], &made) : address_space_create(&made);
    if (is_out(world, status, may_fail)) {
        PROPERTY_EXPECT(world->run, made == NULL);
        return false;
    }
    PROPERTY_EXPECT_STATUS(world->run, STATUS_OK, status);
    world->spaces[slot] = made;
    world->models[slot] = is_clone ? world->models[step->space] : (vm_model_space_t){0};
    return true;
}

static bool do_destroy(vm_world_t *world, const vm_step_t *step)
{
    if (step->space != 0) {
        address_space_destroy(world->spaces[step->space]);
        world->spaces[step->space] = NULL;
    }
    return true;
}

static bool do_object(vm_world_t *world, const vm_step_t *step, bool may_fail)
{
    const uint32_t slot = step->object % VM_OBJECTS_MAX;
    if (world->objects[slot] != NULL) {
        memory_object_release(world->objects[slot]);
        world->objects[slot] = NULL;
        return true;
    }
    const uint32_t pages = 1 + (uint32_t)step->count % 64;
    memory_object_t *made = NULL;
    const status_t status = memory_object_create(pages * PAGE_SIZE - step->value % PAGE_SIZE, &made);
    if (is_out(world, status, may_fail)) {
        return false;
    }
    PROPERTY_EXPECT_STATUS(world->run, STATUS_OK, status);
    const uint32_t model = vm_model_object_new(&world->model, pages);
    if (model == VM_OBJECT_NONE) {
        memory_object_release(made);
        return true;
    }
    world->objects[slot] = made;
    world->object_models[slot] = model;
    return true;
}

bool vm_world_do(vm_world_t *world, const vm_step_t *step, bool may_fail)
{
    switch (step->operation) {
    case VM_OPERATION_MAP:
        return do_map(world, step, may_fail);
    case VM_OPERATION_TOUCH:
        return do_touch(world, step, may_fail);
    case VM_OPERATION_WRITE:
    case VM_OPERATION_LOAD:
        return do_write(world, step, may_fail);
    case VM_OPERATION_READ:
        return do_read(world, step, may_fail);
    case VM_OPERATION_UNMAP:
        return do_unmap(world, step, may_fail);
    case VM_OPERATION_PROTECT:
        return do_protect(world, step, may_fail);
    case VM_OPERATION_PAGE_MAP:
        return do_page_map(world, step, may_fail);
    case VM_OPERATION_CLONE:
    case VM_OPERATION_CREATE:
        return do_clone(world, step, may_fail);
    case VM_OPERATION_DESTROY:
        return do_destroy(world, step);
    default:
        return do_object(world, step, may_fail);
    }
}
