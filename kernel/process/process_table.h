/*
 * The table of processes as process_table.c and process_end.c know it; process_table.c tells its invariants.
 */
#ifndef KERNEL_PROCESS_PROCESS_TABLE_H
#define KERNEL_PROCESS_PROCESS_TABLE_H

#include "process_internal.h"

typedef struct process_table {
    spinlock_t lock;
    bool is_open;
    process_t *places[PROCESS_COUNT_MAX];
    uint32_t last_pid;
    list_t ready;
    uint64_t idle_cpus; /* bit i: CPU i waits for work */
    process_stats_t stats;
    _Atomic uint64_t counts[PROCESS_COUNT_OF_KINDS];
} process_table_t;

extern process_table_t process_table;

static inline process_t **process_place(uint32_t pid)
{
    return &process_table.places[pid % PROCESS_COUNT_MAX];
}

/* The process of that number, or NULL. The caller holds the lock. */
static inline process_t *process_at(uint32_t pid)
{
    process_t *const process = *process_place(pid);
    return process != NULL && process->pid == pid ? process : NULL;
}

/* Puts it on the queue. Returns a CPU to wake, or this one, which needs no waking. The caller holds the lock. */
MUST_USE uint32_t process_enqueue(process_t *process);

#endif
