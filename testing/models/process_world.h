/*
 * What properties of processes have in common: programs of the image started with a sink that remembers, and the
 * certainty at the end that nothing is left of any of them.
 */
#ifndef TESTING_MODELS_PROCESS_WORLD_H
#define TESTING_MODELS_PROCESS_WORLD_H

#include "base/spinlock.h"
#include "kernel/process.h"
#include "testing/property/property.h"

#define PROCESS_WORLD_TEXT    3072u
#define PROCESS_WORLD_OUTPUTS 16u /* as many processes started last are remembered */

/* What there was before: of everything that a process takes. */
typedef struct process_balance {
    uint64_t objects; /* of kmalloc and all caches */
    uint64_t spaces;
    uint64_t memory_objects;
    uint64_t space_pages;
    uint64_t records;
    uint64_t live;
} process_balance_t;

/* What one process and its children said. */
typedef struct process_output {
    process_sink_t sink;
    spinlock_t lock; /* over the rest */
    uint32_t pid;
    char text[PROCESS_WORLD_TEXT];
    text_writer_t writer;
    char report[PROCESS_WORLD_TEXT];
    text_writer_t report_writer;
} process_output_t;

typedef struct process_world {
    property_run_t *run;
    process_output_t outputs[PROCESS_WORLD_OUTPUTS];
    size_t started;
    process_balance_t before;
} process_world_t;

/* Makes a world, and has the run check at its end that all came back. Whatever runs then is killed first. */
process_world_t *process_world_open(property_run_t *run);

/* Starts a program of up to four words, the last of which may be NULL. */
MUST_USE status_t process_world_start(process_world_t *world, uint32_t *pid, const char *name, const char *first,
                                      const char *second, const char *third);

/* Whether that process wrote `part`, or it was reported of it. */
bool process_world_wrote(process_world_t *world, uint32_t pid, const char *part);
bool process_world_reported(process_world_t *world, uint32_t pid, const char *part);

/* All that is remembered of a process. */
const process_output_t *process_world_output(process_world_t *world, uint32_t pid);

/* Expects that no process lives and that nothing more is in use than at the beginning. */
void process_world_expect_balance(process_world_t *world);

/* Ends all processes, and collects them. */
void process_world_end_all(void);

/* What the machine's boot does in an image, once, where there was none: testing/fakes/process_host.c. */
void process_world_boot(void);

#endif
