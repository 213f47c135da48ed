/*
 * A few address spaces, memory objects, and their models (vm_model.h), driven step by step.
 *
 * An operation is drawn first and then done, so that it can be done again: under a rule that refuses its first allocation, its
 * second, and so on (mm/inject.h), each time with everything as before, until it goes through.
 */
#ifndef TESTING_MODELS_VM_WORLD_H
#define TESTING_MODELS_VM_WORLD_H

#include "testing/models/vm_model.h"

#define VM_SPACES_MAX  4u
#define VM_OBJECTS_MAX 4u /* that the world has a reference to */

typedef enum vm_operation {
    VM_OPERATION_MAP,
    VM_OPERATION_TOUCH, /* one access as user code makes it */
    VM_OPERATION_WRITE, /* copy_out, across a page's end */
    VM_OPERATION_READ,
    VM_OPERATION_UNMAP,
    VM_OPERATION_PROTECT,
    VM_OPERATION_LOAD,
    VM_OPERATION_PAGE_MAP,
    VM_OPERATION_CLONE,
    VM_OPERATION_DESTROY,
    VM_OPERATION_CREATE,
    VM_OPERATION_OBJECT, /* a reference taken for a new object, or let go */
    VM_OPERATION_COUNT
} vm_operation_t;

/* What is to be done. Not all fields matter to all operations. */
typedef struct vm_step {
    vm_operation_t operation;
    uint32_t space;
    uint32_t other_space;
    uint64_t page;
    uint64_t other_page;
    uint64_t count;
    vm_access_t access;
    vm_flags_t flags;
    uint32_t object; /* slot, or VM_OBJECTS_MAX for none */
    uint64_t object_page;
    uint64_t value;
} vm_step_t;

typedef struct vm_world {
    property_run_t *run;
    vm_model_t model;
    address_space_t *spaces[VM_SPACES_MAX]; /* NULL: none */
    vm_model_space_t *models;               /* one each */
    vm_model_space_t *trial;                /* a copy of one, to see what a step would do to it */
    memory_object_t *objects[VM_OBJECTS_MAX];
    uint32_t object_models[VM_OBJECTS_MAX];
    uint64_t object_ids[VM_MODEL_OBJECTS_MAX]; /* 0: not seen yet */
} vm_world_t;

/* A world with one empty space and two objects. All that it has goes back when the run is over. */
vm_world_t *vm_world_new(property_run_t *run);

/* Draws a step. */
vm_step_t vm_world_draw(vm_world_t *world);

/*
 * Does it, to the real ones and to the models, and expects the same answers. Returns false when memory was out: then nothing has
 * changed. Memory may be out only if `may_fail`.
 */
bool vm_world_do(vm_world_t *world, const vm_step_t *step, bool may_fail);

/* Expects every space to be what its model is: areas, rights and contents of every page, and the validator to be content. */
void vm_world_expect_agreement(vm_world_t *world);

/* Takes everything back; also what vm_world_new() has arranged for the end of the run. */
void vm_world_close(vm_world_t *world);

#endif
