/*
 * The kernel's own mappings: who has which part of the window.
 *
 *   | guard | page | page | ... | page | guard |      one mapping: first fit, guards included
 *
 * Addresses are in a safe list; what is mapped where is the machine's page tables', which is asked for the pages of a
 * stack. Tables are made when an address is first used and stay for good, so their pages are taken from the page
 * allocator for good.
 *
 * Invariants
 *   K1  the mappings are a safe list of pages within the window
 *   K2  the first and the last page of each is not mapped, all others are
 *   K3  the byte count is the sum of the mappings
 */
#include "mm/kernel_mapping.h"

#include "arch/kernel_window.h"
#include "base/check.h"
#include "kernel_mapping_internal.h"
#include "mm/pages.h"

kmem_cache_t *kernel_mapping_cache;

static safe_list_t mappings = {.lock = SPINLOCK_INITIALIZER(LOCK_RANK_KERNEL_WINDOW)};
static uint64_t bytes_taken;

static kernel_mapping_t *mapping_of_node(safe_list_node_t *node)
{
    return node == NULL ? NULL : CONTAINER_OF(node, kernel_mapping_t, node);
}

static void *table_page(void *context)
{
    (void)context;
    return pages_alloc_for_good();
}

/* ---- places ---- */

/* Locked. Takes a place for `count` pages and their guards. */
static bool take_place(kernel_mapping_t *mapping, size_t count)
{
    const kernel_window_t window = kernel_window();
    const uint64_t size = (count + 2) * PAGE_SIZE;
    uint64_t start;
    const bool is_found = safe_list_first_fit(&mappings, window.start, window.start + window.size, size, &start) &&
                          safe_list_insert(&mappings, &mapping->node, start, start + size);
    if (is_found) {
        bytes_taken += size;
    }
    return is_found;
}

/* Locked. Gives it back: nothing is mapped there. */
static void give_place(kernel_mapping_t *mapping)
{
    bytes_taken -= mapping->node.end - mapping->node.start;
    safe_list_remove(&mappings, &mapping->node);
}

static uintptr_t first_page(const kernel_mapping_t *mapping)
{
    return mapping->node.start + PAGE_SIZE;
}

/* Locked. Maps pages in a row; on failure, none. */
static status_t map_pages(const kernel_mapping_t *mapping, void *const *pages, size_t count, page_access_t access)
{
    for (size_t i = 0; i < count; i++) {
        const status_t status = kernel_window_map(first_page(mapping) + i * PAGE_SIZE, pointer_to_physical(pages[i]),
                                                  access, table_page, NULL);
        if (status != STATUS_OK) {
            kernel_window_unmap(first_page(mapping), i * PAGE_SIZE);
            return status;
        }
    }
    return STATUS_OK;
}

/* ---- mappings ---- */

static bool are_pages(void *const *pages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (((uintptr_t)pages[i] & PAGE_OFFSET_MASK) != 0 || !direct_map_contains(pages[i])) {
            return false;
        }
    }
    return true;
}

static status_t map(void *const *pages, size_t count, page_access_t access, bool is_stack, void **address)
{
    if (count == 0 || count > KERNEL_MAPPING_PAGES_MAX || !are_pages(pages, count) ||
        (access != PAGE_ACCESS_READ && access != PAGE_ACCESS_WRITE)) {
        return STATUS_INVALID;
    }
    kernel_mapping_t *const mapping = kernel_mapping_cache == NULL ? NULL : kmem_cache_alloc(kernel_mapping_cache);
    if (mapping == NULL) {
        return STATUS_NO_MEMORY;
    }
    mapping->is_stack = is_stack;
    status_t status = STATUS_OUT_OF_RANGE;
    const spinlock_hold_t hold = safe_list_lock(&mappings);
    if (take_place(mapping, count)) {
        status = map_pages(mapping, pages, count, access);
        if (status == STATUS_OK) {
            *address = (void *)first_page(mapping);
        } else {
            give_place(mapping);
        }
    }
    safe_list_unlock(&mappings, hold);
    if (status != STATUS_OK) {
        kmem_cache_free(kernel_mapping_cache, mapping);
    }
    return status;
}

/* What taking a mapping away leaves: the frames of a stack, in ascending order. */
typedef struct unmapped {
    void *frames[KERNEL_STACK_SIZE_MAX / PAGE_SIZE];
    size_t count;
} unmapped_t;

static void collect_frames(const kernel_mapping_t *mapping, unmapped_t *unmapped)
{
    physical_address_t page;
    for (uintptr_t at = first_page(mapping); at < mapping->node.end - PAGE_SIZE; at += PAGE_SIZE) {
        if (kernel_window_find(at, &page)) {
            unmapped->frames[unmapped->count++] = physical_to_pointer(page);
        }
    }
}

/* Takes the mapping away that starts at `address`, if there is one of that kind. */
static bool unmap(const void *address, bool is_stack, unmapped_t *unmapped)
{
    unmapped->count = 0;
    const spinlock_hold_t hold = safe_list_lock(&mappings);
    kernel_mapping_t *const mapping = mapping_of_node(safe_list_find(&mappings, (uintptr_t)address));
    const bool is_there = mapping != NULL && first_page(mapping) == (uintptr_t)address && mapping->is_stack == is_stack;
    if (is_there) {
        if (is_stack) {
            collect_frames(mapping, unmapped);
        }
        kernel_window_unmap(first_page(mapping), mapping->node.end - mapping->node.start - 2 * PAGE_SIZE);
        give_place(mapping);
    }
    safe_list_unlock(&mappings, hold);
    if (is_there) {
        kmem_cache_free(kernel_mapping_cache, mapping);
    }
    return is_there;
}

status_t kernel_mapping_map(void *const *pages, size_t count, page_access_t access, void **address)
{
    return map(pages, count, access, false, address);
}

void kernel_mapping_unmap(void *address)
{
    unmapped_t unmapped;
    const bool was_there = unmap(address, false, &unmapped);
    CHECK(was_there, "unmap of no kernel mapping");
}

/* ---- stacks ---- */

static void free_frames(unmapped_t *unmapped)
{
    while (unmapped->count > 0) {
        pages_free(unmapped->frames[--unmapped->count], 1);
    }
}

status_t kernel_stack_create(size_t size, void **stack)
{
    unmapped_t frames = {.count = 0};
    const size_t count = size / PAGE_SIZE;
    if (size % PAGE_SIZE != 0 || count == 0 || size > KERNEL_STACK_SIZE_MAX) {
        return STATUS_INVALID;
    }
    status_t status = STATUS_OK;
    while (status == STATUS_OK && frames.count < count) {
        void *const frame = pages_alloc(1);
        if (frame == NULL) {
            status = STATUS_NO_MEMORY;
        } else {
            frames.frames[frames.count++] = frame;
        }
    }
    if (status == STATUS_OK) {
        status = map(frames.frames, count, PAGE_ACCESS_WRITE, true, stack);
    }
    if (status != STATUS_OK) {
        free_frames(&frames);
    }
    return status;
}

void kernel_stack_destroy(void *stack)
{
    unmapped_t unmapped;
    const bool was_there = unmap(stack, true, &unmapped);
    CHECK(was_there, "destroy of no kernel stack");
    free_frames(&unmapped);
}

/* ---- looking ---- */

kernel_mapping_place_t kernel_mapping_place(uintptr_t address)
{
    const kernel_window_t window = kernel_window();
    const uintptr_t page = align_down(address, PAGE_SIZE);
    physical_address_t found;
    if (address - window.start >= window.size) {
        return KERNEL_MAPPING_NOWHERE;
    }
    if (kernel_window_find(page, &found)) {
        return KERNEL_MAPPING_INSIDE;
    }
    /* Two mappings never share a guard, so at most one of its neighbours is mapped. */
    if (page + PAGE_SIZE - window.start < window.size && kernel_window_find(page + PAGE_SIZE, &found)) {
        return KERNEL_MAPPING_GUARD_BELOW;
    }
    return page != window.start && kernel_window_find(page - PAGE_SIZE, &found) ? KERNEL_MAPPING_GUARD_ABOVE
                                                                                : KERNEL_MAPPING_NOWHERE;
}

void kernel_mapping_totals(kernel_mapping_totals_t *totals)
{
    const kernel_window_t window = kernel_window();
    const spinlock_hold_t hold = safe_list_lock(&mappings);
    totals->mappings = mappings.count;
    totals->bytes = bytes_taken;
    safe_list_unlock(&mappings, hold);
    totals->bytes_max = window.size;
}

static const char *validate_mapping(const kernel_mapping_t *mapping)
{
    const kernel_window_t window = kernel_window();
    const uintptr_t start = mapping->node.start;
    const uintptr_t end = mapping->node.end;
    physical_address_t page;
    if (((start | end) & PAGE_OFFSET_MASK) != 0 || start < window.start || end > window.start + window.size) {
        return "K1";
    }
    for (uintptr_t at = start; at < end; at += PAGE_SIZE) {
        const bool is_guard = at == start || at == end - PAGE_SIZE;
        if (kernel_window_find(at, &page) == is_guard) {
            return "K2";
        }
    }
    return NULL;
}

const char *kernel_mapping_validate(void)
{
    uint64_t bytes = 0;
    const spinlock_hold_t hold = safe_list_lock(&mappings);
    const char *broken = safe_list_validate(&mappings) == NULL ? NULL : "K1";
    kernel_mapping_t *mapping = mapping_of_node(safe_list_find_from(&mappings, 0));
    while (broken == NULL && mapping != NULL) {
        broken = validate_mapping(mapping);
        bytes += mapping->node.end - mapping->node.start;
        mapping = mapping_of_node(safe_list_next(&mappings, &mapping->node));
    }
    if (broken == NULL && bytes != bytes_taken) {
        broken = "K3";
    }
    safe_list_unlock(&mappings, hold);
    return broken;
}
