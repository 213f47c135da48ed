/*
 * Blocks by the batch, and frees that are told the size: they are what single kmalloc() and kfree() are, against the
 * same naive model, with the same mistakes told.
 */
#include "mm/kmalloc.h"
#include "mm/pages.h"
#include "testing/models/failure_sweep.h"
#include "testing/models/slab_fixture.h"

#define BATCH_MAX 150u
#define LIVE_MAX  600u

typedef struct batch {
    size_t count;
    void *objects[BATCH_MAX + 1];
} batch_t;

static void free_batch(void *argument)
{
    const batch_t *const batch = argument;
    kfree_bulk(batch->count, batch->objects);
}

static void expect_sound(kmem_cache_t *cache, void *argument)
{
    property_run_t *const run = argument;
    PROPERTY_EXPECT_VALID(run, kmem_cache_validate(cache));
}

static void free_all(void *argument)
{
    live_objects_t *const live = argument;
    while (live->count != 0) {
        kfree(live->objects[--live->count].address);
    }
}

static live_objects_t *live_new(property_run_t *run)
{
    live_objects_t *const live = property_alloc(run, sizeof *live);
    *live = live_objects_new(run, LIVE_MAX);
    property_defer(run, free_all, live);
    return live;
}

static void allocate_batch(property_run_t *run, live_objects_t *live, batch_t *batch)
{
    const size_t room = live->capacity - live->count;
    const size_t size = property_bool(run) ? 64 : property_size_skewed(run, 2 * PAGE_SIZE);
    batch->count = property_draw(run, (room < BATCH_MAX ? room : BATCH_MAX) + 1);
    PROPERTY_EXPECT_EQUAL(run, kmalloc_bulk(size, batch->count, batch->objects), batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        live_objects_add(live, batch->objects[i], size);
    }
}

/*
 * Some blocks in the order in which they were allocated, as far as the model keeps it, or drawn; and NULL among them.
 */
static void release_batch(property_run_t *run, live_objects_t *live, batch_t *batch)
{
    const bool in_order = property_bool(run);
    const size_t count = property_draw(run, (live->count < BATCH_MAX ? live->count : BATCH_MAX) + 1);
    const size_t null_at = property_draw(run, count + 1);
    batch->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == null_at) {
            batch->objects[batch->count++] = NULL;
        }
        const size_t index = in_order ? live->count - 1 : property_draw(run, live->count);
        batch->objects[batch->count++] = live_objects_remove(live, index);
    }
    if (property_bool(run)) {
        free_batch(batch);
    } else {
        slab_in_interrupt(run, free_batch, batch);
    }
}

/*
 * Validates 1.1, 1.5, 1.8, 1.9: batches and single blocks, of this context and of another, never overlap and all
 * count.
 */
static void batches_are_blocks_like_any_others(property_run_t *run)
{
    live_objects_t *const live = live_new(run);
    batch_t *const batch = property_alloc(run, sizeof *batch);
    for (uint32_t step = 0; step < run->steps; step++) {
        switch (property_draw(run, 4)) {
        case 0:
            allocate_batch(run, live, batch);
            break;
        case 1:
            release_batch(run, live, batch);
            break;
        case 2:
            if (live->count < live->capacity) {
                const size_t size = property_size_skewed(run, PAGE_SIZE);
                live_objects_add(live, kmalloc(size), size);
            }
            break;
        default:
            if (live->count != 0) {
                const size_t index = property_draw(run, live->count);
                const size_t size = live->objects[index].size_bytes;
                kfree_sized(live_objects_remove(live, index), size);
            }
            break;
        }
    }
    kmem_caches_visit(expect_sound, run);
}

/* Validates 1.8: what batches allocate and free, statistics count. */
static void batches_are_counted(property_run_t *run)
{
    failure_books_t before;
    batch_t *const batch = property_alloc(run, sizeof *batch);
    failure_books_take(&before);
    batch->count = property_range(run, 1, BATCH_MAX);
    PROPERTY_EXPECT_EQUAL(run, kmalloc_bulk(100, batch->count, batch->objects), batch->count);
    failure_books_t with;
    failure_books_take(&with);
    PROPERTY_EXPECT_EQUAL(run, with.objects, before.objects + batch->count);
    free_batch(batch);
    failure_books_expect(run, &before);
}

/* ---- failures ---- */

typedef struct scenario {
    size_t size;
    batch_t batch;
} scenario_t;

static void undo(property_run_t *run, void *context)
{
    (void)run;
    free_batch(&((scenario_t *)context)->batch);
}

static status_t act(property_run_t *run, void *context)
{
    scenario_t *const scenario = context;
    const size_t count = scenario->batch.count;
    const size_t got = kmalloc_bulk(scenario->size, count, scenario->batch.objects);
    PROPERTY_EXPECT(run, got == 0 || got == count);
    return got == 0 ? STATUS_NO_MEMORY : STATUS_OK;
}

/* Validates 1.11, 3.10: whichever allocation of a batch is refused, nothing of the batch is left. */
static void a_batch_comes_whole_or_not_at_all(property_run_t *run)
{
    static const failure_scenario_t table = {act, undo, NULL};
    scenario_t *const context = property_alloc(run, sizeof *context);
    context->size = property_size_skewed(run, 3 * PAGE_SIZE);
    context->batch.count = property_range(run, 1, 40);
    PROPERTY_EXPECT(run, failure_sweep(run, &table, context) >= context->batch.count);
}

/* ---- mistakes ---- */

/* Validates 1.15, 5.2: an object twice in a batch, or free before it, is told; it is freed once. */
static void a_double_free_in_a_batch_is_told(property_run_t *run)
{
    failure_books_t before;
    batch_t *const batch = property_alloc(run, sizeof *batch);
    failure_books_take(&before);
    const size_t count = property_range(run, 1, BATCH_MAX - 1);
    PROPERTY_EXPECT_EQUAL(run, kmalloc_bulk(64, count, batch->objects), count);
    void *const twice = batch->objects[property_draw(run, count)];
    batch_t late = {1, {twice}};
    if (property_bool(run)) {
        batch->objects[count] = twice;
        batch->count = count + 1;
        PROPERTY_EXPECT_CHECK(run, "double free", free_batch, batch);
    } else {
        batch->count = count;
        free_batch(batch);
        PROPERTY_EXPECT_CHECK(run, "double free", free_batch, &late);
    }
    failure_books_expect(run, &before);
}

/* Validates 5.8: what is no block's start is told in a batch, too. */
static void a_batch_refuses_what_kfree_refuses(property_run_t *run)
{
    static unsigned char foreign[64];
    unsigned char *const block = kmalloc(200);
    PROPERTY_EXPECT(run, block != NULL);
    batch_t misaligned = {1, {block + 1 + property_draw(run, 100)}};
    const char *const of_misaligned = check_trap_run(free_batch, &misaligned);
    batch_t wild = {1, {foreign + property_draw(run, sizeof foreign)}};
    const char *const of_wild = check_trap_run(free_batch, &wild);
    kfree(block);
    PROPERTY_EXPECT_TEXT(run, "free of a misaligned pointer", of_misaligned);
    PROPERTY_EXPECT_TEXT(run, "free of a foreign pointer", of_wild);
}

/* ---- sized frees ---- */

static void free_as_64(void *block)
{
    kfree_sized(block, 64);
}

/* Validates 1.2, 1.8: a free goes by its block, whatever size it is told. */
static void a_sized_free_need_not_know_the_size(property_run_t *run)
{
    failure_books_t before;
    failure_books_take(&before);
    for (uint32_t step = 0; step < run->steps; step++) {
        void *const right = kmalloc(property_range(run, 33, 64));
        void *const wrong = kmalloc(property_size_skewed(run, 3 * PAGE_SIZE));
        PROPERTY_EXPECT(run, right != NULL && wrong != NULL);
        free_as_64(wrong);
        free_as_64(right);
        free_as_64(NULL);
    }
    failure_books_expect(run, &before);
}

/* Validates 1.15, 5.2, 5.8: the mistakes that kfree() tells, a sized free tells. */
static void a_sized_free_tells_the_same_mistakes(property_run_t *run)
{
    static unsigned char foreign[64];
    unsigned char *const kept = kmalloc(64);
    unsigned char *const freed = kmalloc(64);
    PROPERTY_EXPECT(run, kept != NULL && freed != NULL);
    free_as_64(freed);
    const char *const of_twice = check_trap_run(free_as_64, freed);
    const char *const of_misaligned = check_trap_run(free_as_64, kept + 1 + property_draw(run, 63));
    const char *const of_wild = check_trap_run(free_as_64, foreign);
    free_as_64(kept);
    PROPERTY_EXPECT_TEXT(run, "double free", of_twice);
    PROPERTY_EXPECT_TEXT(run, "free of a misaligned pointer", of_misaligned);
    PROPERTY_EXPECT_TEXT(run, "free of a foreign pointer", of_wild);
}

PROPERTY_SUITE(slab_bulk, PROPERTY(batches_are_blocks_like_any_others, "1.1 1.5 1.8 1.9"),
               PROPERTY(batches_are_counted, "1.8"),
               PROPERTY_EFFORT(a_batch_comes_whole_or_not_at_all, 20, "1.11 3.10"),
               PROPERTY(a_double_free_in_a_batch_is_told, "1.15 5.2"),
               PROPERTY(a_batch_refuses_what_kfree_refuses, "5.8"),
               PROPERTY(a_sized_free_need_not_know_the_size, "1.2 1.8"),
               PROPERTY(a_sized_free_tells_the_same_mistakes, "1.15 5.2 5.8"));
