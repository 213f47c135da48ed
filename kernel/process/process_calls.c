/*
 * System calls: numbers to functions, and the few that change what the process does next.
 *
 * A call is a function of a process and six numbers, all hostile. It touches the user's memory by
 * address_space_copy_in() and _out() only, moves a bounded number of bytes, and leaves nothing behind when it fails.
 */
#include "arch/timer.h"
#include "process_internal.h"

#define WRITE_PIECE 512u /* bytes that reach the console as one piece */

static int64_t call_write(process_t *process, const uint64_t *arguments)
{
    char piece[WRITE_PIECE];
    const uint64_t length = arguments[1] < SYSTEM_WRITE_MAX ? arguments[1] : SYSTEM_WRITE_MAX;
    uint64_t written = 0;
    status_t status = STATUS_OK;
    while (status == STATUS_OK && written < length) {
        const size_t wanted = length - written < WRITE_PIECE ? (size_t)(length - written) : WRITE_PIECE;
        size_t copied = 0;
        status = address_space_copy_in(process->space, piece, arguments[0] + written, wanted, &copied);
        if (copied != 0) {
            process->sink->write(process->sink->context, piece, copied);
        }
        written += copied;
    }
    return written != 0 || status == STATUS_OK ? (int64_t)written : process_result_of(status);
}

static int64_t call_getpid(process_t *process, const uint64_t *arguments)
{
    (void)arguments;
    return process->pid;
}

static int64_t call_time(process_t *process, const uint64_t *arguments)
{
    (void)process;
    (void)arguments;
    return (int64_t)(timer_nanoseconds() & INT64_MAX);
}

static int64_t call_clone(process_t *process, const uint64_t *arguments)
{
    (void)arguments;
    process_t *child;
    const status_t status = process_clone(process, &child);
    if (status != STATUS_OK) {
        return process_result_of(status);
    }
    const int64_t pid = child->pid; /* read before somebody runs it, or even ends it */
    process_make_ready(child);
    return pid;
}

/* (pid, result): blocks while the child lives. The result's place is written before the child is forgotten. */
static process_next_step_t call_wait(process_t *process, const uint64_t *arguments, int64_t *result)
{
    system_result_t ended;
    uint32_t pid = (uint32_t)arguments[0];
    status_t status = pid == arguments[0] ? process_child_result(process, &pid, &ended) : STATUS_NOT_FOUND;
    if (status == STATUS_BUSY) {
        process->waits_for = pid;
        return PROCESS_BLOCKS;
    }
    if (status == STATUS_OK) {
        status = address_space_copy_out(process->space, arguments[1], &ended, sizeof(ended), NULL);
    }
    if (status == STATUS_OK) {
        process_child_forget(process, pid);
    }
    *result = status == STATUS_OK ? (int64_t)pid : process_result_of(status);
    return PROCESS_GOES_ON;
}

static const process_call_function_t functions[SYSTEM_CALL_COUNT] = {
    [SYSTEM_CALL_WRITE] = call_write,
    [SYSTEM_CALL_GETPID] = call_getpid,
    [SYSTEM_CALL_TIME] = call_time,
    [SYSTEM_CALL_OPEN] = process_call_open,
    [SYSTEM_CALL_READ] = process_call_read,
    [SYSTEM_CALL_READDIR] = process_call_readdir,
    [SYSTEM_CALL_STAT] = process_call_stat,
    [SYSTEM_CALL_CLOSE] = process_call_close,
    [SYSTEM_CALL_MAP] = process_call_map,
    [SYSTEM_CALL_UNMAP] = process_call_unmap,
    [SYSTEM_CALL_PROTECT] = process_call_protect,
    [SYSTEM_CALL_OBJECT_CREATE] = process_call_object_create,
    [SYSTEM_CALL_OBJECT_MAP] = process_call_object_map,
    [SYSTEM_CALL_GRANT] = process_call_grant,
    [SYSTEM_CALL_CLONE] = call_clone,
};

process_next_step_t process_call(process_t *process, uint64_t number, const uint64_t arguments[USER_CALL_ARGUMENTS],
                                 int64_t *result)
{
    *result = 0;
    switch (number) {
    case SYSTEM_CALL_EXIT:
        *result = (int64_t)arguments[0];
        return PROCESS_EXITS;
    case SYSTEM_CALL_YIELD:
        return PROCESS_YIELDS;
    case SYSTEM_CALL_WAIT:
        return call_wait(process, arguments, result);
    default:
        *result =
            number < SYSTEM_CALL_COUNT ? functions[number](process, arguments) : process_result_of(STATUS_UNSUPPORTED);
        return PROCESS_GOES_ON;
    }
}
