/*
 * The life of a process: made from a file or as a copy, and ended.
 *
 * A process gets its number first, is built completely while nobody can see it run, and put on the queue last. Its end
 * goes the other way: handles, space, files in //proc, and only then the record says ENDED, so who waits for the end
 * finds everything back. What a reader of //proc/<pid> still holds, goes back when that reader is done.
 */
#include "base/log.h"
#include "mm/kmalloc.h"
#include "process_internal.h"

#define SHUTDOWN_TRIES_MAX 100000000u

/*
 * A record in the table, which nobody runs yet: it has a number, under which the rest of it is allocated. A parent is the
 * caller, whom nothing can end meanwhile.
 */
static status_t enter(process_t *process)
{
    const status_t status = process_table_add(process);
    if (status != STATUS_OK) {
        process_release(process);
    }
    return status;
}

/* Takes back what there is of a process that is not complete. */
static void undo(process_t *process)
{
    (void)process_handles_close_all(process);
    if (process->space != NULL) {
        process_space_put(process);
    }
    process_table_remove(process);
}

/* A new program's space, its start, and its files in //proc. */
static status_t fill(process_t *process, const process_request_t *request)
{
    address_space_t *space;
    process_start_point_t start;
    status_t status = address_space_create_for(process->quota, &space);
    if (status != STATUS_OK) {
        return status;
    }
    process_space_set(process, space);
    status = process_load(space, request, &start);
    if (status != STATUS_OK) {
        return status;
    }
    user_state_init(&process->user, start.entry, start.stack, start.argument);
    return process_nodes_add(process);
}

status_t process_create(const process_request_t *request, process_t **created)
{
    process_t *process;
    quota_t *quota;
    status_t status = process_quota_create(&quota);
    if (status != STATUS_OK) {
        return status;
    }
    status = process_record_create(request->name, request->sink, quota, &process);
    quota_release(quota); /* the record has its own reference */
    if (status != STATUS_OK) {
        return status;
    }
    process->is_detached = request->is_detached;
    process->file = request->is_file_lasting ? request->bytes : NULL;
    process->file_size = request->size;
    status = enter(process);
    if (status != STATUS_OK) {
        return status;
    }
    const uint32_t before = process_work_for(process->pid);
    status = fill(process, request);
    if (status != STATUS_OK) {
        undo(process);
    } else {
        *created = process;
    }
    (void)process_work_for(before);
    return status;
}

status_t process_start(const process_request_t *request, uint32_t *pid)
{
    process_t *process;
    const status_t status = process_create(request, &process);
    if (status == STATUS_OK) {
        *pid = process->pid; /* read before somebody runs it, or even ends it */
        process_make_ready(process);
    }
    return status;
}

/* A copy of the parent's space and handles, and its own files in //proc. */
static status_t fill_clone(process_t *child, process_t *parent)
{
    address_space_t *space;
    const status_t status = address_space_clone(parent->space, &space);
    if (status != STATUS_OK) {
        return status;
    }
    process_space_set(child, space);
    process_handles_copy(parent, child);
    return process_nodes_add(child);
}

status_t process_clone(process_t *parent, process_t **cloned)
{
    process_t *child;
    status_t status = process_record_create(parent->name, parent->sink, parent->quota, &child);
    if (status != STATUS_OK) {
        return status;
    }
    child->parent = parent->pid;
    child->file = parent->file;
    child->file_size = parent->file_size;
    child->user = parent->user;
    child->call_result = 0;
    child->has_call_result = true;
    status = enter(child);
    if (status != STATUS_OK) {
        return status;
    }
    const uint32_t before = process_work_for(child->pid);
    status = fill_clone(child, parent);
    if (status != STATUS_OK) {
        undo(child);
    } else {
        *cloned = child;
    }
    (void)process_work_for(before);
    return status;
}

void process_end(process_t *process, system_end_t end, int64_t status)
{
    const system_result_t result = {end, status};
    address_space_stats_t stats;
    address_space_stats(process->space, &stats);
    const spinlock_hold_t hold = process_lock();
    process->last_stats = stats;
    process->is_ending = true;
    process_unlock(hold);
    process_count_taken_back(process_handles_close_all(process), stats.pages_resident);
    process_space_put(process);
    process_nodes_remove(process);
    process_table_end(process, &result);
}

/* ---- the whole ---- */

status_t process_init(kfs_t *kfs)
{
    const status_t status = process_nodes_init(kfs);
    if (status == STATUS_OK) {
        process_limits_open();
        process_table_open();
    }
    return status;
}

uint64_t process_shutdown(void)
{
    process_info_t info;
    for (uint32_t pid = 0; process_next(pid, &info); pid = info.pid) {
        (void)process_kill(info.pid); /* one that has ended meanwhile is as good as killed */
    }
    process_stats_t stats;
    process_stats(&stats);
    for (uint32_t tries = 0; stats.live != 0 && tries < SHUTDOWN_TRIES_MAX; tries++) {
        if (!process_run_slice()) {
            cpu_relax(); /* another CPU runs it, until its next interrupt */
        }
        process_stats(&stats);
    }
    for (uint32_t pid = 0; process_next(pid, &info); pid = info.pid) {
        system_result_t result;
        (void)process_collect(info.pid, &result); /* nobody asked */
    }
    process_table_close();
    process_nodes_end();
    return stats.live;
}
