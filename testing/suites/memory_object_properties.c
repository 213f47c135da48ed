/*
 * Memory objects against plain buffers, and their references against a count.
 */
#include "mm/inject.h"
#include "mm/memory_object.h"
#include "mm/vm.h"
#include "mm/vm/memory_object_internal.h"
#include "testing/models/failure_sweep.h"
#include "testing/models/vm_start.h"

#define OBJECT_PAGES 20u
#define OBJECT_BYTES (OBJECT_PAGES * PAGE_SIZE)

static void release_object(void *object)
{
    memory_object_release(object);
}

static memory_object_t *new_object(property_run_t *run, uint64_t size)
{
    memory_object_t *object = NULL;
    vm_start(run);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, memory_object_create(size, &object));
    property_defer(run, release_object, object);
    return object;
}

/* Validates 3.8: an object reads as a buffer that begins as zeros does, at any offset and of any size. */
static void an_object_is_a_buffer(property_run_t *run)
{
    const uint64_t size = property_range(run, 1, OBJECT_BYTES);
    const uint64_t whole = align_up(size, PAGE_SIZE);
    memory_object_t *const object = new_object(run, size);
    unsigned char *const model = property_alloc(run, whole + 1);
    unsigned char *const buffer = property_alloc(run, whole + 1);
    for (uint32_t step = 0; step < run->steps; step++) {
        const uint64_t offset = property_draw(run, whole + 2);
        const uint64_t count = property_draw(run, property_bool(run) ? 64 : whole + 2);
        const bool is_write = property_bool(run);
        const unsigned char value = (unsigned char)property_draw(run, 255);
        const bool is_within = offset <= whole && count <= whole - offset;
        const status_t expected = is_within ? STATUS_OK : STATUS_OUT_OF_RANGE;
        if (is_write) {
            for (uint64_t i = 0; i < count && i <= whole; i++) {
                buffer[i] = (unsigned char)(value + i);
            }
            PROPERTY_EXPECT_STATUS(run, expected, memory_object_write(object, offset, buffer, count));
            for (uint64_t i = 0; is_within && i < count; i++) {
                model[offset + i] = buffer[i];
            }
        } else {
            PROPERTY_EXPECT_STATUS(run, expected, memory_object_read(object, offset, buffer, count));
            for (uint64_t i = 0; is_within && i < count; i++) {
                PROPERTY_EXPECT_EQUAL(run, buffer[i], model[offset + i]);
            }
        }
        PROPERTY_EXPECT_VALID(run, memory_object_validate(object));
    }
}

/* Validates 3.8: an object lives exactly as long as somebody has a reference. */
static void an_object_lives_as_long_as_its_references(property_run_t *run)
{
    vm_stats_t before;
    vm_stats_t now;
    memory_object_stats_t stats;
    memory_object_t *object = NULL;
    vm_start(run);
    vm_stats(&before);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, memory_object_create(property_range(run, 1, GIB(1)), &object));
    memory_object_stats(object, &stats);
    const uint64_t written = property_draw(run, stats.size_bytes / PAGE_SIZE < 5 ? stats.size_bytes / PAGE_SIZE : 5);
    for (uint64_t i = 0; i < written; i++) {
        /* Far from each other: from both ends. */
        const uint64_t offset = i % 2 == 0 ? i * PAGE_SIZE : stats.size_bytes - i * PAGE_SIZE;
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, memory_object_write(object, offset, &i, 1));
    }
    uint64_t references = 1;
    while (references > 0) {
        memory_object_stats(object, &stats);
        PROPERTY_EXPECT_EQUAL(run, stats.references, references);
        PROPERTY_EXPECT(run, stats.pages_resident <= written);
        vm_stats(&now);
        PROPERTY_EXPECT_EQUAL(run, now.objects_live, before.objects_live + 1);
        PROPERTY_EXPECT_EQUAL(run, now.objects_pages, before.objects_pages + stats.pages_resident);
        if (property_draw(run, 3) == 2 && references < 50) {
            PROPERTY_EXPECT(run, memory_object_retain(object) == object);
            references++;
        } else {
            memory_object_release(object);
            references--;
        }
    }
    vm_stats(&now);
    PROPERTY_EXPECT_EQUAL(run, now.objects_live, before.objects_live);
    PROPERTY_EXPECT_EQUAL(run, now.objects_pages, before.objects_pages);
    PROPERTY_EXPECT_EQUAL(run, now.objects_destroyed, before.objects_destroyed + 1);
}

/* Validates 3.8: sizes that no object has are refused. */
static void sizes_out_of_range_are_refused(property_run_t *run)
{
    static const uint64_t sizes[] = {0, MEMORY_OBJECT_SIZE_MAX + 1, UINT64_MAX, UINT64_MAX - PAGE_SIZE + 2};
    memory_object_t *object = NULL;
    vm_start(run);
    PROPERTY_EXPECT_STATUS(run, STATUS_INVALID,
                           memory_object_create(sizes[property_draw(run, ARRAY_COUNT(sizes))], &object));
    PROPERTY_EXPECT(run, object == NULL);
}

static void release_it(void *object)
{
    memory_object_release(object);
}

/* Validates 3.8: one release too many is told. */
static void a_release_too_many_is_told(property_run_t *run)
{
    memory_object_t *object = NULL;
    vm_start(run);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, memory_object_create(1, &object));
    const uint64_t references = atomic_load(&object->references);
    atomic_store(&object->references, 0); /* as a releaser too many finds it, but that its memory is still there */
    PROPERTY_EXPECT_CHECK(run, "memory object released too often", release_it, object);
    atomic_store(&object->references, references);
    memory_object_release(object);
}

/* What the sweep does: an object with two pages, far apart. */
typedef struct sweep {
    memory_object_t *object;
} sweep_t;

static status_t make_object(property_run_t *run, void *context)
{
    sweep_t *const sweep = context;
    (void)run;
    status_t status = memory_object_create(MIB(5), &sweep->object);
    if (status != STATUS_OK) {
        return status;
    }
    status = memory_object_write(sweep->object, PAGE_SIZE, "abc", 3);
    if (status == STATUS_OK) {
        status = memory_object_write(sweep->object, MIB(4) - 1, "abc", 3);
    }
    if (status != STATUS_OK) {
        memory_object_release(sweep->object);
    }
    return status;
}

static void undo_object(property_run_t *run, void *context)
{
    sweep_t *const sweep = context;
    char text[3];
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, memory_object_read(sweep->object, MIB(4) - 1, text, sizeof text));
    PROPERTY_EXPECT(run, text[0] == 'a' && text[1] == 'b' && text[2] == 'c');
    memory_object_release(sweep->object);
}

/* Validates 3.10: each allocation that making and filling an object takes is refused in turn, and nothing is left. */
static void every_refused_allocation_leaves_no_object(property_run_t *run)
{
    static const failure_scenario_t scenario = {make_object, undo_object, NULL};
    sweep_t sweep = {NULL};
    vm_start(run);
    /* The object, its directory, two tables, three pages. */
    PROPERTY_EXPECT(run, failure_sweep(run, &scenario, &sweep) >= 7);
}

PROPERTY_SUITE(memory_object, PROPERTY(an_object_is_a_buffer, "3.8"),
               PROPERTY(an_object_lives_as_long_as_its_references, "3.8 3.5"),
               PROPERTY(sizes_out_of_range_are_refused, "3.8"), PROPERTY(a_release_too_many_is_told, "3.8"),
               PROPERTY_EFFORT(every_refused_allocation_leaves_no_object, 5, "3.10 3.8"));
