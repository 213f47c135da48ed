/*
 * Processes: programs in user mode, each in an address space of its own.
 *
 * A process is a record, its registers and its space; it has no kernel stack. Whoever calls process_run_slice() runs
 * one of those that are ready for a slice of time: every other CPU when idle, the boot CPU while its shell waits. The
 * timer takes the CPU from a program that does not give it up. A program that does what it has no right to is
 * reported and ended; everything it had comes back, and the others go on.
 *
 * Thread context of any CPU unless said otherwise; the caller holds no lock.
 */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"
#include "fs/kfs.h"
#include "kernel/system_calls.h"

#define PROCESS_COUNT_MAX          1024u /* those that nobody has waited for yet included */
#define PROCESS_ARGUMENTS_MAX      32u   /* words */
#define PROCESS_ARGUMENT_BYTES_MAX 3072u /* of all words, ends included */

/* Where what a process writes goes, and reports about it. Called from any CPU in thread context, also at once. */
typedef struct process_sink {
    void (*write)(void *context, const char *bytes, size_t length);
    void (*report)(void *context, const char *line);
    void *context;
} process_sink_t;

/* The kernel's console and log. */
extern const process_sink_t process_console;

/*
 * A process to be. All that is pointed at is copied but the sink, which outlives the process and its descendants, and
 * bytes[], if it says that these do.
 */
typedef struct process_request {
    const char *name;     /* cut to SYSTEM_NAME_MAX characters */
    const uint8_t *bytes; /* its ELF file */
    size_t size;
    uint16_t machine; /* what the file has to be for */
    size_t argument_count;
    const char *const *arguments; /* the first is its name by custom */
    const process_sink_t *sink;
    bool is_detached;     /* nobody will collect it: it vanishes when it ends */
    bool is_file_lasting; /* bytes[] outlives it and its descendants: functions have names in reports of faults */
} process_request_t;

/*
 * Starts a process and stores its number. Returns what elf_read() says of the file, STATUS_OUT_OF_RANGE for too many
 * arguments, STATUS_BUSY when there are PROCESS_COUNT_MAX already, STATUS_NOT_READY before process_init(), and
 * STATUS_NO_MEMORY; nothing is then left of it.
 */
MUST_USE status_t process_start(const process_request_t *request, uint32_t *pid);

/* Tells how a process that was started here ended, and forgets it. STATUS_BUSY while it lives, STATUS_NOT_FOUND. */
MUST_USE status_t process_collect(uint32_t pid, system_result_t *result);

/* Runs processes on this CPU until that one has ended, then collects it. STATUS_NOT_FOUND. */
MUST_USE status_t process_wait(uint32_t pid, system_result_t *result);

/* Has a process end when it next would run, at once or very soon. STATUS_NOT_FOUND. */
MUST_USE status_t process_kill(uint32_t pid);

/* Runs the process that has waited longest for a slice of time. Returns false when none is ready. */
bool process_run_slice(void);

/* What a CPU does when it has nothing else to do, for cpu_jobs_set_idle_work(); true when there was something. */
bool process_idle_work(void);

/* ---- the whole ---- */

/* Begins, and makes //proc and //kern/process in `kfs`. Boot CPU, after virtual memory. */
MUST_USE status_t process_init(kfs_t *kfs);

/*
 * Ends all processes and takes the files away. Returns how many could not be ended. Boot CPU, others idle or stopped.
 */
uint64_t process_shutdown(void);

/* Numbers since process_init(): live = created - ended; ended = exits + faults + kills + out_of_memory. */
#define PROCESS_STATS_FIELDS(FIELD)                                                        \
    FIELD(live)                                                                            \
    FIELD(created)                                                                         \
    FIELD(ended)                                                                           \
    FIELD(exits)                                                                           \
    FIELD(faults)                                                                          \
    FIELD(kills)                                                                           \
    FIELD(out_of_memory)                                                                   \
    FIELD(slices)             /* times that a process was given a CPU */                   \
    FIELD(calls)              /* system calls */                                           \
    FIELD(handles_taken_back) /* what processes had open when they ended */                \
    FIELD(pages_taken_back)   /* pages that they had in use when they ended */             \
    FIELD(records)            /* live ones, those not collected, and those with readers */ \
    FIELD(objects_leaked)     /* kernel objects that outlived their processes, as far as caches are tracked */

typedef struct process_stats {
#define PROCESS_STATS_DECLARE(field) uint64_t field;
    PROCESS_STATS_FIELDS(PROCESS_STATS_DECLARE)
#undef PROCESS_STATS_DECLARE
} process_stats_t;

void process_stats(process_stats_t *stats);

/*
 * What a program that the kernel starts may have at once, together with all its descendants: its family. 0: as much as
 * without saying, half of memory for pages, and PROCESS_AREAS_USUAL and PROCESS_FAMILY_USUAL.
 *
 * Pages are frames, page tables, pages of memory objects that the family made, and snapshots of files that it has open.
 * A page that several of the family use is counted once. Who reaches a limit by a system call gets STATUS_OVER_QUOTA;
 * by using memory, is ended as when memory is out (SYSTEM_END_MEMORY), and the report says "over quota".
 */
#define PROCESS_AREAS_USUAL  16384u
#define PROCESS_FAMILY_USUAL (PROCESS_COUNT_MAX / 2)

typedef struct process_limits {
    uint64_t pages;
    uint64_t areas;
    uint64_t processes; /* those that nobody has waited for included */
} process_limits_t;

/* For programs started from now on. Before or after process_init(). */
void process_limits_set(const process_limits_t *limits);

/* As set, with numbers for what was 0. */
void process_limits(process_limits_t *limits);

/* The process that the calling CPU works for, or 0: slab_debug_hooks_t.owner. Any context. */
uint32_t process_owner(void);

/* NULL, or the name of the first broken invariant of the table ("T1"; kernel/process/process_table.c). */
const char *process_validate(void);

/* ---- the image's own programs ---- */

/* Starts the program of that name out of the image. STATUS_NOT_FOUND when there is none; else as process_start(). */
MUST_USE status_t process_start_program(size_t argument_count, const char *const *arguments, const process_sink_t *sink,
                                        bool is_detached, uint32_t *pid);

/* The name of program number `index`, or NULL past the last one. */
const char *process_program_name(size_t index);

/* What `ps` shows of one process. */
typedef struct process_info {
    uint32_t pid;
    uint32_t parent; /* 0: the kernel */
    char name[SYSTEM_NAME_MAX + 1];
    const char *state; /* "ready", "running", "waiting", "ended" */
    uint32_t cpu;      /* where it runs, or ran last */
    uint64_t ticks;    /* of the timer, while it ran */
    uint64_t calls;
    uint64_t faults; /* resolved ones included */
} process_info_t;

/* The process with the lowest number above `after`. False when there is none. */
MUST_USE bool process_next(uint32_t after, process_info_t *info);

#endif
