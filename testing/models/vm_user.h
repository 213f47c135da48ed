/*
 * User code in an address space, on any CPU: its accesses (testing/models/user_access.h), with the faults resolved as a
 * process's are.
 */
#ifndef TESTING_MODELS_VM_USER_H
#define TESTING_MODELS_VM_USER_H

#include "testing/models/user_access.h"
#include "testing/models/vm_start.h"

#define VM_CPUS_MAX 8u

/* How many CPUs take part: all, but no more than that. */
uint32_t vm_cpus_used(void);

/* A space in which user code can be had to access things; it ends with the run. */
address_space_t *vm_user_space_new(property_run_t *run);

/*
 * One access of user code on this CPU, where `space` is active: a load into *value, or a store of USER_ACCESS_STORED. Also for
 * workers.
 */
vm_fault_t vm_user_access(property_run_t *run, address_space_t *space, uintptr_t address, bool is_write,
                          uint8_t *value);

/* Sees to it that no CPU has a space active when the run's spaces end. After all spaces are made. */
void vm_leave_later(property_run_t *run);

#endif
