/*
 * Page words for the slab core: making them writable where a run was handed out, and telling what a fault among them
 * means.
 *
 * The machine asks for pages while it builds tables, under our lock, and the page tree's lock comes before ours. So it
 * gets them from a small stock, which is filled one page at a time between attempts: tables that an attempt has linked
 * stay, and each attempt with one more page gets one level further.
 */
#include "arch/machine.h"
#include "base/relaxed.h"
#include "base/spinlock.h"
#include "mm/inject.h"
#include "mm/pages/pages_global.h"

#define STOCK_MAX 8u

static spinlock_t words_lock = SPINLOCK_INITIALIZER(LOCK_RANK_PAGE_WORDS);
static void *stock[STOCK_MAX]; /* pages that are RESERVED already */
static unsigned stock_count;

/* Under words_lock. */
static void *take_from_stock(void *context)
{
    (void)context;
    return stock_count == 0 ? NULL : stock[--stock_count];
}

/* ---- what is known to be backed ---- */

#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(uint64_t))

/*
 * Pages of words that have been seen to be backed, each in the one place where it may be, so that not every claim walks
 * the machine's tables. What is backed stays so. There are places for the words of 4 GiB in a row, since CPUs whose
 * pages lie so far apart take them from each other. Of an address half a word is kept: the window of page words is
 * shorter than 16 TiB, so that no two are alike. Only in the first place could 0 stand for a page.
 */
#define KNOWN_COUNT 2048u
static uint32_t known[KNOWN_COUNT] = {1};

static ALWAYS_INLINE uint32_t known_name(const uint64_t *word)
{
    return (uint32_t)((uintptr_t)word >> PAGE_SHIFT);
}

static ALWAYS_INLINE uint32_t *known_place(const uint64_t *word)
{
    return &known[known_name(word) % KNOWN_COUNT];
}

static ALWAYS_INLINE bool is_known(const uint64_t *word)
{
    /* Acquired with it: the tables' entry, by whoever wrote that. */
    return __atomic_load_n(known_place(word), __ATOMIC_ACQUIRE) == known_name(word);
}

static void know(const uint64_t *word)
{
    __atomic_store_n(known_place(word), known_name(word), __ATOMIC_RELEASE);
}

/* Which word of its page of words it is. */
static ALWAYS_INLINE size_t word_index(const uint64_t *word)
{
    return ((uintptr_t)word % PAGE_SIZE) / sizeof(uint64_t);
}

/* ---- backing ---- */

/* Adds a page of the tree to the stock. False when memory is out. */
static bool fill_stock(void)
{
    page_number_t page;
    if (UNLIKELY(inject_is_armed()) && inject_refuses(INJECT_PAGES, NULL, (uintptr_t)__builtin_return_address(0))) {
        return false;
    }
    if (!page_tree_alloc_metadata(&pages_tree, &page)) {
        return false;
    }
    for (;;) {
        const spinlock_hold_t hold = spinlock_lock(&words_lock);
        const bool has_room = stock_count < STOCK_MAX;
        if (has_room) {
            stock[stock_count++] = physical_to_pointer(physical_of_page(page));
        }
        spinlock_unlock(&words_lock, hold);
        if (has_room) {
            return true;
        }
        cpu_relax(); /* as many CPUs as the stock has places are about to use it up */
    }
}

/* Backs the page of words that holds `word`. */
static status_t back(const uint64_t *word)
{
    for (;;) {
        status_t status = STATUS_OK;
        const spinlock_hold_t hold = spinlock_lock(&words_lock);
        if (!machine_page_words_are_backed(word)) {
            status = machine_back_page_words(word, take_from_stock, NULL);
        }
        spinlock_unlock(&words_lock, hold);
        if (status != STATUS_NO_MEMORY || !fill_stock()) {
            return status;
        }
    }
}

static NOINLINE status_t claim_slowly(const void *address, size_t count, uint64_t value)
{
    const char *const first_page = address;
    for (size_t i = 0; i < count;) {
        const uint64_t *const word = page_word(first_page + i * PAGE_SIZE);
        if (word == NULL) {
            return STATUS_OUT_OF_RANGE;
        }
        if (!machine_page_words_are_backed(word)) {
            const status_t status = back(word);
            if (status != STATUS_OK) {
                return status;
            }
        }
        know(word);
        i += WORDS_PER_PAGE - word_index(word); /* the other words of this page of words are backed now, too */
    }
    for (size_t i = 0; i < count; i++) {
        __atomic_store_n(page_word(first_page + i * PAGE_SIZE), value, __ATOMIC_RELAXED);
    }
    return STATUS_OK;
}

status_t page_words_claim(const void *address, size_t count, uint64_t value)
{
    uint64_t *word = page_word(address);
    if (UNLIKELY(word == NULL) || UNLIKELY(!is_known(word)) ||
        UNLIKELY(count - 1 >= WORDS_PER_PAGE - word_index(word))) {
        return claim_slowly(address, count, value);
    }
    /* The words of neighbours are neighbours within a page of words. Most runs are too short for several a turn. */
    const uint64_t *const end = word + count;
#pragma clang loop unroll(disable) vectorize(disable)
    do {
        RELAXED_STORE(word, value);
        word++;
        __asm__("" : "+r"(word)); /* or the compiler counts the turns, too */
    } while (word != end);
    return STATUS_OK;
}

bool page_words_fault_address(uintptr_t fault_address, const void **page)
{
    if (!machine_page_words_contain(fault_address)) {
        return false;
    }
    *page = machine_page_of_word(fault_address);
    return true;
}
