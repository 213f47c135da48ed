/*
 * The naive page allocator: loops over single pages, and nothing clever.
 */
#include "testing/models/page_model.h"

#define BLOCK_PAGES 64u

/* What an input's type makes of a page that no stricter input covers. */
static page_state_t state_of_type(memory_region_type_t type)
{
    if (type == MEMORY_REGION_AVAILABLE) {
        return PAGE_STATE_FREE;
    }
    return type == MEMORY_REGION_BAD ? PAGE_STATE_INVALID : PAGE_STATE_RESERVED;
}

void page_model_init(page_model_t *model, const memory_map_t *map)
{
    for (uint64_t i = 0; i < model->count; i++) {
        const uint64_t address = (model->first + i) << PAGE_SHIFT;
        memory_region_type_t strictest = MEMORY_REGION_HOLE;
        for (size_t j = 0; j < map->input_count; j++) {
            const memory_region_t *const input = &map->input[j];
            if (address >= input->base.value && address - input->base.value < input->size_bytes &&
                input->type > strictest) {
                strictest = input->type;
            }
        }
        model->is_usable[i] = strictest == MEMORY_REGION_AVAILABLE;
        model->states[i] = strictest == MEMORY_REGION_HOLE ? PAGE_STATE_INVALID : (uint8_t)state_of_type(strictest);
    }
}

page_state_t page_model_state(const page_model_t *model, uint64_t page)
{
    return page - model->first < model->count ? (page_state_t)model->states[page - model->first] : PAGE_STATE_INVALID;
}

void page_model_set(page_model_t *model, uint64_t first, uint64_t count, page_state_t state)
{
    for (uint64_t page = first; page < first + count; page++) {
        model->states[page - model->first] = (uint8_t)state;
    }
}

bool page_model_all(const page_model_t *model, uint64_t first, uint64_t count, page_state_t state)
{
    for (uint64_t page = first; page < first + count; page++) {
        if (page_model_state(model, page) != state) {
            return false;
        }
    }
    return true;
}

uint64_t page_model_count(const page_model_t *model, page_state_t state)
{
    uint64_t pages = 0;
    for (uint64_t i = 0; i < model->count; i++) {
        pages += model->is_usable[i] && model->states[i] == (uint8_t)state;
    }
    return pages;
}

bool page_model_has_run(const page_model_t *model, const page_model_search_t *search,
                        bool (*is_out_of_reach)(void *argument, uint64_t block), void *argument)
{
    /* Long runs, and those aligned to more than a block, take whole free blocks from a block's start on. */
    const bool is_in_block = search->count <= BLOCK_PAGES && search->alignment <= BLOCK_PAGES;
    const uint64_t needed = is_in_block ? search->count : align_up(search->count, BLOCK_PAGES);
    for (uint64_t start = model->first; start < model->first + model->count; start++) {
        if (start % search->alignment != 0 || start + search->count > search->limit) {
            continue;
        }
        if (is_in_block ? start / BLOCK_PAGES != (start + needed - 1) / BLOCK_PAGES : start % BLOCK_PAGES != 0) {
            continue;
        }
        bool is_reachable = true;
        for (uint64_t page = start; is_reachable && page < start + needed; page++) {
            is_reachable =
                page_model_state(model, page) == PAGE_STATE_FREE && !is_out_of_reach(argument, page / BLOCK_PAGES);
        }
        if (is_reachable) {
            return true;
        }
    }
    return false;
}

const char *page_model_misuse(const page_model_t *model, const memory_map_t *map, uint64_t first, uint64_t count)
{
    const uint64_t end = memory_map_usable_end(map).value >> PAGE_SHIFT;
    if (first >= end) {
        return "free of a foreign page";
    }
    if (count == 0 || count > end - first) {
        return "page count out of range";
    }
    for (uint64_t page = first; page < first + count; page++) {
        switch (page_model_state(model, page)) {
        case PAGE_STATE_ALLOCATED:
            break;
        case PAGE_STATE_FREE:
            return "free of a free page";
        case PAGE_STATE_RESERVED:
            return "free of a reserved page";
        case PAGE_STATE_INVALID:
            return memory_map_find(map, physical_of_page(page_number(page))) == NULL ? "free of a foreign page"
                                                                                     : "free of an invalid page";
        }
    }
    return NULL;
}
