/*
 * How processes end for others: who waits, who collects, and what becomes of children.
 *
 * A child's record stays until its parent has asked for the result; a process that the kernel started, until
 * process_collect(). When a parent ends, its children are nobody's: they go on, and vanish when they end.
 */
#include "arch/cpu.h"
#include "process_table.h"

/*
 * A child that `parent` waits for when it says `pid` (0: any), preferably one that has ended. The caller holds the
 * lock.
 */
static process_t *find_child(const process_t *parent, uint32_t pid)
{
    if (pid != 0) {
        process_t *const child = process_at(pid);
        return child != NULL && child->parent == parent->pid ? child : NULL;
    }
    process_t *found = NULL;
    for (size_t place = 0; place < PROCESS_COUNT_MAX; place++) {
        process_t *const child = process_table.places[place];
        if (child != NULL && child->parent == parent->pid && (found == NULL || child->state == PROCESS_ENDED)) {
            found = child;
        }
    }
    return found;
}

void process_block(process_t *process)
{
    const spinlock_hold_t hold = process_lock();
    const process_t *const child = find_child(process, process->waits_for);
    uint32_t wake = cpu_current()->index;
    if (child == NULL || child->state == PROCESS_ENDED ||
        atomic_load_explicit(&process->is_killed, memory_order_relaxed)) {
        wake = process_enqueue(process);
    } else {
        process->state = PROCESS_WAITING;
    }
    process_unlock(hold);
    cpu_wake(wake);
}

/* Counts an end by its reason. The caller holds the lock. */
static void count_end(const system_result_t *result)
{
    uint64_t *const reasons[] = {
        [SYSTEM_END_EXIT] = &process_table.stats.exits,
        [SYSTEM_END_FAULT] = &process_table.stats.faults,
        [SYSTEM_END_KILL] = &process_table.stats.kills,
        [SYSTEM_END_MEMORY] = &process_table.stats.out_of_memory,
    };
    process_table.stats.live--;
    process_table.stats.ended++;
    ++*reasons[result->end];
}

/* Gives the children of `parent` to the kernel; those that have ended are put on `ended`. The caller holds the lock. */
static void disown_children(const process_t *parent, list_t *ended)
{
    for (size_t place = 0; place < PROCESS_COUNT_MAX; place++) {
        process_t *const child = process_table.places[place];
        if (child == NULL || child->parent != parent->pid) {
            continue;
        }
        child->parent = 0;
        child->is_detached = true;
        if (child->state == PROCESS_ENDED) {
            process_table.places[place] = NULL;
            list_push_back(ended, &child->queue_link);
        }
    }
}

void process_table_end(process_t *process, const system_result_t *result)
{
    list_t forgotten;
    list_init(&forgotten);
    uint32_t wake = cpu_current()->index;
    uint64_t idle = 0;

    const spinlock_hold_t hold = process_lock();
    disown_children(process, &forgotten);
    process->result = *result;
    process->state = PROCESS_ENDED;
    count_end(result);
    process_t *const parent = process->parent != 0 ? process_at(process->parent) : NULL;
    if (process->is_detached) {
        *process_place(process->pid) = NULL;
        list_push_back(&forgotten, &process->queue_link);
    } else if (parent != NULL) {
        const bool is_awaited = parent->waits_for == 0 || parent->waits_for == process->pid;
        if (parent->state == PROCESS_WAITING && is_awaited) {
            wake = process_enqueue(parent);
        }
    } else {
        idle = process_table.idle_cpus; /* one of them may be waiting in process_wait() */
    }
    process_unlock(hold);

    cpu_wake(wake);
    for (; idle != 0; idle &= idle - 1) {
        cpu_wake((uint32_t)__builtin_ctzll(idle));
    }
    LIST_FOR_EACH(&forgotten, link)
    {
        list_remove(link);
        process_release(CONTAINER_OF(link, process_t, queue_link));
    }
}

/* Takes an ENDED process off the table. The caller holds the lock, and then releases the reference. */
static void forget(process_t *process, system_result_t *result)
{
    *result = process->result;
    *process_place(process->pid) = NULL;
}

status_t process_collect(uint32_t pid, system_result_t *result)
{
    status_t status = STATUS_NOT_FOUND;
    const spinlock_hold_t hold = process_lock();
    process_t *const process = process_at(pid);
    if (process != NULL && process->parent == 0 && !process->is_detached) {
        status = process->state == PROCESS_ENDED ? STATUS_OK : STATUS_BUSY;
    }
    if (status == STATUS_OK) {
        forget(process, result);
    }
    process_unlock(hold);
    if (status == STATUS_OK) {
        process_release(process);
    }
    return status;
}

status_t process_wait(uint32_t pid, system_result_t *result)
{
    for (;;) {
        status_t status = process_collect(pid, result);
        if (status != STATUS_BUSY) {
            return status;
        }
        if (process_run_slice() || !process_cpu_goes_idle()) {
            continue;
        }
        status = process_collect(pid, result); /* it may have ended before this CPU was known to wait */
        if (status != STATUS_BUSY) {
            return status;
        }
        cpu_wait_for_interrupt();
    }
}

status_t process_child_result(const process_t *parent, uint32_t *pid, system_result_t *result)
{
    status_t status = STATUS_NOT_FOUND;
    const spinlock_hold_t hold = process_lock();
    const process_t *const child = find_child(parent, *pid);
    if (child != NULL) {
        status = child->state == PROCESS_ENDED ? STATUS_OK : STATUS_BUSY;
    }
    if (status == STATUS_OK) {
        *pid = child->pid;
        *result = child->result;
    }
    process_unlock(hold);
    return status;
}

status_t process_child_give(const process_t *parent, uint64_t pid, process_handle_t handle, uint64_t *index)
{
    const spinlock_hold_t hold = process_lock();
    process_t *const child = pid != 0 && pid <= INT32_MAX ? find_child(parent, (uint32_t)pid) : NULL;
    const bool can_take = child != NULL && !child->is_ending;
    const status_t status = can_take ? process_handle_put_in(child, handle, index) : STATUS_NOT_FOUND;
    if (status == STATUS_OK) {
        memory_object_disown(handle.object); /* it is the child's as well */
    }
    process_unlock(hold);
    return status;
}

void process_child_forget(const process_t *parent, uint32_t pid)
{
    system_result_t result;
    const spinlock_hold_t hold = process_lock();
    process_t *const child = find_child(parent, pid);
    if (child != NULL) {
        forget(child, &result);
    }
    process_unlock(hold);
    if (child != NULL) {
        process_release(child);
    }
}
