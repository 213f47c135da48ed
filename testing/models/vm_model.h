/*
 * Address spaces as a table of pages: the naive model that the real ones are held to.
 *
 * A model space is an array with one entry a page of a small window: what its area says, and two words of its contents. All
 * pages have their own entry and nothing is shared but objects, so copy-on-write, merging and large pages are not in it:
 * it says what must be seen, not how.
 */
#ifndef TESTING_MODELS_VM_MODEL_H
#define TESTING_MODELS_VM_MODEL_H

#include "mm/address_space.h"
#include "testing/property/property.h"

/* A window that crosses 1 GiB, with one aligned 2 MiB in it. */
#define VM_WINDOW_START (GIB(1) - 64 * PAGE_SIZE)
#define VM_WINDOW_PAGES 640u
#define VM_WINDOW_END   (VM_WINDOW_START + VM_WINDOW_PAGES * PAGE_SIZE)
#define VM_OBJECT_NONE  UINT32_MAX

/* The words of a page that have a value in the model: its first and its last. */
typedef struct vm_model_words {
    uint64_t first;
    uint64_t last;
} vm_model_words_t;

typedef struct vm_model_page {
    bool is_mapped;
    vm_access_t access;
    vm_flags_t flags;
    uint32_t object; /* index, or VM_OBJECT_NONE */
    uint32_t object_page;
    vm_model_words_t words; /* of a private page */
} vm_model_page_t;

typedef struct vm_model_object {
    uint32_t page_count;
    vm_model_words_t *words;
} vm_model_object_t;

typedef struct vm_model_space {
    vm_model_page_t pages[VM_WINDOW_PAGES];
} vm_model_space_t;

#define VM_MODEL_OBJECTS_MAX 256u

typedef struct vm_model {
    property_run_t *run;
    uint32_t object_count;
    vm_model_object_t objects[VM_MODEL_OBJECTS_MAX];
} vm_model_t;

/* A new object of zeros; VM_OBJECT_NONE when there is no room for more. */
uint32_t vm_model_object_new(vm_model_t *model, uint32_t page_count);

/* The words of a page, wherever they are kept. */
vm_model_words_t *vm_model_words(vm_model_t *model, vm_model_page_t *page);

static inline uintptr_t vm_page_address(uint64_t page)
{
    return VM_WINDOW_START + page * PAGE_SIZE;
}

/* Whether pages in a row belong to one area. */
bool vm_model_is_one_area(const vm_model_page_t *lower, const vm_model_page_t *upper);

/* What the calls of mm/address_space.h must answer, and do if that is STATUS_OK. Pages are numbers within the window. */
status_t vm_model_map(vm_model_t *model, vm_model_space_t *space, const vm_request_t *request, uint32_t object,
                      uintptr_t *place);
status_t vm_model_unmap(vm_model_space_t *space, uint64_t page, uint64_t count);
status_t vm_model_protect(vm_model_space_t *space, uint64_t page, uint64_t count, vm_access_t access);

/* What page_map must answer about the source; if that is STATUS_OK, *object and *object_page say what is to be mapped. */
status_t vm_model_lend(vm_model_t *model, vm_model_space_t *space, uint64_t page, uint64_t count, vm_access_t access,
                       uint32_t *object, uint32_t *object_page);

vm_fault_t vm_model_fault(const vm_model_space_t *space, uint64_t page, vm_access_t access);

#endif
