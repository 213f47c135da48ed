/*
 * The table of processes and the queue of those that can run.
 *
 * A number leads to its place by its remainder, so looking one up is one step; a new process gets the next number whose
 * place is free. One lock guards places, states, references and the queue; it is held for a few steps, or for a walk
 * over the table when a process with children ends.
 *
 * Invariants
 *   T1  the record at place i has a number that leads to i, at least one reference, and a state
 *   T2  the queue holds exactly the READY records, each once
 *   T3  a parent is the kernel (0) or a process of the table that has not ended; who has one is not detached
 *   T4  an ENDED record is kept for somebody: it is not detached
 *   T5  live = created - ended, and ended is the sum of its reasons
 *
 * A CPU without work says so in idle_cpus before it looks for the last time; who makes a process ready takes one such
 * CPU out and wakes it. A wake between the last look and the wait is not lost (arch/cpu.h).
 */
#include "process_table.h"

#include "arch/cpu.h"
#include "mm/kmalloc.h"

process_table_t process_table = {.lock = {.rank = LOCK_RANK_PROCESSES}};

spinlock_hold_t process_lock(void)
{
    return spinlock_lock(&process_table.lock);
}

void process_unlock(spinlock_hold_t hold)
{
    spinlock_unlock(&process_table.lock, hold);
}

void process_table_open(void)
{
    const spinlock_hold_t hold = process_lock();
    list_init(&process_table.ready);
    process_table.is_open = true;
    process_unlock(hold);
}

void process_table_close(void)
{
    const spinlock_hold_t hold = process_lock();
    process_table.is_open = false;
    process_unlock(hold);
}

/* ---- records ---- */

status_t process_record_create(const char *name, const process_sink_t *sink, quota_t *quota, process_t **created)
{
    if (!quota_take(quota, QUOTA_PROCESSES, 1)) {
        return STATUS_OVER_QUOTA;
    }
    const uint32_t before = process_work_for(0); /* the record is nobody's: it outlives its process */
    process_t *const process = kcalloc(1, sizeof(*process));
    (void)process_work_for(before);
    if (process == NULL) {
        quota_give_back(quota, QUOTA_PROCESSES, 1);
        return STATUS_NO_MEMORY;
    }
    process->quota = quota_retain(quota);
    (void)text_print(process->name, sizeof(process->name), "%s", name);
    process->sink = sink;
    process->state = PROCESS_RUNNING;
    process->references = 1;
    list_link_init(&process->queue_link);
    const spinlock_hold_t hold = process_lock();
    process_table.stats.records++;
    process_unlock(hold);
    *created = process;
    return STATUS_OK;
}

void process_retain(process_t *process)
{
    const spinlock_hold_t hold = process_lock();
    process->references++;
    process_unlock(hold);
}

void process_release(process_t *process)
{
    const spinlock_hold_t hold = process_lock();
    const bool is_last = --process->references == 0;
    process_table.stats.records -= is_last;
    process_unlock(hold);
    if (is_last) {
        quota_give_back(process->quota, QUOTA_PROCESSES, 1);
        quota_release(process->quota);
        kfree(process);
    }
}

process_t *process_find(uint32_t pid)
{
    const spinlock_hold_t hold = process_lock();
    process_t *const process = process_at(pid);
    if (process != NULL) {
        process->references++;
    }
    process_unlock(hold);
    return process;
}

void process_space_set(process_t *process, address_space_t *space)
{
    const spinlock_hold_t hold = process_lock();
    process->space = space;
    process->space_references = 1;
    process_unlock(hold);
}

address_space_t *process_space_get(process_t *process)
{
    const spinlock_hold_t hold = process_lock();
    address_space_t *const space = process->space_references != 0 ? process->space : NULL;
    process->space_references += space != NULL;
    process_unlock(hold);
    return space;
}

void process_space_put(process_t *process)
{
    const spinlock_hold_t hold = process_lock();
    const bool is_last = --process->space_references == 0;
    process_unlock(hold);
    if (is_last) {
        address_space_destroy(process->space);
        process_leaks_tell(process); /* all else went before */
    }
}

/* ---- places ---- */

status_t process_table_add(process_t *process)
{
    status_t status = STATUS_BUSY;
    const spinlock_hold_t hold = process_lock();
    if (!process_table.is_open) {
        status = STATUS_NOT_READY;
    }
    for (uint32_t tries = 0; status == STATUS_BUSY && tries < PROCESS_COUNT_MAX; tries++) {
        const uint32_t pid = process_table.last_pid == INT32_MAX ? 1 : process_table.last_pid + 1;
        process_table.last_pid = pid;
        if (*process_place(pid) == NULL) {
            *process_place(pid) = process;
            process->pid = pid;
            status = STATUS_OK;
        }
    }
    if (status == STATUS_OK) {
        process_table.stats.created++;
        process_table.stats.live++;
    }
    process_unlock(hold);
    return status;
}

void process_table_remove(process_t *process)
{
    const spinlock_hold_t hold = process_lock();
    *process_place(process->pid) = NULL;
    process_table.stats.created--;
    process_table.stats.live--;
    process_unlock(hold);
    process_release(process);
}

/* ---- the queue ---- */

uint32_t process_enqueue(process_t *process)
{
    process->state = PROCESS_READY;
    list_push_back(&process_table.ready, &process->queue_link);
    if (process_table.idle_cpus == 0) {
        return cpu_current()->index;
    }
    const uint32_t idle = (uint32_t)__builtin_ctzll(process_table.idle_cpus);
    process_table.idle_cpus &= process_table.idle_cpus - 1;
    return idle;
}

void process_make_ready(process_t *process)
{
    const spinlock_hold_t hold = process_lock();
    const uint32_t idle = process_enqueue(process);
    process_unlock(hold);
    cpu_wake(idle);
}

process_t *process_take_ready(void)
{
    process_t *process = NULL;
    const uint32_t self = cpu_current()->index;
    const spinlock_hold_t hold = process_lock();
    process_table.idle_cpus &= ~(UINT64_C(1) << self);
    list_link_t *const link = process_table.is_open ? list_pop_front(&process_table.ready) : NULL;
    if (link != NULL) {
        process = CONTAINER_OF(link, process_t, queue_link);
        process->state = PROCESS_RUNNING;
        atomic_store_explicit(&process->cpu, self, memory_order_relaxed);
    }
    process_unlock(hold);
    return process;
}

bool process_cpu_goes_idle(void)
{
    const spinlock_hold_t hold = process_lock();
    const bool is_idle = !process_table.is_open || list_is_empty(&process_table.ready);
    if (is_idle) {
        process_table.idle_cpus |= UINT64_C(1) << cpu_current()->index;
    }
    process_unlock(hold);
    return is_idle;
}

status_t process_kill(uint32_t pid)
{
    uint32_t wake = cpu_current()->index;
    const spinlock_hold_t hold = process_lock();
    process_t *const process = process_at(pid);
    const bool is_alive = process != NULL && process->state != PROCESS_ENDED;
    if (is_alive) {
        atomic_store_explicit(&process->is_killed, true, memory_order_relaxed);
        if (process->state == PROCESS_WAITING) {
            wake = process_enqueue(process);
        } else if (process->state == PROCESS_RUNNING) {
            wake = atomic_load_explicit(&process->cpu, memory_order_relaxed);
        }
    }
    process_unlock(hold);
    if (!is_alive) {
        return STATUS_NOT_FOUND;
    }
    cpu_wake(wake);
    return STATUS_OK;
}

/* ---- looking ---- */

void process_count_more(process_count_t kind)
{
    atomic_fetch_add_explicit(&process_table.counts[kind], 1, memory_order_relaxed);
}

void process_count_taken_back(uint64_t handles, uint64_t pages)
{
    const spinlock_hold_t hold = process_lock();
    process_table.stats.handles_taken_back += handles;
    process_table.stats.pages_taken_back += pages;
    process_unlock(hold);
}

void process_count_leaked(uint64_t objects)
{
    const spinlock_hold_t hold = process_lock();
    process_table.stats.objects_leaked += objects;
    process_unlock(hold);
}

void process_stats(process_stats_t *stats)
{
    const spinlock_hold_t hold = process_lock();
    *stats = process_table.stats;
    process_unlock(hold);
    stats->slices = atomic_load_explicit(&process_table.counts[PROCESS_COUNT_SLICES], memory_order_relaxed);
    stats->calls = atomic_load_explicit(&process_table.counts[PROCESS_COUNT_CALLS], memory_order_relaxed);
}

const char *process_state_name(process_state_t state)
{
    static const char *const names[] = {
        [PROCESS_READY] = "ready",
        [PROCESS_RUNNING] = "running",
        [PROCESS_WAITING] = "waiting",
        [PROCESS_ENDED] = "ended",
    };
    return names[state];
}

bool process_next(uint32_t after, process_info_t *info)
{
    const spinlock_hold_t hold = process_lock();
    const process_t *found = NULL;
    for (size_t place = 0; place < PROCESS_COUNT_MAX; place++) {
        const process_t *const process = process_table.places[place];
        if (process != NULL && process->pid > after && (found == NULL || process->pid < found->pid)) {
            found = process;
        }
    }
    if (found != NULL) {
        *info = (process_info_t){
            .pid = found->pid,
            .parent = found->parent,
            .state = process_state_name(found->state),
            .cpu = atomic_load_explicit(&found->cpu, memory_order_relaxed),
            .ticks = atomic_load_explicit(&found->ticks, memory_order_relaxed),
            .calls = atomic_load_explicit(&found->calls, memory_order_relaxed),
            .faults = atomic_load_explicit(&found->faults, memory_order_relaxed),
        };
        __builtin_memcpy(info->name, found->name, sizeof(info->name));
    }
    process_unlock(hold);
    return found != NULL;
}

/* What is wrong with one record at its place, or NULL. The caller holds the lock. */
static const char *validate_record(size_t place, const process_t *process)
{
    if (process->pid % PROCESS_COUNT_MAX != place || process->references == 0 || process->state > PROCESS_ENDED) {
        return "T1";
    }
    if (list_is_linked(&process->queue_link) != (process->state == PROCESS_READY)) {
        return "T2";
    }
    if (process->parent != 0) {
        const process_t *const parent = process_at(process->parent);
        if (parent == NULL || parent->state == PROCESS_ENDED || process->is_detached) {
            return "T3";
        }
    }
    return process->state == PROCESS_ENDED && process->is_detached ? "T4" : NULL;
}

const char *process_validate(void)
{
    const char *broken = NULL;
    uint64_t ready = 0;
    uint64_t live = 0;
    const spinlock_hold_t hold = process_lock();
    for (size_t place = 0; place < PROCESS_COUNT_MAX && broken == NULL; place++) {
        const process_t *const process = process_table.places[place];
        if (process != NULL) {
            broken = validate_record(place, process);
            ready += process->state == PROCESS_READY;
            live += process->state != PROCESS_ENDED;
        }
    }
    uint64_t queued = 0;
    if (process_table.is_open) {
        LIST_FOR_EACH(&process_table.ready, link)
        {
            queued++;
        }
    }
    const process_stats_t *const stats = &process_table.stats;
    if (broken == NULL && queued != ready) {
        broken = "T2";
    }
    if (broken == NULL && (stats->live != live || stats->live != stats->created - stats->ended ||
                           stats->ended != stats->exits + stats->faults + stats->kills + stats->out_of_memory)) {
        broken = "T5";
    }
    process_unlock(hold);
    return broken;
}
