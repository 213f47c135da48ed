#include "testing/models/vm_start.h"

#include "mm/vm.h"

static void end_vm(void *argument)
{
    PROPERTY_EXPECT_EQUAL((property_run_t *)argument, vm_shutdown(), 0);
}

void vm_start(property_run_t *run)
{
    const status_t status = vm_init();
    if (status == STATUS_OK) {
        property_defer(run, end_vm, run);
    } else {
        PROPERTY_EXPECT_STATUS(run, STATUS_EXISTS, status);
    }
}

static void end_space(void *space)
{
    address_space_destroy(space);
}

void vm_space_end_later(property_run_t *run, address_space_t *space)
{
    property_defer(run, end_space, space);
}

address_space_t *vm_space_new(property_run_t *run)
{
    address_space_t *space = NULL;
    vm_start(run);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_create(&space));
    vm_space_end_later(run, space);
    return space;
}

void vm_space_map(property_run_t *run, address_space_t *space, uintptr_t address, uint64_t size, vm_access_t access,
                  vm_flags_t flags)
{
    const vm_request_t request = {.address = address, .size = size, .access = access, .flags = flags | VM_FIXED};
    uintptr_t place;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_map(space, &request, &place));
    PROPERTY_EXPECT_EQUAL(run, place, address);
}

void vm_space_expect_fault(property_run_t *run, address_space_t *space, uintptr_t address, vm_access_t access,
                           vm_fault_t expected)
{
    PROPERTY_EXPECT_EQUAL(run, address_space_fault(space, address, access), expected);
}
