/*
 * A new program in a new space: segments, stack, arguments.
 *
 *   0x400000 and up     the file's segments, as its headers say
 *   0x10000000 and up   what the program maps without saying where (process_call_memory.c)
 *   STACK_TOP           below it a page with the arguments, then the stack, then a guard
 */
#include "elf.h"
#include "mm/kmalloc.h"
#include "process_internal.h"

#define STACK_TOP   (USER_SPACE_END - MIB(1))
#define STACK_SIZE  KIB(256)
#define STACK_GUARD KIB(64)

/* Maps a range exactly where it is wanted. */
static status_t map_at(address_space_t *space, uintptr_t start, uintptr_t end, vm_access_t access, vm_flags_t flags)
{
    uintptr_t address;
    const vm_request_t request = {
        .address = start,
        .size = end - start,
        .access = access,
        .flags = VM_FIXED | flags,
    };
    return address_space_map(space, &request, &address);
}

/*
 * Written first and given its rights then: so no page is ever both writable and executable, and what becomes
 * executable is known to be new code (arch/user_page_table.h).
 */
static status_t load_segment(address_space_t *space, const elf_segment_t *segment, const uint8_t *bytes)
{
    const uintptr_t start = align_down(segment->address, PAGE_SIZE);
    const uintptr_t end = align_up(segment->address + segment->size, PAGE_SIZE);
    status_t status = map_at(space, start, end, VM_READ | VM_WRITE, 0);
    if (status == STATUS_OK && segment->file_size != 0) {
        status =
            address_space_copy_out(space, segment->address, bytes + segment->file_offset, segment->file_size, NULL);
    }
    if (status == STATUS_OK && !segment->is_writable) {
        status = address_space_protect(space, start, end - start, VM_READ | (segment->is_executable ? VM_EXECUTE : 0));
    }
    return status;
}

/* Writes system_arguments_t and its strings as they will be at `address`. STATUS_OUT_OF_RANGE: too many. */
static status_t write_arguments(uint64_t *page, uintptr_t address, const process_request_t *request)
{
    if (request->argument_count > PROCESS_ARGUMENTS_MAX) {
        return STATUS_OUT_OF_RANGE;
    }
    const size_t words = request->argument_count + 2; /* the count and a final zero as well */
    char *const text = (char *)(page + words);
    size_t used = 0;
    page[0] = request->argument_count;
    for (size_t index = 0; index < request->argument_count; index++) {
        const size_t bytes = text_length(request->arguments[index]) + 1;
        if (bytes > PROCESS_ARGUMENT_BYTES_MAX - used) {
            return STATUS_OUT_OF_RANGE;
        }
        page[1 + index] = address + words * sizeof(uint64_t) + used;
        __builtin_memcpy(text + used, request->arguments[index], bytes);
        used += bytes;
    }
    return STATUS_OK;
}

_Static_assert((PROCESS_ARGUMENTS_MAX + 2) * sizeof(uint64_t) + PROCESS_ARGUMENT_BYTES_MAX <= PAGE_SIZE,
               "arguments fit in their page");

static status_t load_stack(address_space_t *space, const process_request_t *request)
{
    status_t status = map_at(space, STACK_TOP - STACK_SIZE, STACK_TOP, VM_READ | VM_WRITE, 0);
    if (status == STATUS_OK) {
        status = map_at(space, STACK_TOP - STACK_SIZE - STACK_GUARD, STACK_TOP - STACK_SIZE, VM_NONE, VM_GUARD);
    }
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t *const page = kcalloc(1, PAGE_SIZE);
    if (page == NULL) {
        return STATUS_NO_MEMORY;
    }
    status = write_arguments(page, STACK_TOP - PAGE_SIZE, request);
    if (status == STATUS_OK) {
        status = address_space_copy_out(space, STACK_TOP - PAGE_SIZE, page, PAGE_SIZE, NULL);
    }
    kfree(page);
    return status;
}

status_t process_load(address_space_t *space, const process_request_t *request, process_start_point_t *start)
{
    elf_image_t image;
    status_t status = elf_read(request->bytes, request->size, request->machine, &image);
    for (size_t index = 0; status == STATUS_OK && index < image.segment_count; index++) {
        status = load_segment(space, &image.segments[index], request->bytes);
    }
    if (status == STATUS_OK) {
        status = load_stack(space, request);
    }
    if (status == STATUS_OK) {
        *start = (process_start_point_t){image.entry, STACK_TOP - PAGE_SIZE, STACK_TOP - PAGE_SIZE};
    }
    return status == STATUS_EXISTS ? STATUS_OUT_OF_RANGE : status; /* a segment where the stack goes */
}
