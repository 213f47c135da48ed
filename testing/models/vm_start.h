/*
 * Virtual memory for a property, there for its run, whoever started it; and single spaces for those that need no model.
 */
#ifndef TESTING_MODELS_VM_START_H
#define TESTING_MODELS_VM_START_H

#include "mm/address_space.h"
#include "testing/property/property.h"

/* Starts virtual memory unless it runs already; then it is ended, and nothing may be left, when the run is over. */
void vm_start(property_run_t *run);

/* An empty space (virtual memory is started if need be) that ends with the run. */
address_space_t *vm_space_new(property_run_t *run);

/* Has a space end with the run. */
void vm_space_end_later(property_run_t *run, address_space_t *space);

/* Makes a private area at exactly that place. */
void vm_space_map(property_run_t *run, address_space_t *space, uintptr_t address, uint64_t size, vm_access_t access,
                  vm_flags_t flags);

/* Expects a fault to end so. */
void vm_space_expect_fault(property_run_t *run, address_space_t *space, uintptr_t address, vm_access_t access,
                           vm_fault_t expected);

#endif
