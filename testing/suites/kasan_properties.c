/*
 * What an image with KASan and UBSan tells, and what it does not: for such images only (kernel/sanitizers).
 */
#include "arch/page_backend.h"
#include "mm/kmalloc.h"
#include "mm/kmem_cache.h"
#include "testing/property/property.h"

/* One access that code under test makes. */
typedef struct bad_access {
    uintptr_t at;
    unsigned shift; /* 2^shift bytes, 0 to 3 */
    bool is_write;
} bad_access_t;

static void make_access(void *argument)
{
    const bad_access_t *const access = argument;
    const uintptr_t at = access->at;
    switch (access->shift) {
    case 0:
        *(volatile uint8_t *)at = access->is_write ? 1 : *(volatile uint8_t *)at;
        break;
    case 1:
        *(volatile uint16_t *)at = access->is_write ? 1 : *(volatile uint16_t *)at;
        break;
    case 2:
        *(volatile uint32_t *)at = access->is_write ? 1 : *(volatile uint32_t *)at;
        break;
    default:
        *(volatile uint64_t *)at = access->is_write ? 1 : *(volatile uint64_t *)at;
        break;
    }
}

/* An aligned access of any width in [start, start + size). */
static bad_access_t draw_access(property_run_t *run, unsigned char *start, size_t size)
{
    bad_access_t access = {.is_write = property_bool(run)};
    access.shift = (unsigned)property_draw(run, 4);
    while (((size_t)1 << access.shift) > size) {
        access.shift--;
    }
    const size_t width = (size_t)1 << access.shift;
    access.at = (uintptr_t)start + property_draw(run, size / width) * width;
    return access;
}

/* Validates 5.3: whatever was freed may not be accessed any more, at any of its bytes, by any kind of access. */
static void an_access_to_a_freed_object_is_told(property_run_t *run)
{
    const size_t size = property_range(run, 1, KMALLOC_SLAB_MAX);
    unsigned char *const object = kmalloc(size);
    PROPERTY_EXPECT(run, object != NULL);
    bad_access_t access = draw_access(run, object, size);
    make_access(&access);
    kfree(object);
    PROPERTY_EXPECT_CHECK(run, "kasan: use after free", make_access, &access);
}

/* Validates 5.3: the same of pages. */
static void an_access_to_a_freed_page_is_told(property_run_t *run)
{
    const size_t count = property_range(run, 1, 8);
    unsigned char *const pages = pages_alloc(count);
    PROPERTY_EXPECT(run, pages != NULL);
    bad_access_t access = draw_access(run, pages, count * PAGE_SIZE);
    make_access(&access);
    pages_free(pages, count);
    PROPERTY_EXPECT_CHECK(run, "kasan: use of a free page", make_access, &access);
}

/* Validates 5.1, 5.5: what was asked for may be accessed, all of it; what the size class adds may not. */
static void an_access_beyond_what_was_asked_for_is_told(property_run_t *run)
{
    const size_t size = property_range(run, 1, 2 * KMALLOC_SLAB_MAX);
    unsigned char *object = kmalloc(property_range(run, 1, KMALLOC_SLAB_MAX));
    PROPERTY_EXPECT(run, object != NULL);
    unsigned char *const moved = krealloc(object, size);
    PROPERTY_EXPECT(run, moved != NULL);
    object = moved;
    for (size_t index = 0; index < size; index++) {
        object[index] = (unsigned char)index;
    }
    bad_access_t access = {(uintptr_t)object + size, 0, property_bool(run)};
    const bool has_room = ((uintptr_t)(object + size) & 15) != 0;
    if (has_room) {
        PROPERTY_EXPECT_CHECK(run, "kasan: access out of bounds", make_access, &access);
    }
    PROPERTY_EXPECT(run, kmalloc_usable_size(object) >= size);
    if (has_room) {
        make_access(&access); /* who asked how much there is may use it */
    }
    kfree(object);
}

static void clear_one_too_many(void *argument)
{
    const bad_access_t *const access = argument;
    __builtin_memset((void *)access->at, 0, 40);
}

/* Validates 5.3, 5.5: memory functions are looked at as a whole, before they begin. */
static void a_memory_function_beyond_the_end_is_told(property_run_t *run)
{
    unsigned char *const object = kmalloc(property_range(run, 33, 39));
    PROPERTY_EXPECT(run, object != NULL);
    bad_access_t access = {.at = (uintptr_t)object};
    object[0] = 7;
    PROPERTY_EXPECT_CHECK(run, "kasan: access out of bounds", clear_one_too_many, &access);
    PROPERTY_EXPECT_EQUAL(run, object[0], 7);
    kfree(object);
}

static volatile int one = 1;

static void overflow(void *argument)
{
    int *const number = argument;
    *number = *number + one;
}

static void shift_too_far(void *argument)
{
    int *const number = argument;
    *number = one << *number;
}

static void index_too_far(void *argument)
{
    static int numbers[4];
    int *const number = argument;
    *number = numbers[*number];
}

/* Validates 5.6: undefined behaviour is told where it happens. */
static void undefined_behaviour_is_told(property_run_t *run)
{
    int number = INT32_MAX;
    PROPERTY_EXPECT_CHECK(run, "ubsan: undefined behaviour", overflow, &number);
    number = (int)property_range(run, 32, 1000);
    PROPERTY_EXPECT_CHECK(run, "ubsan: undefined behaviour", shift_too_far, &number);
    number = (int)property_range(run, 4, 1000);
    PROPERTY_EXPECT_CHECK(run, "ubsan: undefined behaviour", index_too_far, &number);
}

PROPERTY_SUITE(kasan, PROPERTY(an_access_to_a_freed_object_is_told, "5.3"),
               PROPERTY(an_access_to_a_freed_page_is_told, "5.3"),
               PROPERTY(an_access_beyond_what_was_asked_for_is_told, "5.1 5.5"),
               PROPERTY(a_memory_function_beyond_the_end_is_told, "5.3 5.5"),
               PROPERTY(undefined_behaviour_is_told, "5.6"));
