#include "testing/models/vm_user.h"

#include "arch/cpu_jobs.h"

#define FAULTS_MAX 1000u /* that one access may take: others may take the page away again and again */

uint32_t vm_cpus_used(void)
{
    return cpu_count() < VM_CPUS_MAX ? cpu_count() : VM_CPUS_MAX;
}

address_space_t *vm_user_space_new(property_run_t *run)
{
    address_space_t *const space = vm_space_new(run);
    unsigned char *const code = property_alloc(run, PAGE_SIZE);
    user_access_prepare(code);
    vm_space_map(run, space, USER_ACCESS_CODE, PAGE_SIZE, VM_READ | VM_EXECUTE, 0);
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, address_space_load(space, USER_ACCESS_CODE, code, PAGE_SIZE, NULL));
    return space;
}

vm_fault_t vm_user_access(property_run_t *run, address_space_t *space, uintptr_t address, bool is_write, uint8_t *value)
{
    for (unsigned faults = 0; faults < FAULTS_MAX; faults++) {
        const user_access_result_t result =
            user_access_try(address, is_write ? PAGE_ACCESS_WRITE : PAGE_ACCESS_READ, value);
        if (result == USER_ACCESS_DONE) {
            return VM_FAULT_RESOLVED;
        }
        PROPERTY_EXPECT_EQUAL(run, result, USER_ACCESS_FAULT);
        const vm_fault_t fault = address_space_fault(space, address, is_write ? VM_WRITE : VM_READ);
        if (fault != VM_FAULT_RESOLVED) {
            return fault;
        }
    }
    PROPERTY_EXPECT(run, !"an access faults for ever");
    return VM_FAULT_NO_MEMORY;
}

/* Deactivates the space on every CPU: then it may be destroyed. */
static void leave(void *argument, uint32_t index)
{
    (void)argument;
    (void)index;
    address_space_activate(NULL);
}

static void vm_leave_everywhere(void *argument)
{
    (void)argument;
    cpu_jobs_run_on_all(vm_cpus_used(), leave, NULL);
}

void vm_leave_later(property_run_t *run)
{
    property_defer(run, vm_leave_everywhere, NULL);
}
