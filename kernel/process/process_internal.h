/*
 * What the files of this folder share: the record of a process, and who may touch which part of it.
 *
 * Three kinds of fields: what never changes after creation; what the table's lock guards; and what belongs to the CPU
 * that runs the process (state RUNNING), or to whoever made it, before it is first READY. Counters are written by the
 * running CPU and read by anyone, relaxed.
 */
#ifndef KERNEL_PROCESS_PROCESS_INTERNAL_H
#define KERNEL_PROCESS_PROCESS_INTERNAL_H

#include "arch/user.h"
#include "base/list.h"
#include "base/spinlock.h"
#include "kernel/process.h"
#include "mm/address_space.h"
#include "mm/stats.h"

typedef enum process_state {
    PROCESS_READY,   /* on the queue */
    PROCESS_RUNNING, /* on a CPU, or being made */
    PROCESS_WAITING, /* for a child to end: makes its system call again when woken */
    PROCESS_ENDED,   /* has nothing any more; its result waits to be collected */
} process_state_t;

/* A KFS file that one or more processes have open. */
typedef struct open_file {
    kfs_file_t *file;
    quota_t *quota;      /* that its snapshot counts for */
    uint64_t pages;      /* as so many */
    uint32_t references; /* the table's lock */
} open_file_t;

/* One entry of a process's table of handles: nothing, a file, or an object. */
typedef struct process_handle {
    open_file_t *file;
    memory_object_t *object;
} process_handle_t;

#define PROCESS_FILES 3u /* in //proc/<pid> */

typedef struct process {
    /* Never changes. */
    uint32_t pid;
    char name[SYSTEM_NAME_MAX + 1];
    const process_sink_t *sink;
    const uint8_t *file; /* its ELF file, if that stays; or NULL */
    size_t file_size;
    quota_t *quota; /* shared with its ancestors that the kernel started, and all their descendants */

    /* The table's lock. */
    process_state_t state;
    uint32_t parent; /* 0: the kernel */
    bool is_detached;
    bool is_ending;            /* takes nothing any more */
    uint32_t waits_for;        /* a child's number */
    uint32_t references;       /* the table's, and those of nodes and readers: the record lives while there is one */
    uint32_t space_references; /* the process's own, and readers' */
    list_link_t queue_link;
    process_handle_t handles[SYSTEM_HANDLES_MAX];
    system_result_t result; /* when ENDED */

    /* The running CPU's. */
    address_space_t *space;
    user_state_t user;
    int64_t call_result;  /* for the call that it made last */
    bool has_call_result; /* to be handed over before it goes on */
    bool repeats_call;    /* it was woken in a call that has to be made again */

    /* Written by the running CPU, or under the lock; read by anyone. */
    _Atomic bool is_killed;
    _Atomic uint32_t cpu;
    _Atomic uint64_t ticks;
    _Atomic uint64_t calls;
    _Atomic uint64_t faults;
    _Atomic uint64_t slices;
    address_space_stats_t last_stats; /* of the space, when it ended */

    /* //proc/<pid> and what is in it. */
    char pid_text[12];
    kfs_node_t directory;
    kfs_node_t files[PROCESS_FILES];
} process_t;

/* ---- process_table.c ---- */

typedef enum process_count { PROCESS_COUNT_SLICES, PROCESS_COUNT_CALLS, PROCESS_COUNT_OF_KINDS } process_count_t;

/* The lock over the table, the queue, and the fields above. */
MUST_USE spinlock_hold_t process_lock(void);
void process_unlock(spinlock_hold_t hold);

/* From process_init() to process_shutdown() there can be processes. */
void process_table_open(void);
void process_table_close(void);

/*
 * A new record, not in the table, without a space; RUNNING, one reference. It counts for the quota, to which it keeps
 * a reference. STATUS_NO_MEMORY, STATUS_OVER_QUOTA.
 */
MUST_USE status_t process_record_create(const char *name, const process_sink_t *sink, quota_t *quota,
                                        process_t **created);

/* Gives the record a number and a place in the table, which takes over the reference. STATUS_BUSY, STATUS_NOT_READY. */
MUST_USE status_t process_table_add(process_t *process);

/* Takes a record that never ran out of the table again. */
void process_table_remove(process_t *process);

/* One reference more or less; the last one frees the record. */
void process_retain(process_t *process);
void process_release(process_t *process);

/* The process of that number with a reference, or NULL. */
MUST_USE process_t *process_find(uint32_t pid);

/*
 * Gives a record that is being made its space. Then: the space with a reference, or NULL when there is none yet or any
 * more; and back. The last reference destroys the space.
 */
void process_space_set(process_t *process, address_space_t *space);
MUST_USE address_space_t *process_space_get(process_t *process);
void process_space_put(process_t *process);

/* Makes it READY and sees that somebody runs it. */
void process_make_ready(process_t *process);

/* The next one to run, now RUNNING here; NULL when none is ready. */
MUST_USE process_t *process_take_ready(void);

/* Has it wait for its child waits_for, unless that has ended by now: then it is READY again. */
void process_block(process_t *process);

/* Marks the calling CPU as one to be woken for a process that is ready; false when there is one already. */
MUST_USE bool process_cpu_goes_idle(void);

/* Its last step: it holds nothing any more. Wakes who waits for it; children become the kernel's. */
void process_table_end(process_t *process, const system_result_t *result);

/*
 * For the call wait: the result of child *pid (0: of any, whose number is then stored), if it has ended.
 * STATUS_NOT_FOUND: no such child; STATUS_BUSY: it lives.
 */
MUST_USE status_t process_child_result(const process_t *parent, uint32_t *pid, system_result_t *result);

/* For the call grant: gives a child that lives a handle, reference and all. STATUS_NOT_FOUND, STATUS_BUSY. */
MUST_USE status_t process_child_give(const process_t *parent, uint64_t pid, process_handle_t handle, uint64_t *index);

/* Forgets an ended child. */
void process_child_forget(const process_t *parent, uint32_t pid);

void process_count_more(process_count_t kind);
void process_count_taken_back(uint64_t handles, uint64_t pages);
void process_count_leaked(uint64_t objects);

/* ---- process.c ---- */

/* process_start() without its last step: it is complete, and not READY yet. */
MUST_USE status_t process_create(const process_request_t *request, process_t **created);

/* A child with a copy of all of the parent's; it is not READY yet. */
MUST_USE status_t process_clone(process_t *parent, process_t **child);

/* Ends the process that this CPU runs, whose space is not active any more. */
void process_end(process_t *process, system_end_t end, int64_t status);

/* ---- process_leaks.c ---- */

/* From now on this CPU works for that process, or for nobody (0); returns for whom it did. */
uint32_t process_work_for(uint32_t pid);

/* Tells what was allocated for the process and is still live: it has ended, and all that it had was taken back. */
void process_leaks_tell(process_t *process);

/* Writes the row of leak *number, or of the oldest that is kept, and moves *number on. False when there is none. */
MUST_USE bool process_leak_kept(uint64_t *number, text_writer_t *writer);

/* ---- process_limits.c ---- */

/* Finds out how much memory there is. */
void process_limits_open(void);

/* A quota of what a program and its descendants may have. STATUS_NO_MEMORY. */
MUST_USE status_t process_quota_create(quota_t **created);

/* ---- process_load.c ---- */

/* Where a new program starts. */
typedef struct process_start_point {
    uintptr_t entry;
    uintptr_t stack;
    uint64_t argument;
} process_start_point_t;

MUST_USE status_t process_load(address_space_t *space, const process_request_t *request, process_start_point_t *start);

/* ---- process_handles.c ---- */

/*
 * Puts a file or object, whose reference it takes over, into a free entry: the result of the call that made it, which
 * is the entry's number, or minus STATUS_BUSY when none is free; the reference is then given back.
 */
MUST_USE int64_t process_handle_add(process_t *process, process_handle_t handle);

/* Puts it into a free entry. STATUS_BUSY: none is free, and nothing was done. The caller holds the table's lock. */
MUST_USE status_t process_handle_put_in(process_t *process, process_handle_t handle, uint64_t *index);

/* An entry of that kind with a reference of its own; process_handle_put() gives it back. STATUS_NOT_FOUND. */
typedef enum process_handle_kind { PROCESS_HANDLE_FILE, PROCESS_HANDLE_OBJECT } process_handle_kind_t;
MUST_USE status_t process_handle_get(process_t *process, uint64_t index, process_handle_kind_t kind,
                                     process_handle_t *handle);
void process_handle_put(process_handle_t handle);

/* Opens a file for a process's family. As kfs_open(), and STATUS_OVER_QUOTA. */
MUST_USE status_t process_file_open(const process_t *process, const char *path, open_file_t **opened);

MUST_USE status_t process_handle_close(process_t *process, uint64_t index);

/* Copies all handles, with references. `child` is not in use yet. */
void process_handles_copy(process_t *parent, process_t *child);

/* Closes all; returns how many there were. */
uint64_t process_handles_close_all(process_t *process);

/* ---- process_calls.c ---- */

/* What the maker of a system call does next. */
typedef enum process_next_step {
    PROCESS_GOES_ON,
    PROCESS_YIELDS,
    PROCESS_BLOCKS, /* and makes the call again when woken; there is no result yet */
    PROCESS_EXITS,  /* with *result as its status */
} process_next_step_t;

/* Does one system call, any numbers whatever, for a process that this CPU runs, or that nobody does. */
MUST_USE process_next_step_t process_call(process_t *process, uint64_t number,
                                          const uint64_t arguments[USER_CALL_ARGUMENTS], int64_t *result);

/* ---- process_call_memory.c, process_call_files.c: calls of one subject ---- */

typedef int64_t (*process_call_function_t)(process_t *process, const uint64_t *arguments);

int64_t process_call_map(process_t *process, const uint64_t *arguments);
int64_t process_call_unmap(process_t *process, const uint64_t *arguments);
int64_t process_call_protect(process_t *process, const uint64_t *arguments);
int64_t process_call_object_create(process_t *process, const uint64_t *arguments);
int64_t process_call_object_map(process_t *process, const uint64_t *arguments);
int64_t process_call_grant(process_t *process, const uint64_t *arguments);

int64_t process_call_open(process_t *process, const uint64_t *arguments);
int64_t process_call_read(process_t *process, const uint64_t *arguments);
int64_t process_call_readdir(process_t *process, const uint64_t *arguments);
int64_t process_call_stat(process_t *process, const uint64_t *arguments);
int64_t process_call_close(process_t *process, const uint64_t *arguments);

/* A status as a system call's result. */
static inline int64_t process_result_of(status_t status)
{
    return -(int64_t)status;
}

/* ---- process_report.c ---- */

/* Tells the sink about a fault that ends the process: what, where, registers, backtrace. */
void process_report_fault(process_t *process, const trap_report_t *report, vm_fault_t fault);

/* ---- proc_nodes.c ---- */

/* The tree that processes see, and in which they are shown. */
extern kfs_t *process_kfs;

/* //proc/<pid>/mem: the space, and what there is of its family's quota. */
typedef struct process_memory {
    address_space_stats_t space;
    uint64_t quota_pages;
    uint64_t quota_pages_max;
    uint64_t quota_areas;
    uint64_t quota_areas_max;
} process_memory_t;

/* The layouts, with their laws, of process_memory_t and process_stats_t. */
extern const stats_layout_t process_memory_layout;
extern const stats_layout_t process_stats_layout;

MUST_USE status_t process_nodes_init(kfs_t *kfs);
void process_nodes_end(void);

/* Makes //proc/<pid>; takes it away, while readers may still have it open. */
MUST_USE status_t process_nodes_add(process_t *process);
void process_nodes_remove(process_t *process);

const char *process_state_name(process_state_t state);

/* Writes a process's name as one word. */
void process_write_name(text_writer_t *writer, const char *name);

#endif
