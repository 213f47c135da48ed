/*
 * User space on the host: page tables that are walked by software, as an MMU would, with a translation cache for each
 * CPU.
 *
 * The cache is as forgetful as the contract allows and no more: it keeps what it walked until it is told, over changes
 * of the table and of the active table too, one page at a time. So a missing flush shows on the host. A lock for each
 * cache is held during walk and access; when a flush has had them all, no CPU is on old ways.
 *
 * A large page that is split is gone for a moment, as on the strictest machine.
 */
#include <stdatomic.h>

#include "arch/cpu.h"
#include "arch/shared/user_page_table.h"
#include "base/check.h"
#include "host.h"

/* Entries: bit 0 present, bit 1 leaf, bits 2 to 5 rights, from bit 12 on the address. */
#define ENTRY_PRESENT UINT64_C(1)
#define ENTRY_LEAF    UINT64_C(2)
#define ENTRY_ACCESS  2 /* shift */
#define ENTRY_ADDRESS (~(uint64_t)PAGE_OFFSET_MASK)

#define TABLE_LEVELS  3
#define CACHE_ENTRIES 64

typedef struct cache_entry {
    uint64_t tag; /* 0: empty */
    uintptr_t address;
    uint64_t physical;
    page_access_t access;
} cache_entry_t;

typedef struct translation_cache {
    _Atomic uint32_t is_held;
    const user_page_table_t *active;
    cache_entry_t entries[CACHE_ENTRIES];
} ALIGNED(CACHE_LINE_BYTES) translation_cache_t;

static translation_cache_t caches[CPU_COUNT_MAX];
static _Atomic uint64_t tags_given;

static uint64_t table_entry(physical_address_t table)
{
    return table.value | ENTRY_PRESENT;
}

static uint64_t leaf_entry(physical_address_t page, unsigned level, page_access_t access)
{
    (void)level;
    return page.value | (uint64_t)access << ENTRY_ACCESS | ENTRY_LEAF | ENTRY_PRESENT;
}

static page_access_t leaf_access(uint64_t entry)
{
    return (page_access_t)(entry >> ENTRY_ACCESS & 15);
}

static interrupt_state_t cache_lock(translation_cache_t *cache)
{
    const interrupt_state_t interrupts = interrupts_save();

    while (atomic_exchange_explicit(&cache->is_held, 1, memory_order_acquire) != 0) {
        cpu_relax();
    }
    return interrupts;
}

static void cache_unlock(translation_cache_t *cache, interrupt_state_t interrupts)
{
    atomic_store_explicit(&cache->is_held, 0, memory_order_release);
    interrupts_restore(interrupts);
}

/* Has the caches of `cpus` forget the table's translations of [address, address + size). */
static void forget(uint64_t cpus, uint64_t tag, uintptr_t address, uint64_t size)
{
    for (uint32_t index = 0; index < CPU_COUNT_MAX; index++) {
        if ((cpus >> index & 1) == 0) {
            continue;
        }
        translation_cache_t *const cache = &caches[index];
        const interrupt_state_t interrupts = cache_lock(cache);
        for (unsigned at = 0; at < CACHE_ENTRIES; at++) {
            if (cache->entries[at].tag == tag && cache->entries[at].address - address < size) {
                cache->entries[at].tag = 0;
            }
        }
        cache_unlock(cache, interrupts);
    }
}

static void entry_broken(const radix_table_t *table, uintptr_t address, uint64_t size)
{
    forget(UINT64_MAX, table->tag, address, size);
}

static const radix_format_t format = {
    .levels = TABLE_LEVELS,
    .leaf_level_max = 1,
    .table_entry = table_entry,
    .leaf_entry = leaf_entry,
    .address_mask = ENTRY_ADDRESS,
    .present_mask = ENTRY_PRESENT,
    .leaf_mask = ENTRY_LEAF,
    .leaf_access = leaf_access,
    .entry_broken = entry_broken,
};

const radix_format_t *user_table_format(void)
{
    return &format;
}

void user_table_adopt(user_page_table_t *table)
{
    table->tag = atomic_fetch_add_explicit(&tags_given, 1, memory_order_relaxed) + 1;
}

void user_table_write_code(user_page_table_t *table, physical_address_t physical, uint64_t size)
{
    (void)table; /* nothing is executed */
    (void)physical;
    (void)size;
}

void user_table_publish(void)
{
}

void user_table_retire(user_page_table_t *table)
{
    for (uint32_t index = 0; index < CPU_COUNT_MAX; index++) {
        const interrupt_state_t interrupts = cache_lock(&caches[index]);
        const bool is_active = caches[index].active == table;
        cache_unlock(&caches[index], interrupts);
        CHECK(!is_active, "page table destroyed while it is active");
    }
    /* Tags are not given twice: what caches remember is never asked for again. */
}

void user_page_table_flush(user_page_table_t *table, uintptr_t address, uint64_t size)
{
    /* After the changes: a CPU that is not among the active ones by now will see them. */
    atomic_thread_fence(memory_order_seq_cst);
    forget(atomic_load_explicit(&table->active_cpus, memory_order_relaxed), table->tag, address, size);
}

void user_page_table_activate(user_page_table_t *table)
{
    translation_cache_t *const cache = &caches[cpu_current()->index];

    if (table != NULL) {
        /* For good: the cache forgets nothing by itself. */
        atomic_fetch_or_explicit(&table->active_cpus, UINT64_C(1) << cpu_current()->index, memory_order_seq_cst);
    }
    const interrupt_state_t interrupts = cache_lock(cache);
    cache->active = table;
    cache_unlock(cache, interrupts);
}

/* Reads the tables as a CPU does: while others write them. */
static bool walk(const user_page_table_t *table, uintptr_t address, cache_entry_t *found)
{
    const uint64_t *node = table->root;

    for (unsigned level = TABLE_LEVELS; level-- > 0;) {
        const uint64_t index = (address >> (PAGE_SHIFT + RADIX_INDEX_BITS * level)) % RADIX_ENTRIES;
        const uint64_t entry = __atomic_load_n(&node[index], __ATOMIC_ACQUIRE);
        if (!radix_is_present(&format, entry)) {
            return false;
        }
        if (radix_is_leaf(&format, entry, level)) {
            *found = (cache_entry_t){
                .tag = table->tag,
                .address = align_down(address, PAGE_SIZE),
                .physical = align_down(radix_leaf_address(&format, entry, level).value + address % radix_span(level),
                                       PAGE_SIZE),
                .access = leaf_access(entry),
            };
            return true;
        }
        node = physical_to_pointer(radix_table_address(&format, entry));
    }
    return false;
}

/* The translation of `address` in the active table, from the cache or else into it; NULL when there is none. */
static const cache_entry_t *translate(translation_cache_t *cache, uintptr_t address)
{
    cache_entry_t *const entry = &cache->entries[(address >> PAGE_SHIFT) % CACHE_ENTRIES];

    if (cache->active == NULL || address >= USER_SPACE_END) {
        return NULL;
    }
    if (entry->tag == cache->active->tag && entry->address == align_down(address, PAGE_SIZE)) {
        return entry;
    }
    return walk(cache->active, address, entry) ? entry : NULL;
}

/* Byte by byte, and each as other CPUs see it: user code may race with itself. */
static void copy_bytes(unsigned char *memory, size_t size, bool is_write, uint64_t *value)
{
    uint64_t loaded = 0;

    for (size_t at = 0; at < size; at++) {
        if (is_write) {
            __atomic_store_n(&memory[at], (unsigned char)(*value >> 8 * at), __ATOMIC_RELAXED);
        } else {
            loaded |= (uint64_t)__atomic_load_n(&memory[at], __ATOMIC_RELAXED) << 8 * at;
        }
    }
    if (!is_write) {
        *value = loaded;
    }
}

bool host_user_access(uintptr_t address, page_access_t access, size_t size, uint64_t *value)
{
    translation_cache_t *const cache = &caches[cpu_current()->index];

    CHECK(size >= 1 && size <= sizeof(*value) && size <= PAGE_SIZE - (address & PAGE_OFFSET_MASK),
          "user access across pages");
    const interrupt_state_t interrupts = cache_lock(cache);
    const cache_entry_t *const entry = translate(cache, address);
    const bool is_allowed = entry != NULL && (entry->access & PAGE_ACCESS_USER) != 0 && (access & ~entry->access) == 0;
    if (is_allowed) {
        unsigned char *const page = physical_to_pointer(physical_address(entry->physical));
        copy_bytes(page + (address & PAGE_OFFSET_MASK), size, (access & PAGE_ACCESS_WRITE) != 0, value);
    }
    cache_unlock(cache, interrupts);
    return is_allowed;
}
