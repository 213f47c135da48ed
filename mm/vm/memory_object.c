/*
 * Memory objects: a directory of index pages, each of which leads to 512 pages.
 *
 *   directory | table | table | ...     kmalloc: one pointer for each 2 MiB of the object
 *                 |
 *                 v
 *               | page | page | NULL | ...    one page of pointers, made when the first page of the 2 MiB is
 *
 * A pointer once set stays until the object ends, so pages are found under the lock and used without it, by whoever
 * holds a reference. The object is the one holder of its frames (frame.h).
 *
 * Invariants
 *   O1  there is a reference
 *   O2  pages beyond the object's end are NULL
 *   O3  every page's frame has one holder
 *   O4  the counts are those of a walk
 */
#include "memory_object_internal.h"

#include "arch/machine.h"
#include "base/check.h"
#include "frame.h"
#include "mm/kmalloc.h"
#include "mm/pages.h"
#include "mm/slab_debug.h"

#define PAGES_PER_TABLE (PAGE_SIZE / sizeof(void *))
#define TABLE_SPAN      (PAGES_PER_TABLE * PAGE_SIZE)
#define REFERENCES_MAX  UINT32_MAX

kmem_cache_t *memory_object_cache;

static _Atomic uint64_t created_count;
static _Atomic uint64_t destroyed_count;
static _Atomic uint64_t page_count; /* resident ones of all objects */

static uint64_t tables_of(uint64_t size)
{
    return (size + TABLE_SPAN - 1) / TABLE_SPAN;
}

static void **slot_in(void **table, uint64_t offset)
{
    return &table[offset / PAGE_SIZE % PAGES_PER_TABLE];
}

/* ---- life ---- */

status_t memory_object_create(uint64_t size, memory_object_t **created)
{
    return memory_object_create_for(NULL, size, created);
}

status_t memory_object_create_for(quota_t *quota, uint64_t size, memory_object_t **created)
{
    if (size == 0 || size > MEMORY_OBJECT_SIZE_MAX) {
        return STATUS_INVALID;
    }
    if (memory_object_cache == NULL) {
        return STATUS_NOT_READY;
    }
    memory_object_t *const object = kmem_cache_alloc(memory_object_cache);
    if (object == NULL) {
        return STATUS_NO_MEMORY;
    }
    void ***const directory = (void ***)kcalloc(tables_of(size), sizeof *directory);
    if (directory == NULL) {
        kmem_cache_free(memory_object_cache, object);
        return STATUS_NO_MEMORY;
    }
    *object =
        (memory_object_t){.size = align_up(size, PAGE_SIZE), .directory = directory, .quota = quota_retain(quota)};
    object->id = atomic_fetch_add(&created_count, 1) + 1;
    atomic_init(&object->references, 1);
    spinlock_init(&object->lock, LOCK_RANK_MEMORY_OBJECT);
    *created = object;
    return STATUS_OK;
}

memory_object_t *memory_object_retain(memory_object_t *object)
{
    atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
    return object;
}

void memory_object_disown(memory_object_t *object)
{
    slab_debug_disown(object);
    slab_debug_disown((const void *)object->directory);
}

static void free_table(const memory_object_t *object, void **table)
{
    for (size_t i = 0; i < PAGES_PER_TABLE; i++) {
        if (table[i] != NULL) {
            frames_release(object->quota, table[i], 1);
        }
    }
    pages_free((void *)table, 1);
    quota_give_back(object->quota, QUOTA_PAGES, 1);
}

static void destroy(memory_object_t *object)
{
    for (uint64_t i = 0; i < tables_of(object->size); i++) {
        if (object->directory[i] != NULL) {
            free_table(object, object->directory[i]);
        }
    }
    kfree((void *)object->directory);
    atomic_fetch_sub(&page_count, object->pages_resident);
    quota_release(object->quota);
    kmem_cache_free(memory_object_cache, object);
    atomic_fetch_add(&destroyed_count, 1);
}

/* Returns how many references there were. */
static uint64_t drop_reference(memory_object_t *object)
{
    const uint64_t before = atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel);
    CHECK(before - 1 < REFERENCES_MAX, "memory object released too often");
    return before;
}

void memory_object_release(memory_object_t *object)
{
    if (object != NULL && drop_reference(object) == 1) {
        destroy(object);
    }
}

void memory_object_release_early(memory_object_t *object)
{
    const uint64_t before UNUSED = drop_reference(object);
    DEBUG_CHECK(before > 1);
}

/* ---- pages ---- */

bool memory_object_contains(const memory_object_t *object, uint64_t offset, uint64_t size)
{
    return offset <= object->size && size <= object->size - offset;
}

uint64_t memory_object_id(const memory_object_t *object)
{
    return object->id;
}

/* Locked. The table for `offset`, made if need be; or NULL. */
static void **table_for(memory_object_t *object, uint64_t offset)
{
    void ***const place = &object->directory[offset / TABLE_SPAN];
    if (*place == NULL && quota_take(object->quota, QUOTA_PAGES, 1)) {
        void **const table = (void **)pages_alloc(1);
        if (table == NULL) {
            quota_give_back(object->quota, QUOTA_PAGES, 1);
            return NULL;
        }
        machine_zero_page((void *)table);
        object->pages_index++;
        *place = table;
    }
    return *place;
}

static void put_page(memory_object_t *object, void **slot, void *frame)
{
    *slot = frame;
    object->pages_resident++;
    atomic_fetch_add_explicit(&page_count, 1, memory_order_relaxed);
}

void *memory_object_page(memory_object_t *object, uint64_t offset)
{
    void *frame = NULL;
    const spinlock_hold_t hold = spinlock_lock(&object->lock);
    void **const table = table_for(object, offset);
    if (table != NULL) {
        void **const slot = slot_in(table, offset);
        if (*slot == NULL) {
            frame = frame_alloc_zeroed(object->quota);
            if (frame != NULL) {
                put_page(object, slot, frame);
            }
        }
        frame = *slot;
    }
    spinlock_unlock(&object->lock, hold);
    return frame;
}

void *memory_object_page_if_present(memory_object_t *object, uint64_t offset)
{
    const spinlock_hold_t hold = spinlock_lock(&object->lock);
    void **const table = object->directory[offset / TABLE_SPAN];
    void *const frame = table == NULL ? NULL : *slot_in(table, offset);
    spinlock_unlock(&object->lock, hold);
    return frame;
}

status_t memory_object_prepare(memory_object_t *object)
{
    const spinlock_hold_t hold = spinlock_lock(&object->lock);
    void **const table = table_for(object, 0);
    spinlock_unlock(&object->lock, hold);
    return table == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

void memory_object_adopt(memory_object_t *object, uint64_t offset, void *frame)
{
    const spinlock_hold_t hold = spinlock_lock(&object->lock);
    put_page(object, slot_in(object->directory[offset / TABLE_SPAN], offset), frame);
    spinlock_unlock(&object->lock, hold);
}

/* ---- copying ---- */

static size_t part_of_page(uint64_t offset, size_t size)
{
    const size_t rest = PAGE_SIZE - (offset & PAGE_OFFSET_MASK);
    return rest < size ? rest : size;
}

status_t memory_object_read(memory_object_t *object, uint64_t offset, void *to, size_t size)
{
    if (!memory_object_contains(object, offset, size)) {
        return STATUS_OUT_OF_RANGE;
    }
    for (char *at = to; size != 0;) {
        const size_t part = part_of_page(offset, size);
        const char *const page = memory_object_page_if_present(object, align_down(offset, PAGE_SIZE));
        if (page == NULL) {
            __builtin_memset(at, 0, part);
        } else {
            __builtin_memcpy(at, page + (offset & PAGE_OFFSET_MASK), part);
        }
        at += part;
        offset += part;
        size -= part;
    }
    return STATUS_OK;
}

status_t memory_object_write(memory_object_t *object, uint64_t offset, const void *from, size_t size)
{
    if (!memory_object_contains(object, offset, size)) {
        return STATUS_OUT_OF_RANGE;
    }
    for (const char *at = from; size != 0;) {
        const size_t part = part_of_page(offset, size);
        char *const page = memory_object_page(object, align_down(offset, PAGE_SIZE));
        if (page == NULL) {
            return quota_is_full(object->quota, QUOTA_PAGES) ? STATUS_OVER_QUOTA : STATUS_NO_MEMORY;
        }
        __builtin_memcpy(page + (offset & PAGE_OFFSET_MASK), at, part);
        at += part;
        offset += part;
        size -= part;
    }
    return STATUS_OK;
}

/* ---- numbers and validation ---- */

void memory_object_stats(memory_object_t *object, memory_object_stats_t *stats)
{
    const spinlock_hold_t hold = spinlock_lock(&object->lock);
    *stats = (memory_object_stats_t){
        .id = object->id,
        .size_bytes = object->size,
        .pages_resident = object->pages_resident,
        .pages_index = object->pages_index,
        .references = atomic_load(&object->references),
    };
    spinlock_unlock(&object->lock, hold);
}

void memory_object_totals(memory_object_totals_t *totals)
{
    totals->destroyed = atomic_load(&destroyed_count);
    totals->created = atomic_load(&created_count);
    totals->pages = atomic_load(&page_count);
}

/* Counts the pages of one table; `offset` is that of its first page. */
static const char *validate_table(const memory_object_t *object, void **table, uint64_t offset, uint64_t *resident)
{
    for (size_t i = 0; i < PAGES_PER_TABLE; i++, offset += PAGE_SIZE) {
        if (table[i] == NULL) {
            continue;
        }
        if (offset >= object->size) {
            return "O2";
        }
        if (frame_holders(table[i]) != 1) {
            return "O3";
        }
        ++*resident;
    }
    return NULL;
}

const char *memory_object_validate(memory_object_t *object)
{
    uint64_t resident = 0;
    uint64_t tables = 0;
    const char *broken = atomic_load(&object->references) == 0 ? "O1" : NULL;
    const spinlock_hold_t hold = spinlock_lock(&object->lock);
    for (uint64_t i = 0; broken == NULL && i < tables_of(object->size); i++) {
        if (object->directory[i] != NULL) {
            tables++;
            broken = validate_table(object, object->directory[i], i * TABLE_SPAN, &resident);
        }
    }
    if (broken == NULL && (resident != object->pages_resident || tables != object->pages_index)) {
        broken = "O4";
    }
    spinlock_unlock(&object->lock, hold);
    return broken;
}
