/*
 * System calls about memory: map, unmap, protect, and objects to share.
 */
#include "process_internal.h"

/* Where mappings go that may go anywhere: well above the program. */
#define MAP_LOWEST UINT64_C(0x10000000)

/* The user's words for rights, as mm's. What is none comes out as something that mm refuses. */
static vm_access_t access_of(uint64_t rights)
{
    const uint64_t known = SYSTEM_ACCESS_READ | SYSTEM_ACCESS_WRITE | SYSTEM_ACCESS_EXECUTE;
    if ((rights & ~known) != 0) {
        return ~0u;
    }
    return ((rights & SYSTEM_ACCESS_READ) != 0 ? VM_READ : 0) | ((rights & SYSTEM_ACCESS_WRITE) != 0 ? VM_WRITE : 0) |
           ((rights & SYSTEM_ACCESS_EXECUTE) != 0 ? VM_EXECUTE : 0);
}

/* Maps `request` at `address`, or anywhere when that is 0. The result of the call. */
static int64_t map(process_t *process, vm_request_t *request, uint64_t address)
{
    if (request->size > SYSTEM_MAP_MAX) {
        return process_result_of(STATUS_OUT_OF_RANGE);
    }
    request->address = address != 0 ? address : MAP_LOWEST;
    request->flags = address != 0 ? VM_FIXED : 0;
    uintptr_t mapped;
    const status_t status = address_space_map(process->space, request, &mapped);
    return status == STATUS_OK ? (int64_t)mapped : process_result_of(status);
}

int64_t process_call_map(process_t *process, const uint64_t *arguments)
{
    vm_request_t request = {.size = arguments[1], .access = access_of(arguments[2])};
    return map(process, &request, arguments[0]);
}

int64_t process_call_unmap(process_t *process, const uint64_t *arguments)
{
    return process_result_of(address_space_unmap(process->space, arguments[0], arguments[1]));
}

int64_t process_call_protect(process_t *process, const uint64_t *arguments)
{
    return process_result_of(
        address_space_protect(process->space, arguments[0], arguments[1], access_of(arguments[2])));
}

int64_t process_call_object_create(process_t *process, const uint64_t *arguments)
{
    if (arguments[0] > SYSTEM_OBJECT_MAX) {
        return process_result_of(STATUS_OUT_OF_RANGE);
    }
    process_handle_t handle = {NULL, NULL};
    const status_t status = memory_object_create_for(process->quota, arguments[0], &handle.object);
    return status == STATUS_OK ? process_handle_add(process, handle) : process_result_of(status);
}

int64_t process_call_object_map(process_t *process, const uint64_t *arguments)
{
    process_handle_t handle;
    const status_t status = process_handle_get(process, arguments[0], PROCESS_HANDLE_OBJECT, &handle);
    if (status != STATUS_OK) {
        return process_result_of(status);
    }
    vm_request_t request = {
        .size = arguments[3],
        .access = access_of(arguments[4]),
        .object = handle.object,
        .object_offset = arguments[1],
    };
    const int64_t result = map(process, &request, arguments[2]);
    process_handle_put(handle);
    return result;
}

int64_t process_call_grant(process_t *process, const uint64_t *arguments)
{
    process_handle_t handle;
    status_t status = process_handle_get(process, arguments[1], PROCESS_HANDLE_OBJECT, &handle);
    if (status != STATUS_OK) {
        return process_result_of(status);
    }
    uint64_t index = 0;
    status = process_child_give(process, arguments[0], handle, &index);
    if (status != STATUS_OK) {
        process_handle_put(handle);
        return process_result_of(status);
    }
    return (int64_t)index;
}
