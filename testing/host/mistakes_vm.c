/*
 * What callers of virtual memory get wrong.
 */
#include "mm/kernel_mapping.h"
#include "mm/memory_object.h"
#include "mm/pages.h"
#include "testing/host/mistakes.h"

static void releasing_a_memory_object_twice(void)
{
    memory_object_t *object = NULL;
    mistake_needs(memory_object_create(1, &object) == STATUS_OK, "no object");
    memory_object_release(object);
    memory_object_release(object);
}

static void *mapped_page(void)
{
    void *const page = pages_alloc(1);
    void *address = NULL;
    mistake_needs(page != NULL && kernel_mapping_map(&page, 1, PAGE_ACCESS_WRITE, &address) == STATUS_OK, "no mapping");
    return address;
}

static void unmapping_a_kernel_mapping_twice(void)
{
    void *const address = mapped_page();
    kernel_mapping_unmap(address);
    kernel_mapping_unmap(address);
}

static void destroying_a_mapping_as_a_stack(void)
{
    kernel_stack_destroy(mapped_page());
}

const mistake_t vm_mistakes[] = {
    MISTAKE(releasing_a_memory_object_twice, "memory object released too often"),
    MISTAKE(unmapping_a_kernel_mapping_twice, "unmap of no kernel mapping"),
    MISTAKE(destroying_a_mapping_as_a_stack, "destroy of no kernel stack"),
    MISTAKES_END,
};
