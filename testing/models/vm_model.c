#include "testing/models/vm_model.h"

uint32_t vm_model_object_new(vm_model_t *model, uint32_t page_count)
{
    if (model->object_count == VM_MODEL_OBJECTS_MAX) {
        return VM_OBJECT_NONE;
    }
    model->objects[model->object_count] =
        (vm_model_object_t){page_count, property_alloc(model->run, page_count * sizeof(vm_model_words_t))};
    return model->object_count++;
}

vm_model_words_t *vm_model_words(vm_model_t *model, vm_model_page_t *page)
{
    return page->object == VM_OBJECT_NONE ? &page->words : &model->objects[page->object].words[page->object_page];
}

bool vm_model_is_one_area(const vm_model_page_t *lower, const vm_model_page_t *upper)
{
    return lower->is_mapped && upper->is_mapped && lower->access == upper->access && lower->flags == upper->flags &&
           lower->object == upper->object &&
           (lower->object == VM_OBJECT_NONE || lower->object_page + 1 == upper->object_page);
}

/* Whether `count` pages from `page` on are unmapped; behind the window all are. */
static bool is_free(const vm_model_space_t *space, uint64_t page, uint64_t count)
{
    for (; count > 0 && page < VM_WINDOW_PAGES; count--, page++) {
        if (space->pages[page].is_mapped) {
            return false;
        }
    }
    return true;
}

static bool is_right_set(vm_access_t access)
{
    return access == VM_NONE || access == VM_READ || access == (VM_READ | VM_WRITE) ||
           access == (VM_READ | VM_EXECUTE) || access == (VM_READ | VM_WRITE | VM_EXECUTE);
}

static bool is_wx(vm_access_t access)
{
    return (access & VM_WRITE) != 0 && (access & VM_EXECUTE) != 0;
}

/* The first page from `page` on with room for `count`; large ones are aligned where the gap allows any start. */
static uint64_t first_fit(const vm_model_space_t *space, uint64_t page, uint64_t count, bool is_large)
{
    const uint64_t slack = is_large ? USER_LARGE_PAGE_SIZE / PAGE_SIZE - 1 : 0;
    while (!is_free(space, page, count + slack)) {
        page++;
    }
    if (is_large) {
        page = (align_up(vm_page_address(page), USER_LARGE_PAGE_SIZE) - VM_WINDOW_START) / PAGE_SIZE;
    }
    return page;
}

status_t vm_model_map(vm_model_t *model, vm_model_space_t *space, const vm_request_t *request, uint32_t object,
                      uintptr_t *place)
{
    const uint64_t count = request->size / PAGE_SIZE;
    uint64_t page = (request->address - VM_WINDOW_START) / PAGE_SIZE;
    const bool is_guard = (request->flags & VM_GUARD) != 0;
    if (count == 0 || !is_right_set(request->access) || (is_guard && request->access != VM_NONE)) {
        return STATUS_INVALID;
    }
    if (is_wx(request->access) && (request->flags & VM_WX_ALLOWED) == 0) {
        return STATUS_DENIED;
    }
    if (object != VM_OBJECT_NONE && is_guard) {
        return STATUS_INVALID;
    }
    if (object != VM_OBJECT_NONE &&
        request->object_offset + request->size > (uint64_t)model->objects[object].page_count * PAGE_SIZE) {
        return STATUS_OUT_OF_RANGE;
    }
    if ((request->flags & VM_FIXED) == 0) {
        const bool is_large = (request->flags & VM_LARGE_PAGES) != 0 && request->size >= USER_LARGE_PAGE_SIZE;
        page = first_fit(space, page, count, is_large);
    } else if (!is_free(space, page, count)) {
        return STATUS_EXISTS;
    }
    *place = vm_page_address(page);
    for (uint64_t i = 0; i < count && page + i < VM_WINDOW_PAGES; i++) {
        space->pages[page + i] = (vm_model_page_t){
            .is_mapped = true,
            .access = request->access,
            .flags = request->flags & ~VM_FIXED,
            .object = object,
            .object_page = object == VM_OBJECT_NONE ? 0 : (uint32_t)(request->object_offset / PAGE_SIZE + i),
        };
    }
    return STATUS_OK;
}

status_t vm_model_unmap(vm_model_space_t *space, uint64_t page, uint64_t count)
{
    if (count == 0) {
        return STATUS_INVALID;
    }
    for (uint64_t i = 0; i < count && page + i < VM_WINDOW_PAGES; i++) {
        space->pages[page + i] = (vm_model_page_t){.is_mapped = false};
    }
    return STATUS_OK;
}

status_t vm_model_protect(vm_model_space_t *space, uint64_t page, uint64_t count, vm_access_t access)
{
    if (count == 0 || !is_right_set(access)) {
        return STATUS_INVALID;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (page + i >= VM_WINDOW_PAGES || !space->pages[page + i].is_mapped) {
            return STATUS_NOT_FOUND;
        }
        const vm_flags_t flags = space->pages[page + i].flags;
        if ((flags & VM_GUARD) != 0 || (is_wx(access) && (flags & VM_WX_ALLOWED) == 0)) {
            return STATUS_DENIED;
        }
    }
    for (uint64_t i = 0; i < count; i++) {
        space->pages[page + i].access = access;
    }
    return STATUS_OK;
}

status_t vm_model_lend(vm_model_t *model, vm_model_space_t *space, uint64_t page, uint64_t count, vm_access_t access,
                       uint32_t *object, uint32_t *object_page)
{
    if (count == 0 || count * PAGE_SIZE > PAGE_MAP_SIZE_MAX) {
        return STATUS_INVALID;
    }
    vm_model_page_t *const first = &space->pages[page];
    if (page + count > VM_WINDOW_PAGES || !first->is_mapped) {
        return STATUS_NOT_FOUND;
    }
    for (uint64_t i = 1; i < count; i++) {
        if (!vm_model_is_one_area(&first[i - 1], &first[i])) {
            return STATUS_NOT_FOUND;
        }
    }
    if ((first->flags & VM_GUARD) != 0 || (access & ~first->access) != 0) {
        return STATUS_DENIED;
    }
    if (first->object == VM_OBJECT_NONE) {
        const uint32_t made = vm_model_object_new(model, (uint32_t)count);
        PROPERTY_EXPECT(model->run, made != VM_OBJECT_NONE);
        for (uint32_t i = 0; i < count; i++) {
            model->objects[made].words[i] = first[i].words;
            first[i].object = made;
            first[i].object_page = i;
            first[i].flags &= ~VM_LARGE_PAGES;
        }
    }
    *object = first->object;
    *object_page = first->object_page;
    return STATUS_OK;
}

vm_fault_t vm_model_fault(const vm_model_space_t *space, uint64_t page, vm_access_t access)
{
    const vm_model_page_t *const at = &space->pages[page];
    if (page >= VM_WINDOW_PAGES || !at->is_mapped) {
        return VM_FAULT_NO_AREA;
    }
    if ((at->flags & VM_GUARD) != 0) {
        return VM_FAULT_GUARD;
    }
    return (access & ~at->access) != 0 ? VM_FAULT_DENIED : VM_FAULT_RESOLVED;
}
