/*
 * Backtraces along frame pointers, on all machines whose ABI keeps a record of two words for each frame: the caller's frame
 * pointer, then the return address. Every step looks before it reads.
 */
#include "arch/inline.h"
#include "arch/trap.h"
#include "stacks.h"

typedef struct frame_record {
    uintptr_t caller;
    uintptr_t return_address;
} frame_record_t;

size_t trap_backtrace(uintptr_t frame, uintptr_t *addresses, size_t capacity)
{
    size_t count = 0;

    if (frame == 0) {
        frame = (uintptr_t)__builtin_frame_address(0);
    }
    while (count < capacity && frame % sizeof(uintptr_t) == 0 &&
           stack_contains(frame + PORT_FRAME_RECORD_OFFSET, sizeof(frame_record_t))) {
        const frame_record_t *const record = (const frame_record_t *)(frame + PORT_FRAME_RECORD_OFFSET);
        if (record->return_address == 0) {
            break;
        }
        addresses[count++] = record->return_address;
        frame = record->caller;
    }
    return count;
}
