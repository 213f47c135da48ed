/*
 * Every mistake that a caller of kmalloc or of a cache can make is told by its exact message, in every build, and
 * changes nothing.
 */
#include "arch/machine.h"
#include "arch/page_backend.h"
#include "mm/kmalloc.h"
#include "mm/slab/page_code.h"
#include "mm/slab_debug.h"
#include "mm/slab_tier.h"
#include "testing/models/slab_fixture.h"

static void free_block(void *pointer)
{
    kfree(pointer);
}

typedef struct cache_free {
    kmem_cache_t *cache;
    void *object;
} cache_free_t;

static void free_object(void *argument)
{
    const cache_free_t *const call = argument;
    kmem_cache_free(call->cache, call->object);
}

/* Fills slabs until one of the fixture's objects is in a slab that is not the current one; frees nothing. */
static void fill_some_slabs(slab_fixture_t *fixture)
{
    for (uint64_t left = property_range(fixture->run, 1, 150); left > 0; left--) {
        slab_fixture_alloc(fixture, (slab_actor_t)property_draw(fixture->run, SLAB_ACTOR_COUNT));
    }
}

static void expect_double_free(slab_fixture_t *fixture, void *object)
{
    cache_free_t call = {fixture->cache, object};
    PROPERTY_EXPECT_CHECK(fixture->run, "double free", free_object, &call);
    slab_fixture_expect_agreement(fixture);
}

typedef struct double_free {
    property_run_t *run;
    cache_free_t call;
} double_free_t;

static void expect_double_free_told(void *argument)
{
    double_free_t *const work = argument;
    PROPERTY_EXPECT_CHECK(work->run, "double free", free_object, &work->call);
}

/*
 * Validates 1.15, 5.2: an object that is free is never freed again, whichever context owns its slab (or none any more),
 * whoever freed it first and frees it again.
 */
static void a_double_free_is_told_wherever_the_slab_is(property_run_t *run)
{
    slab_fixture_t *const fixture = slab_fixture_open(run);
    fill_some_slabs(fixture);
    const size_t index = property_draw(run, fixture->live.count);
    double_free_t work = {run, {fixture->cache, live_objects_remove(&fixture->live, index)}};
    if (property_bool(run)) {
        slab_fixture_guest_leave(fixture);
    }
    slab_fixture_act(fixture, (slab_actor_t)property_draw(run, SLAB_ACTOR_COUNT), free_object, &work.call);
    fixture->frees++;
    if (property_bool(run)) {
        slab_fixture_guest_leave(fixture);
    }
    slab_fixture_act(fixture, (slab_actor_t)property_draw(run, SLAB_ACTOR_COUNT), expect_double_free_told, &work);
    slab_fixture_expect_agreement(fixture);
}

/* Validates 1.15, 5.2: the same after the slab, all its objects free, has gone back with its pages. */
static void a_double_free_into_a_slab_that_is_gone_is_told(property_run_t *run)
{
    slab_fixture_t *const fixture = slab_fixture_open(run);
    for (int i = 0; i < 300; i++) {
        slab_fixture_alloc(fixture, SLAB_ACTOR_SELF);
    }
    void *const object = fixture->live.objects[property_draw(run, 64)].address;
    while (fixture->live.count != 0) {
        kmem_cache_free(fixture->cache, live_objects_remove(&fixture->live, fixture->live.count - 1));
        fixture->frees++;
    }
    (void)kmem_cache_shrink(fixture->cache);
    PROPERTY_EXPECT_EQUAL(run, *page_word(object) & PAGE_CODE_MASK, PAGE_CODE_GONE);
    expect_double_free(fixture, object);
}

/*
 * Validates 1.15, 5.2: kmalloc's own straight lines find a double free too: of blocks in the current slab and in
 * others, freed first by this context or by another, which has not told the owner yet.
 */
static void a_double_free_of_a_block_is_told_on_every_path(property_run_t *run)
{
    const size_t size = (size_t)16 << property_draw(run, 9);
    live_objects_t live = live_objects_new(run, 150);
    const size_t count = property_range(run, 1, live.capacity);
    for (size_t i = 0; i < count; i++) {
        live_objects_add(&live, kmalloc(size), size);
    }
    void *const block = live_objects_remove(&live, property_draw(run, count));
    if (property_bool(run)) {
        slab_in_interrupt(run, free_block, block);
    } else {
        free_block(block);
    }
    const char *const message = check_trap_run(free_block, block);
    while (live.count != 0) {
        kfree(live_objects_remove(&live, live.count - 1));
    }
    PROPERTY_EXPECT_TEXT(run, "double free", message);
}

typedef struct block_double_free {
    property_run_t *run;
    void *block;
} block_double_free_t;

static void expect_block_double_free_told(void *argument)
{
    block_double_free_t *const work = argument;
    PROPERTY_EXPECT_CHECK(work->run, "double free", free_block, work->block);
}

/*
 * Validates 1.9, 1.15, 5.2: two contexts take turns at freeing blocks of one slab, and after each free either of them
 * finds out that the block is free: what one has freed and the other has not collected closes kfree's own lines to it,
 * and what it collects opens them again.
 */
static void a_double_free_is_told_while_two_contexts_free(property_run_t *run)
{
    const size_t size = (size_t)16 << property_draw(run, 9);
    live_objects_t live = live_objects_new(run, 70);
    for (uint64_t step = property_range(run, 1, 120); step > 0; step--) {
        if (live.count == 0 || (live.count < live.capacity && property_draw(run, 3) == 0)) {
            live_objects_add(&live, kmalloc(size), size);
            continue;
        }
        block_double_free_t work = {run, live_objects_remove(&live, property_draw(run, live.count))};
        if (property_bool(run)) {
            slab_in_interrupt(run, free_block, work.block);
        } else {
            free_block(work.block);
        }
        switch (property_draw(run, 3)) {
        case 0:
            slab_in_interrupt(run, expect_block_double_free_told, &work);
            break;
        case 1:
            expect_block_double_free_told(&work);
            break;
        default:
            break;
        }
    }
    while (live.count != 0) {
        kfree(live_objects_remove(&live, live.count - 1));
    }
}

/* Validates 1.11, 1.15, 5.2: of large blocks, too. */
static void a_double_free_of_a_large_block_is_told(property_run_t *run)
{
    void *const block = kmalloc(4097 + property_draw(run, 100000));
    PROPERTY_EXPECT(run, block != NULL);
    kfree(block);
    PROPERTY_EXPECT_CHECK(run, "double free", free_block, block);
}

/* Validates 1.15: a pointer into a live block is not its start, whatever the class. */
static void a_pointer_into_a_block_is_told(property_run_t *run)
{
    const size_t size = property_size_skewed(run, 40000);
    unsigned char *const block = kmalloc(size < 2 ? 2 : size);
    PROPERTY_EXPECT(run, block != NULL);
    const size_t usable = kmalloc_usable_size(block);
    PROPERTY_EXPECT_CHECK(run, "free of a misaligned pointer", free_block, block + property_range(run, 1, usable - 1));
    kfree(block);
}

/* Validates 1.15: and so is one into an object of a typed cache, or into the rest behind a slab's last object. */
static void a_pointer_into_an_object_is_told(property_run_t *run)
{
    slab_fixture_t *const fixture = slab_fixture_open(run);
    fill_some_slabs(fixture);
    const live_object_t *const object = &fixture->live.objects[property_draw(run, fixture->live.count)];
    const size_t distance = property_range(run, 1, fixture->object_size);
    cache_free_t call = {fixture->cache, object->address + distance};
    for (size_t i = 0; i < fixture->live.count; i++) {
        if (fixture->live.objects[i].address == call.object) {
            return; /* the neighbour's start */
        }
    }
    const char *const message = check_trap_run(free_object, &call);
    /* One past the object may be the start of a free neighbour, or of another page. */
    if (distance < fixture->object_size) {
        PROPERTY_EXPECT_TEXT(run, "free of a misaligned pointer", message);
    } else {
        PROPERTY_EXPECT(run, message != NULL);
    }
    slab_fixture_expect_agreement(fixture);
}

/*
 * Validates 1.15: and one into what a slab has left behind its last object, at a distance where the next would start.
 */
static void a_pointer_behind_the_last_object_is_told(property_run_t *run)
{
    slab_fixture_t *const fixture = slab_fixture_open(run);
    kmem_cache_stats_t stats;
    slab_fixture_alloc(fixture, SLAB_ACTOR_SELF);
    kmem_cache_stats(fixture->cache, &stats);
    const size_t used = stats.objects_per_slab * stats.object_size_bytes;
    if (used < stats.slab_size_bytes) {
        const uintptr_t slab = (uintptr_t)fixture->live.objects[0].address & ~(uintptr_t)(stats.slab_size_bytes - 1);
        cache_free_t call = {fixture->cache, (void *)(slab + used)};
        PROPERTY_EXPECT_CHECK(run, "free of a misaligned pointer", free_object, &call);
        slab_fixture_expect_agreement(fixture);
    }
}

/* Validates 1.15: pointers that never came from here: pages of others, static memory, the stack, nowhere. */
static void a_foreign_pointer_is_told(property_run_t *run)
{
    static uint64_t in_static_memory;
    uint64_t on_the_stack = 0;
    void *const page = pages_alloc(1);
    PROPERTY_EXPECT(run, page != NULL);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, page_words_claim(page, 1, 0));
    void *const pointers[] = {(char *)page + 16 * property_draw(run, 256), &in_static_memory, &on_the_stack,
                              (void *)(uintptr_t)property_range(run, 1, 1 << 20), (void *)UINTPTR_MAX};
    void *const pointer = pointers[property_draw(run, ARRAY_COUNT(pointers))];
    PROPERTY_EXPECT_CHECK(run, "free of a foreign pointer", free_block, pointer);
    cache_free_t call = {slab_fixture_open(run)->cache, pointer};
    PROPERTY_EXPECT_CHECK(run, "free of a foreign pointer", free_object, &call);
    pages_free(page, 1);
}

/* An address whose page word nobody has ever needed; NULL on machines where all words are there from the start. */
static char *find_untouched(property_run_t *run)
{
    for (uint64_t address = property_draw(run, MIB(64)); address < machine_physical_limit() && address < GIB(64);
         address += MIB(16)) {
        char *const pointer = physical_to_pointer(physical_address(address));
        if (page_word(pointer) != NULL && !machine_page_words_are_backed(page_word(pointer))) {
            return pointer;
        }
    }
    return NULL;
}

/*
 * Validates 1.15: a page that was never touched has no page word; looking for it faults, and the free is told all the
 * same.
 */
static void a_pointer_to_untouched_memory_is_told(property_run_t *run)
{
    char *const pointer = find_untouched(run);
    if (pointer != NULL) {
        PROPERTY_EXPECT_CHECK(run, "free of a foreign pointer", free_block, pointer);
    }
}

/* Validates 1.4, 1.15: an object goes back to its own cache. */
static void a_free_to_the_wrong_cache_is_told(property_run_t *run)
{
    slab_fixture_t *const fixture = slab_fixture_open(run);
    const kmem_cache_config_t config = {"other", fixture->object_size, 0};
    kmem_cache_t *other;
    fill_some_slabs(fixture);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_create(&config, &other));
    cache_free_t call = {other, fixture->live.objects[0].address};
    PROPERTY_EXPECT_CHECK(run, "free to the wrong cache", free_object, &call);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kmem_cache_destroy(other));
    slab_fixture_expect_agreement(fixture);
}

static void stop_tracking(void *argument)
{
    (void)argument;
    slab_debug_stop();
}

/*
 * Switches tracking on for this run, and every cache to debug. Nothing to do when the whole kernel runs so already:
 * false.
 */
static bool track(property_run_t *run)
{
    const slab_debug_config_t config = {.records = 1000, .seed = 1};
    const bool is_ours = !slab_debug_is_on();
    if (is_ours) {
        PROPERTY_EXPECT_STATUS(run, STATUS_NOT_READY, slab_tier_set_all(SLAB_TIER_DEBUG));
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_debug_start(&config));
        property_defer(run, stop_tracking, NULL);
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, slab_tier_set_all(SLAB_TIER_DEBUG));
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_BUSY, slab_debug_start(&config));
    return is_ours;
}

typedef struct live_search {
    uintptr_t address;
    unsigned found;
} live_search_t;

static void note_if_sought(const slab_record_t *record, void *argument)
{
    live_search_t *const search = argument;
    search->found += record->address == search->address;
}

/*
 * Validates 1.14, 1.15: with tracking on, it is known of each object who allocated it, when, how big it is, and who
 * freed it.
 */
static void tracking_knows_who_allocated_and_freed(property_run_t *run)
{
    slab_record_t record;
    if (!track(run)) {
        return;
    }

    const size_t size = property_size_skewed(run, 4096);
    void *const first = kmalloc(size);
    void *const second = kmalloc(size);
    live_search_t search = {(uintptr_t)second, 0};
    PROPERTY_EXPECT(run, first != NULL && second != NULL);
    slab_debug_visit_live(note_if_sought, &search);
    PROPERTY_EXPECT_EQUAL(run, search.found, 1);

    PROPERTY_EXPECT(run, slab_debug_find((uintptr_t)first, &record));
    const uint64_t allocated_at = record.allocated_at;
    PROPERTY_EXPECT_EQUAL(run, record.size_bytes, size);
    PROPERTY_EXPECT_EQUAL(run, record.allocated_cpu, cpu_current()->index);
    PROPERTY_EXPECT(run, record.allocated_site != 0 && record.state == SLAB_RECORD_LIVE);
    PROPERTY_EXPECT(run, slab_debug_find((uintptr_t)second, &record) && record.allocated_at > allocated_at);

    kfree(second);
    PROPERTY_EXPECT(run, slab_debug_find((uintptr_t)second, &record));
    PROPERTY_EXPECT(run, record.freed_site != 0 && record.freed_at > record.allocated_at);
    PROPERTY_EXPECT_CHECK(run, "double free", free_block, second);
    kfree(first);
}

static void allocate_block(void *size)
{
    void *const block = kmalloc(*(const size_t *)size);
    kfree(block);
}

/* Validates 1.14: with tracking on, a write into a freed object is told when the object is handed out again. */
static NOT_WATCHED void a_write_after_free_is_told_while_debugging(property_run_t *run)
{
    size_t size = property_size_skewed(run, 4096);
    if (!track(run)) {
        return;
    }
    unsigned char *const block = kmalloc(size);
    PROPERTY_EXPECT(run, block != NULL);
    const size_t offset = property_draw(run, kmalloc_usable_size(block));
    kfree(block);
    const unsigned char spoil = (unsigned char)property_range(run, 1, 255);
    block[offset] ^= spoil;
    PROPERTY_EXPECT_CHECK(run, "write after free", allocate_block, &size);
    /* Mended, the object is as good as any: the check left it free. */
    block[offset] ^= spoil;
    void *const again = kmalloc(size);
    PROPERTY_EXPECT_EQUAL(run, (uintptr_t)again, (uintptr_t)block);
    kfree(again);
}

PROPERTY_SUITE(slab_misuse, PROPERTY(a_double_free_is_told_wherever_the_slab_is, "1.15 5.2"),
               PROPERTY(a_double_free_into_a_slab_that_is_gone_is_told, "1.15 5.2"),
               PROPERTY(a_double_free_of_a_block_is_told_on_every_path, "1.15 5.2"),
               PROPERTY(a_double_free_is_told_while_two_contexts_free, "1.9 1.15 5.2"),
               PROPERTY(a_double_free_of_a_large_block_is_told, "1.11 1.15 5.2"),
               PROPERTY(a_pointer_into_a_block_is_told, "1.15"), PROPERTY(a_pointer_into_an_object_is_told, "1.15"),
               PROPERTY(a_pointer_behind_the_last_object_is_told, "1.15"), PROPERTY(a_foreign_pointer_is_told, "1.15"),
               PROPERTY(a_pointer_to_untouched_memory_is_told, "1.15"),
               PROPERTY(a_free_to_the_wrong_cache_is_told, "1.4 1.15"),
               PROPERTY(tracking_knows_who_allocated_and_freed, "1.14 1.15 5.4"),
               PROPERTY(a_write_after_free_is_told_while_debugging, "1.14 5.3"));
