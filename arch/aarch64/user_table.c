/*
 * What user page tables need of this machine (arch/shared/user_page_table.h): entries, TTBR0_EL1, translation caches,
 * code that was written as data.
 *
 * User addresses have 38 bits, so a walk begins at a root of 1 GiB entries. A leaf is the user's only: PXN, and not
 * global, so that translation caches keep it under the table's number, the ASID (Arm ARM, D8.13.3):
 *
 *   0          no table: the empty root, under which nothing is ever remembered
 *   1          tables that found no number free; whoever changes to one of these forgets the one before
 *   2 to 255   one table each
 *
 * So a change of tables is one store to TTBR0_EL1. One instruction tells all CPUs to forget (TLBI ...IS), and DSB waits
 * until they have; nobody is interrupted.
 */
#include "arch/shared/user_page_table.h"

#include <stdatomic.h>

#include "address_map.h"
#include "arch/kernel_window.h"
#include "base/bits.h"
#include "base/check.h"
#include "page_entry.h"
#include "page_table.h"
#include "processor.h"
#include "registers.h"

#define LEVELS 3 /* user addresses end where the root's first 256 entries do */

_Static_assert(USER_SPACE_END == UINT64_C(1) << USER_ADDRESS_BITS, "TCR_EL1 says where user space ends");

/* Kept in a bit of its own: without the user's right of access, execute-never clear would mean execute-only. */
#define ENTRY_EXECUTE ENTRY_SOFTWARE

#define ASID_SHIFT  48
#define ASID_SHARED 1
#define ASID_COUNT  256 /* every CPU has so many */

/* For more pages than these everything is forgotten at once. */
#define FLUSH_PAGES_MAX 64

/* CTR_EL0: log2 of the line in words; whether code needs no write-back, or no forgetting, to be fetched. */
#define CACHE_LINE_SHIFT 16
#define CACHE_CLEAN_IDC  (UINT64_C(1) << 28)
#define CACHE_FRESH_DIC  (UINT64_C(1) << 29)

/* A set bit is a number in use; 0 and 1 always are. */
static _Atomic uint64_t asids[ASID_COUNT / 64] = {3};

static uint64_t leaf_entry(physical_address_t page, unsigned level, page_access_t access)
{
    const bool is_user = (access & PAGE_ACCESS_USER) != 0;
    const bool is_code = (access & PAGE_ACCESS_EXECUTE) != 0;
    uint64_t entry = page.value | ENTRY_VALID | ENTRY_ACCESSED | ENTRY_SHARED_INNER | ENTRY_NOT_GLOBAL;

    entry |= MEMORY_NORMAL << ENTRY_INDEX_SHIFT | ENTRY_NO_EXECUTE;
    entry |= level == 0 ? ENTRY_TABLE : 0;
    entry |= (access & PAGE_ACCESS_WRITE) != 0 ? 0 : ENTRY_READ_ONLY;
    entry |= is_user ? ENTRY_USER : 0;
    entry |= is_code ? ENTRY_EXECUTE : 0;
    entry |= is_code && is_user ? 0 : ENTRY_NO_USER_CODE;
    return entry;
}

static page_access_t leaf_access(uint64_t entry)
{
    page_access_t access = PAGE_ACCESS_READ;

    access |= (entry & ENTRY_READ_ONLY) == 0 ? PAGE_ACCESS_WRITE : 0;
    access |= (entry & ENTRY_USER) != 0 ? PAGE_ACCESS_USER : 0;
    access |= (entry & ENTRY_EXECUTE) != 0 ? PAGE_ACCESS_EXECUTE : 0;
    return access;
}

/* Makes every CPU forget [address, address + size) of the table with this number. */
static void forget(uint64_t asid, uintptr_t address, uint64_t size)
{
    __asm__ volatile("dsb ishst" ::: "memory"); /* the tables as they are now, to all walkers */
    if (size > FLUSH_PAGES_MAX * PAGE_SIZE) {
        __asm__ volatile("tlbi aside1is, %0" ::"r"(asid << ASID_SHIFT) : "memory");
    } else {
        for (uintptr_t at = address; at < address + size; at += PAGE_SIZE) {
            __asm__ volatile("tlbi vae1is, %0" ::"r"(asid << ASID_SHIFT | at >> PAGE_SHIFT) : "memory");
        }
    }
    __asm__ volatile("dsb ish\n\tisb" ::: "memory");
}

static void entry_broken(const radix_table_t *table, uintptr_t address, uint64_t size)
{
    (void)size;
    forget(table->tag, address, PAGE_SIZE); /* any address of a leaf stands for all of it */
}

static const radix_format_t format = {
    .levels = LEVELS,
    .leaf_level_max = 1,
    ENTRY_BITS,
    .table_entry = entry_of_table,
    .leaf_entry = leaf_entry,
    .leaf_access = leaf_access,
    .entry_broken = entry_broken,
};

const radix_format_t *user_table_format(void)
{
    return &format;
}

/* A number that no other table has, or the shared one. */
static uint64_t asid_take(void)
{
    for (size_t index = 0; index < ARRAY_COUNT(asids); index++) {
        uint64_t used = atomic_load_explicit(&asids[index], memory_order_relaxed);
        while (used != UINT64_MAX) {
            const uint64_t bit = UINT64_C(1) << find_first_set(~used);
            if (atomic_compare_exchange_weak_explicit(&asids[index], &used, used | bit, memory_order_acquire,
                                                      memory_order_relaxed)) {
                return index * 64 + find_first_set(bit);
            }
        }
    }
    return ASID_SHARED;
}

void user_table_adopt(user_page_table_t *table)
{
    table->tag = asid_take();
    user_table_publish(); /* the root's zeros, before any walker comes by */
}

void user_table_publish(void)
{
    __asm__ volatile("dsb ishst" ::: "memory");
}

void user_table_write_code(user_page_table_t *table, physical_address_t physical, uint64_t size)
{
    const uint64_t type = SYSTEM_REGISTER_READ(ctr_el0);
    const uintptr_t line = (uintptr_t)4 << register_field(type, CACHE_LINE_SHIFT);
    const uintptr_t start = (uintptr_t)physical_to_pointer(physical);

    (void)table;
    if (!page_table_covers(physical, size)) {
        return; /* nobody wrote what can't be reached */
    }
    if ((type & CACHE_CLEAN_IDC) == 0) {
        for (uintptr_t at = start; at < start + size; at += line) {
            __asm__ volatile("dc cvau, %0" ::"r"(at) : "memory");
        }
    }
    __asm__ volatile("dsb ish" ::: "memory");
    if ((type & CACHE_FRESH_DIC) == 0) {
        /* All of it: by address, what a cache keeps under the user's own would stay (Arm ARM, D7.5.9). */
        __asm__ volatile("ic ialluis\n\tdsb ish" ::: "memory");
    }
    instruction_barrier();
}

void user_table_retire(user_page_table_t *table)
{
    CHECK(atomic_load_explicit(&table->active_cpus, memory_order_acquire) == 0, "page table in use");
    forget(table->tag, USER_SPACE_START, USER_SPACE_END - USER_SPACE_START);
    if (table->tag != ASID_SHARED) {
        atomic_fetch_and_explicit(&asids[table->tag / 64], ~(UINT64_C(1) << table->tag % 64), memory_order_release);
    }
}

void user_page_table_flush(user_page_table_t *table, uintptr_t address, uint64_t size)
{
    forget(table->tag, address, size);
}

void user_page_table_activate(user_page_table_t *table)
{
    processor_t *const processor = processor_current();
    user_page_table_t *const before = processor->user_table;
    const uint64_t self = UINT64_C(1) << processor->cpu.index;

    if (table == before) {
        return;
    }
    uint64_t root = page_table_empty_root().value;
    if (table != NULL) {
        atomic_fetch_or_explicit(&table->active_cpus, self, memory_order_relaxed);
        root = pointer_to_physical(table->root).value | table->tag << ASID_SHIFT;
    }
    SYSTEM_REGISTER_WRITE(ttbr0_el1, root);
    instruction_barrier();
    if (table != NULL && table->tag == ASID_SHARED) {
        __asm__ volatile("tlbi aside1, %0\n\tdsb nsh\n\tisb" ::"r"(table->tag << ASID_SHIFT) : "memory");
    }
    processor->user_table = table;
    if (before != NULL) {
        atomic_fetch_and_explicit(&before->active_cpus, ~self, memory_order_release);
    }
}

kernel_window_t kernel_window(void)
{
    return (kernel_window_t){ADDRESS_WINDOW, ADDRESS_WINDOW_SIZE};
}

void kernel_window_flush(uintptr_t address, uint64_t size)
{
    __asm__ volatile("dsb ishst" ::: "memory");
    if (size > FLUSH_PAGES_MAX * PAGE_SIZE) {
        __asm__ volatile("tlbi vmalle1is" ::: "memory");
    } else {
        for (uintptr_t at = address; at < address + size; at += PAGE_SIZE) {
            __asm__ volatile("tlbi vaae1is, %0" ::"r"((at >> PAGE_SHIFT) & UINT64_C(0xfffffffffff)) : "memory");
        }
    }
    __asm__ volatile("dsb ish\n\tisb" ::: "memory");
}
