/*
 * Pages of a process: the page tree of mm/pages over addresses instead of memory.
 *
 * 1 TiB of addresses is reserved without rights, or as much of it as the process may have. The tree takes the lowest
 * pages first, so that a line moves up through the range below which all is committed. Its nodes are elsewhere, in
 * mappings of their own. To the tree an address is its distance from the arena's start.
 *
 * What is free goes back to the system by blocks of 64 pages, in passes over the free blocks: one pass when so much has
 * been freed since the last. It gives back the blocks that were free in the pass before, too, and have not been used
 * in between; or all of them, when more is free than in use. So a program that frees and allocates in turn keeps its
 * memory, and one that has shrunk does not.
 *
 * Two bits a block: `written` says that it may hold something (so that calloc need not clear what is fresh), `rested`
 * that the last pass found it free. Both change for a free block under the tree's lock, and otherwise by whoever was
 * just given it.
 */
#include "testing/preload/pages.h"

#include <sys/mman.h>

#include "arch/page_backend.h"
#include "base/check.h"
#include "mm/page_fast.h"
#include "mm/pages/page_misuse.h"
#include "mm/pages/page_tree_internal.h"
#include "testing/preload/context.h"
#include "testing/preload/large_room.h"

#define ARENA_BYTES_MAX TIB(1)
#define ARENA_BYTES_MIN MIB(64)
#define COMMIT_STEP     MIB(64) /* also the arena's alignment, and so the greatest of a block */

/* Memory below this is in pages of the usual size. */
#define HUGE_FROM_BYTES MIB(16)

#define BLOCK_BYTES     (PAGES_PER_BLOCK * PAGE_SIZE)
#define BLOCK_COUNT_MAX (ARENA_BYTES_MAX / BLOCK_BYTES)

_Static_assert(ARENA_BYTES_MAX / PAGE_SIZE < UINT64_C(1) << (64 - LARGE_ROOM_BEGIN_SHIFT), "rooms have words");

/* Bytes of page words for so many bytes of pages. */
#define WORD_BYTES(bytes) ((bytes) / PAGE_SIZE * sizeof(uint64_t))

#define NODE_CHUNK_BYTES KIB(256)

/* How many pages are freed between two passes, and how many a context frees before it says so. */
#define PASS_PAGES        (MIB(64) / PAGE_SIZE)
#define REPORT_PAGES      (MIB(1) / PAGE_SIZE)
#define PASS_CALLS        32u  /* to the system, before others get the lock */
#define PASS_RUN_MAX      256u /* blocks in one call */
#define PASS_SMALL_BLOCKS (MIB(64) / BLOCK_BYTES)

char *preload_arena;
uint64_t preload_arena_bytes;

static uint64_t committed_bytes; /* only grows */
static memory_map_t map;
static page_tree_t tree;
static spinlock_t commit_lock = SPINLOCK_INITIALIZER(LOCK_RANK_PAGE_WORDS);
static _Atomic uint64_t written[BLOCK_COUNT_MAX / BITS_PER_WORD];
static _Atomic uint64_t rested[BLOCK_COUNT_MAX / BITS_PER_WORD];
static _Atomic uint64_t pages_freed; /* since the last pass */

static page_context_t *own_context(void)
{
    return &allocation_context_current()->pages;
}

static void *pointer_of(uint64_t page)
{
    return preload_arena + (page << PAGE_SHIFT);
}

/* ---- the range ---- */

/* Under the tree's lock. */
static void *take_node_page(void *argument)
{
    static char *next;
    static uint64_t left;
    (void)argument;
    if (left == 0) {
        void *const chunk = mmap(NULL, NODE_CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (chunk == MAP_FAILED) {
            return NULL;
        }
        next = chunk;
        left = NODE_CHUNK_BYTES;
    }
    left -= PAGE_SIZE;
    next += PAGE_SIZE;
    return next - PAGE_SIZE;
}

/*
 * Asks for huge pages for [from, to), but for what a small program has: there a huge page would hold more than all
 * of its memory. Programs with more spend their time on looking up small ones. The system need not follow.
 */
static void ask_for_huge_pages(uint64_t from, uint64_t to)
{
    const uint64_t small_end = align_up(WORD_BYTES(preload_arena_bytes), COMMIT_STEP) + HUGE_FROM_BYTES;
    if (to > small_end) {
        const uint64_t start = from > small_end ? from : small_end;
        (void)madvise(preload_arena + start, to - start, MADV_HUGEPAGE);
    }
}

/* Makes all below `end` usable. False when the system refuses. */
static bool commit(uint64_t end)
{
    bool is_done = true;
    if (LIKELY(end <= RELAXED_LOAD(&committed_bytes))) {
        return true;
    }
    const spinlock_hold_t hold = spinlock_lock(&commit_lock);
    const uint64_t from = committed_bytes;
    if (end > from) {
        const uint64_t to = align_up(end, COMMIT_STEP);
        is_done = mprotect(preload_arena + WORD_BYTES(from), WORD_BYTES(to - from), PROT_READ | PROT_WRITE) == 0 &&
                  mprotect(preload_arena + from, to - from, PROT_READ | PROT_WRITE) == 0;
        if (is_done) {
            ask_for_huge_pages(from, to);
            RELAXED_STORE(&committed_bytes, to);
        }
    }
    spinlock_unlock(&commit_lock, hold);
    return is_done;
}

/* Reserves `bytes` at a multiple of COMMIT_STEP; NULL when there is no such range. */
static char *reserve(uint64_t bytes)
{
    char *const base = mmap(NULL, bytes + COMMIT_STEP, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        return NULL;
    }
    const uint64_t before = align_up((uintptr_t)base, COMMIT_STEP) - (uintptr_t)base;
    if (before != 0) {
        munmap(base, before);
    }
    munmap(base + before + bytes, COMMIT_STEP - before);
    return base + before;
}

status_t preload_pages_start(void)
{
    uint64_t bytes = ARENA_BYTES_MAX;
    char *arena = reserve(bytes);
    while (arena == NULL && bytes > ARENA_BYTES_MIN) {
        bytes /= 2;
        arena = reserve(bytes);
    }
    if (arena == NULL) {
        return STATUS_NO_MEMORY;
    }

    /* The words are pages of the range, too, and have words; but the tree has none of them. */
    const uint64_t first = align_up(WORD_BYTES(bytes), COMMIT_STEP);
    if (mprotect(arena, WORD_BYTES(bytes), PROT_READ) != 0) {
        return STATUS_NO_MEMORY;
    }
    committed_bytes = first;
    preload_arena = arena;
    preload_arena_bytes = bytes;
    memory_map_init(&map);
    status_t status = memory_map_add(&map, physical_address(first), bytes - first, MEMORY_REGION_AVAILABLE);
    if (status == STATUS_OK) {
        status = memory_map_finish(&map, physical_address(bytes));
    }
    return status != STATUS_OK
               ? status
               : page_tree_init(&tree, &(page_tree_config_t){.map = &map, .metadata_source = take_node_page});
}

/* ---- allocation ---- */

/* Notes that a run was handed out. Returns whether nothing was ever written there. */
static bool note_written(uint64_t page, uint64_t count)
{
    const uint64_t last = (page + count - 1) / PAGES_PER_BLOCK;
    bool is_fresh = true;
    for (uint64_t block = page / PAGES_PER_BLOCK; block <= last;) {
        const uint64_t word = block / BITS_PER_WORD;
        const unsigned from = block % BITS_PER_WORD;
        const uint64_t left = last - block + 1;
        const unsigned many = left < BITS_PER_WORD - from ? (unsigned)left : BITS_PER_WORD - from;
        const uint64_t bits = bits_range(from, many);
        if ((atomic_load_explicit(&written[word], memory_order_relaxed) & bits) != bits) {
            is_fresh &= (atomic_fetch_or_explicit(&written[word], bits, memory_order_relaxed) & bits) == 0;
        } else {
            is_fresh = false;
        }
        if ((atomic_load_explicit(&rested[word], memory_order_relaxed) & bits) != 0) {
            atomic_fetch_and_explicit(&rested[word], ~bits, memory_order_relaxed);
        }
        block += many;
    }
    return is_fresh;
}

void *preload_pages_alloc(size_t count, size_t alignment, bool *is_zeroed)
{
    const pages_request_t request = {.count = count, .alignment = alignment};
    page_number_t first;
    preload_context_sweep();
    if (alignment > COMMIT_STEP / PAGE_SIZE || !page_tree_alloc(&tree, own_context(), &request, &first)) {
        return NULL;
    }
    if (!commit((first.value + count) << PAGE_SHIFT)) {
        page_tree_free(&tree, own_context(), first, count);
        return NULL;
    }
    *is_zeroed = note_written(first.value, count);
    return pointer_of(first.value);
}

/* Out of the context's own block, if it has room there, without a lock. */
void *(pages_alloc)(size_t count)
{
    bool is_zeroed;
    if (LIKELY(is_power_of_two(count) && count <= PAGES_PER_BLOCK)) {
        page_context_t *const context = own_context();
        uint64_t index;
        if (LIKELY(page_block_take(context->block, count, &index))) {
            page_context_count_allocated(context, count);
            return pointer_of(context->first_page.value + index);
        }
    }
    return preload_pages_alloc(count, 0, &is_zeroed);
}

/* Where a run was handed out, its words are committed. */
status_t page_words_claim(const void *address, size_t count, uint64_t value)
{
    uint64_t *const words = page_word(address);
    for (size_t i = 0; i < count; i++) {
        RELAXED_STORE(&words[i], value);
    }
    return STATUS_OK;
}

/* ---- free, and giving back ---- */

/* Locked. Whether this pass gives a free block back. */
static bool is_due(uint64_t block, bool everything)
{
    const uint64_t bit = UINT64_C(1) << (block % BITS_PER_WORD);
    if ((atomic_load_explicit(&written[block / BITS_PER_WORD], memory_order_relaxed) & bit) == 0) {
        return false;
    }
    return (atomic_fetch_or_explicit(&rested[block / BITS_PER_WORD], bit, memory_order_relaxed) & bit) != 0 ||
           everything;
}

static bool is_vacant(uint64_t block)
{
    return page_words_next(&tree, PAGE_PLANE_VACANT, block, block + 1) == block;
}

/* Locked. Gives free blocks [from, to) to the system. */
static size_t give_back(uint64_t from, uint64_t to)
{
    if (madvise(pointer_of(from * PAGES_PER_BLOCK), (to - from) * BLOCK_BYTES, MADV_DONTNEED) != 0) {
        return 0; /* they stay written, and are tried again */
    }
    for (uint64_t block = from; block < to; block++) {
        atomic_fetch_and_explicit(&written[block / BITS_PER_WORD], ~(UINT64_C(1) << (block % BITS_PER_WORD)),
                                  memory_order_relaxed);
    }
    return (to - from) * BLOCK_BYTES;
}

static size_t pass(bool everything)
{
    const uint64_t end = RELAXED_LOAD(&committed_bytes) / BLOCK_BYTES;
    size_t bytes = 0;
    for (uint64_t block = 0; block < end;) {
        const spinlock_hold_t hold = spinlock_lock(&tree.lock);
        (void)page_chunks_recall(&tree); /* what is free in them is seen here, too */
        for (unsigned calls = 0; calls < PASS_CALLS && block < end; calls++) {
            block = page_words_next(&tree, PAGE_PLANE_VACANT, block, end);
            uint64_t to = block;
            while (to < end && to - block < PASS_RUN_MAX && is_vacant(to) && is_due(to, everything)) {
                to++;
            }
            bytes += to > block ? give_back(block, to) : 0;
            block = to > block ? to : block + 1;
        }
        spinlock_unlock(&tree.lock, hold);
    }
    return bytes;
}

/* Whether more blocks are free, of those that were written, than are in use. */
static bool is_mostly_free(void)
{
    uint64_t held = 0;
    for (uint64_t word = 0; word < RELAXED_LOAD(&committed_bytes) / BLOCK_BYTES / BITS_PER_WORD; word++) {
        held += count_set(atomic_load_explicit(&written[word], memory_order_relaxed));
    }
    const spinlock_hold_t hold = spinlock_lock(&tree.lock);
    const uint64_t used = page_tree_pages_allocated(&tree) / PAGES_PER_BLOCK;
    spinlock_unlock(&tree.lock, hold);
    return held > 2 * used + PASS_SMALL_BLOCKS;
}

static void note_freed(size_t count)
{
    preload_context_t *const context = preload_context_current();
    context->pages_freed += count;
    if (LIKELY(context->pages_freed < REPORT_PAGES)) {
        return;
    }
    const uint64_t freed = atomic_fetch_add(&pages_freed, context->pages_freed) + context->pages_freed;
    context->pages_freed = 0;
    if (freed >= PASS_PAGES) {
        atomic_store(&pages_freed, 0);
        (void)pass(is_mostly_free());
    }
}

void(pages_free)(void *address, size_t count)
{
    const uint64_t offset = (uint64_t)((char *)address - preload_arena);
    page_context_t *const context = own_context();
    if (count == 1 && page_block_give(context->block, page_fast_index(context->address, offset, PAGE_SHIFT), 1)) {
        page_context_count_freed(context, 1);
        return;
    }
    page_tree_free(&tree, context, page_number(offset >> PAGE_SHIFT), count);
    note_freed(count);
}

size_t preload_pages_trim(void)
{
    return pass(true);
}

void preload_pages_drain(preload_context_t *context)
{
    page_tree_drain(&tree, &context->allocation.pages);
}
