/*
 * Caches: made, used, destroyed; kmalloc's own among them.
 *
 * A cache lives in kmalloc memory, its slots (one for each context) in a run of pages. All caches are on one list,
 * for statistics and for the shrinker. kmalloc's caches are static and use the slots inside the contexts.
 */
#include "mm/kmem_cache.h"

#include "arch/page_backend.h"
#include "base/check.h"
#include "base/text.h"
#include "mm/inject.h"
#include "mm/kmalloc.h"
#include "mm/slab/descriptor_table.h"
#include "mm/slab/slab.h"
#include "mm/slab/slab_guard.h"
#include "mm/slab/slab_kmalloc.h"
#include "mm/slab/slab_quarantine.h"
#include "mm/slab/slab_tracking.h"

/* Memory that a slot may keep in empty slabs, unless the build says otherwise; SLAB_SLOT_EMPTY_MASK counts them. */
#ifndef SLAB_SLOT_EMPTY_BYTES
#define SLAB_SLOT_EMPTY_BYTES 65536u
#endif
#define SLOT_EMPTY_SLABS_MAX (SLAB_SLOT_EMPTY_BYTES / PAGE_SIZE)

_Static_assert(SLOT_EMPTY_SLABS_MAX < SLAB_SLOT_EMPTY_MASK, "what a slot counts");

/* 3 * 2^n bytes fill six pages without a rest. */
#define TRIPLE_SLAB_BYTES_MAX (6 * (uint32_t)PAGE_SIZE)

/* A run of an odd size may leave a share of 1/8 unused before a longer run is tried. */
#define WASTE_SHIFT 3

/* The slots, and behind them the counts of remote frees. */
#define SLOT_ARRAY_PAGES pages_for_bytes(SLAB_CONTEXT_MAX * (sizeof(slab_slot_t) + sizeof(uint64_t)))

kmem_cache_t slab_kmalloc_caches[KMALLOC_CLASS_COUNT];

static spinlock_t caches_lock = SPINLOCK_INITIALIZER(LOCK_RANK_CACHES);
static list_t caches;
static bool is_ready;

/* As many slabs as there are of 64 objects, or of half as many as needed for SLAB_BYTES_MAX, in three or six pages. */
static void init_triple(kmem_cache_t *cache)
{
    const uint32_t fitting = TRIPLE_SLAB_BYTES_MAX / cache->object_size;
    cache->objects_per_slab = (uint8_t)(fitting < BITS_PER_WORD ? fitting : BITS_PER_WORD);
    cache->slab_bytes = cache->objects_per_slab * cache->object_size;
    cache->slabs_per_run = (uint8_t)(cache->slab_bytes < 3 * PAGE_SIZE ? 3 * PAGE_SIZE / cache->slab_bytes : 1);
    cache->pages_per_run = (uint8_t)(cache->slabs_per_run * cache->slab_bytes / PAGE_SIZE);
}

static void init_power_of_two(kmem_cache_t *cache)
{
    const uint32_t fitting = SLAB_BYTES_MAX / cache->object_size;
    cache->object_shift = (uint8_t)find_first_set(cache->object_size);
    cache->objects_per_slab = (uint8_t)(fitting < BITS_PER_WORD ? fitting : BITS_PER_WORD);
    cache->slab_bytes = cache->objects_per_slab * cache->object_size;
    cache->slabs_per_run = (uint8_t)(cache->slab_bytes < PAGE_SIZE ? PAGE_SIZE / cache->slab_bytes : 1);
    cache->pages_per_run = (uint8_t)pages_for_bytes(cache->slab_bytes);
}

/* A slab shall hold at least `objects_min`. */
static void init_odd_size(kmem_cache_t *cache, uint32_t objects_min)
{
    uint32_t pages = 1;
    for (; pages < SLAB_BYTES_MAX / PAGE_SIZE; pages *= 2) {
        const uint32_t bytes = pages * (uint32_t)PAGE_SIZE;
        const uint32_t fitting = bytes / cache->object_size;
        if (fitting >= objects_min &&
            (fitting >= BITS_PER_WORD || bytes - fitting * cache->object_size <= bytes >> WASTE_SHIFT)) {
            break;
        }
    }
    const uint32_t fitting = pages * (uint32_t)PAGE_SIZE / cache->object_size;
    cache->object_shift = 0;
    cache->objects_per_slab = (uint8_t)(fitting < BITS_PER_WORD ? fitting : BITS_PER_WORD);
    cache->slab_bytes = pages * (uint32_t)PAGE_SIZE;
    cache->slabs_per_run = 1;
    cache->pages_per_run = (uint8_t)pages;
}

void slab_cache_init(kmem_cache_t *cache, const char *name, uint32_t object_size)
{
    *cache = (kmem_cache_t){.object_size = object_size, .object_size_asked = object_size, .page_code = PAGE_CODE_TYPED};
    text_print(cache->name, sizeof cache->name, "%s", name);
    cache->tier = slab_tier_for_new_cache(cache->name);
    if (is_power_of_two(object_size)) {
        init_power_of_two(cache);
    } else if (KMALLOC_HAS_TRIPLES && object_size % 3 == 0 && is_power_of_two(object_size / 3)) {
        init_triple(cache);
    } else {
        init_odd_size(cache, cache->tier == SLAB_TIER_DEBUG ? SLAB_SPACED_SLOTS_MIN : 1);
    }
    cache->object_bits = bits_low(cache->objects_per_slab);
    cache->spaced_bits = SLAB_SPACED_BITS & bits_low(cache->objects_per_slab - 1u);
    cache->object_reciprocal = (uint32_t)((GIB(4) + object_size - 1) / object_size);
    const uint32_t empty_max = SLAB_SLOT_EMPTY_BYTES / cache->slab_bytes;
    cache->slot_empty_max = empty_max < SLOT_EMPTY_SLABS_MAX ? empty_max : (uint32_t)SLOT_EMPTY_SLABS_MAX;
    spinlock_init(&cache->lock, LOCK_RANK_CACHE);
    list_init(&cache->available);
    list_init(&cache->full);
    list_init(&cache->empty);
    cache->is_injected = inject_covers_cache(cache->name);
}

void slab_caches_add(kmem_cache_t *cache)
{
    const spinlock_hold_t hold = spinlock_lock(&caches_lock);
    list_push_back(&caches, &cache->link);
    spinlock_unlock(&caches_lock, hold);
}

void slab_caches_remove(kmem_cache_t *cache)
{
    const spinlock_hold_t hold = spinlock_lock(&caches_lock);
    list_remove(&cache->link);
    spinlock_unlock(&caches_lock, hold);
}

void kmem_caches_visit(void (*visit)(kmem_cache_t *cache, void *argument), void *argument)
{
    const spinlock_hold_t hold = spinlock_lock(&caches_lock);
    if (is_ready) {
        LIST_FOR_EACH(&caches, link)
        {
            visit(CONTAINER_OF(link, kmem_cache_t, link), argument);
        }
    }
    spinlock_unlock(&caches_lock, hold);
}

/* A cache of kmalloc's, for a class of `size` bytes. */
static void init_kmalloc_cache(kmem_cache_t *cache, size_t size)
{
    const unsigned shift = kmalloc_class_shift(size - 1);
    char name[KMEM_CACHE_NAME_MAX + 1];
    text_print(name, sizeof name, "kmalloc-%zu", size);
    slab_cache_init(cache, name, (uint32_t)size);
    cache->page_code = (uint8_t)shift;
    cache->slot_number =
        (uint8_t)(kmalloc_is_triple(size - 1) ? SLAB_SLOT_OF_TRIPLE(shift) : SLAB_SLOT_OF_SHIFT(shift));
}

status_t slab_init(void)
{
    if (is_ready) {
        return STATUS_EXISTS;
    }
    if (allocation_context_current() == NULL) {
        return STATUS_NOT_READY;
    }
    list_init(&caches);
    size_t size = 0;
    for (unsigned class = 0; class < KMALLOC_CLASS_COUNT; class ++) {
        size = kmalloc_class_bytes(kmalloc_last(size + 1));
        init_kmalloc_cache(&slab_kmalloc_caches[class], size);
        slab_caches_add(&slab_kmalloc_caches[class]);
    }
    is_ready = true;
    return STATUS_OK;
}

static bool is_name_valid(const char *name)
{
    if (name == NULL) {
        return false;
    }
    size_t length = 0;
    for (; name[length] != '\0'; length++) {
        const char c = name[length];
        const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (length == KMEM_CACHE_NAME_MAX || (!is_word && c != '-' && c != '_' && c != '.')) {
            return false;
        }
    }
    return length != 0;
}

static bool name_is_taken(const char *name)
{
    LIST_FOR_EACH(&caches, link)
    {
        if (text_equal(CONTAINER_OF(link, kmem_cache_t, link)->name, name)) {
            return true;
        }
    }
    return false;
}

status_t kmem_cache_create(const kmem_cache_config_t *config, kmem_cache_t **created)
{
    const size_t alignment = config->alignment_bytes == 0 ? 16 : config->alignment_bytes;
    if (!is_name_valid(config->name) || config->object_size_bytes == 0 ||
        config->object_size_bytes > KMEM_OBJECT_SIZE_MAX || !is_power_of_two(alignment) || alignment < 16 ||
        alignment > PAGE_SIZE) {
        return STATUS_INVALID;
    }
    if (!is_ready) {
        return STATUS_NOT_READY;
    }
    kmem_cache_t *const cache = kmalloc(sizeof *cache);
    if (cache == NULL) {
        return STATUS_NO_MEMORY;
    }
    status_t status = STATUS_NO_MEMORY;
    slab_cache_init(cache, config->name, (uint32_t)align_up(config->object_size_bytes, alignment));
    cache->object_size_asked = (uint32_t)config->object_size_bytes;
    cache->slots = pages_alloc(SLOT_ARRAY_PAGES);
    if (cache->slots == NULL) {
        goto undo_cache;
    }
    cache->remote_frees = (uint64_t *)&cache->slots[SLAB_CONTEXT_MAX];
    for (unsigned index = 0; index < SLAB_CONTEXT_MAX; index++) {
        slab_slot_init(&cache->slots[index], cache->object_size);
        cache->remote_frees[index] = 0;
    }

    const spinlock_hold_t hold = spinlock_lock(&caches_lock);
    const bool is_taken = name_is_taken(cache->name);
    if (!is_taken) {
        list_push_back(&caches, &cache->link);
    }
    spinlock_unlock(&caches_lock, hold);
    if (is_taken) {
        status = STATUS_EXISTS;
        goto undo_slots;
    }
    *created = cache;
    return STATUS_OK;

undo_slots:
    pages_free(cache->slots, SLOT_ARRAY_PAGES);
undo_cache:
    kfree(cache);
    return status;
}

void *kmem_cache_alloc(kmem_cache_t *cache)
{
    slab_context_t *const context = (slab_context_t *)allocation_context_current();
    slab_slot_t *const slot = slab_slot(cache, context);
    const uint64_t word = RELAXED_LOAD(&slot->free_word);
    if (UNLIKELY(word == 0)) {
        return slab_alloc_slow(cache, context, cache->object_size_asked, (uintptr_t)__builtin_return_address(0));
    }
    RELAXED_STORE(&slot->free_word, word & (word - 1));
    return (void *)(slot->base + (uintptr_t)find_first_set_nonzero(word) * cache->object_size);
}

/* A free that is not into the context's current slab, or of no object. */
static NOINLINE void free_elsewhere(kmem_cache_t *cache, void *object)
{
    if (object == NULL) {
        return;
    }
    const uintptr_t address = (uintptr_t)object;
    const uint64_t *const word_place = page_word(object);
    const uint64_t word = word_place == NULL ? PAGE_CODE_NONE : __atomic_load_n(word_place, __ATOMIC_ACQUIRE);
    const unsigned code = word & PAGE_CODE_MASK;
    if (UNLIKELY(code < PAGE_CODE_SHIFT_MIN && code != PAGE_CODE_TYPED)) {
        slab_misuse_no_slab(address, word);
    }
    slab_t *const slab = slab_of_address(word, address);
    if (UNLIKELY(slab->cache != cache)) {
        slab_misuse_wrong_cache(slab, address, cache);
    }
    slab_free(slab, address, (slab_context_t *)allocation_context_current(), (uintptr_t)__builtin_return_address(0));
}

/* As kfree does it (mm/kmalloc/kmalloc.c); the cache is known, so that no page word is needed. */
void kmem_cache_free(kmem_cache_t *cache, void *object)
{
    slab_slot_t *const slot = slab_slot(cache, (slab_context_t *)allocation_context_current());
    const unsigned index = slab_offset_index(cache, (uintptr_t)object - slot->base);
    if (UNLIKELY(index >= RELAXED_LOAD(&slot->limit))) {
        free_elsewhere(cache, object);
        return;
    }
    uint64_t free_word = slot->free_word;
    if (UNLIKELY(!bit_set_clear(&free_word, index))) {
        free_elsewhere(cache, object);
        return;
    }
    RELAXED_STORE(&slot->free_word, free_word);
    RELAXED_ADD(&slot->frees, 1);
}

static size_t shrink(kmem_cache_t *cache)
{
    slab_slot_trim(cache, (slab_context_t *)allocation_context_current());
    return slab_pool_trim(cache);
}

size_t kmem_cache_shrink(kmem_cache_t *cache)
{
    (void)slab_quarantine_drain(cache);
    return shrink(cache);
}

static void shrink_one(kmem_cache_t *cache, void *argument)
{
    *(size_t *)argument += shrink(cache);
}

size_t kmem_caches_shrink(void)
{
    size_t pages = 0;
    (void)slab_quarantine_drain(NULL); /* before the list of caches is locked: it may find something to report */
    slab_collect((slab_context_t *)allocation_context_current());
    kmem_caches_visit(shrink_one, &pages);
    return pages + descriptor_table_trim();
}

/* Takes every slab back that has no live object. No CPU uses the cache. Returns how many objects are live. */
static uint64_t take_back_slabs(kmem_cache_t *cache)
{
    uint64_t allocations;
    uint64_t frees;
    (void)slab_quarantine_drain(cache);
    slab_collect_cache(cache);
    slab_cache_count(cache, &allocations, &frees);
    if (allocations != frees) {
        return allocations - frees;
    }
    for (slab_context_t *context = slab_context_first(); context != NULL; context = context->next) {
        slab_slot_drain(cache, context);
    }
    slab_pool_trim(cache);
    CHECK(cache->slabs_held == 0, "slab cache keeps slabs without live objects");
    return 0;
}

status_t kmem_cache_destroy(kmem_cache_t *cache)
{
    if (take_back_slabs(cache) != 0) {
        return STATUS_BUSY;
    }
    slab_caches_remove(cache);
    pages_free(cache->slots, SLOT_ARRAY_PAGES);
    kfree(cache);
    return STATUS_OK;
}

uint64_t slab_shutdown(void)
{
    kmalloc_large_stats_t large;
    kmalloc_large_stats(&large);
    uint64_t leaked = large.blocks_live;
    LIST_FOR_EACH(&caches, link)
    {
        leaked += take_back_slabs(CONTAINER_OF(link, kmem_cache_t, link));
    }
    descriptor_table_trim();
    return leaked;
}
