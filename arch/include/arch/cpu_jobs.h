/*
 * Work for other CPUs in thread context: what the shell's stress command and the concurrency suites run on.
 *
 * Every CPU but the first spends its life in cpu_jobs_idle(); a job is a function and its argument, posted to one
 * CPU. One coordinator at a time (thread context of one CPU) posts and waits.
 */
#ifndef ARCH_CPU_JOBS_H
#define ARCH_CPU_JOBS_H

#include <stdbool.h>

#include "arch/cpu.h"

/* The idle function for cpu_start_all(): runs jobs as they come, waits for interrupts in between; never returns. */
void cpu_jobs_idle(void);

/*
 * Gives idle CPUs something to do: `work` does a bit and returns true, or false when there is nothing. It is called
 * when there is no job, and not again after a false until the next interrupt or wake. NULL: nothing more. Boot CPU.
 */
void cpu_jobs_set_idle_work(bool (*work)(void));

/* Posts function(argument) to CPU `index`, which is not the caller's. STATUS_BUSY while that CPU still has a job. */
MUST_USE status_t cpu_jobs_post(uint32_t index, void (*function)(void *argument), void *argument);

/* Whether the job posted last to CPU `index` is done (true also when there never was one). */
bool cpu_jobs_is_done(uint32_t index);

/*
 * Runs function(argument, index) on CPUs 0 to count - 1 at once, 0 being the caller's, and returns when all are done.
 * `count` is at most cpu_count(); the caller runs on CPU 0.
 */
void cpu_jobs_run_on_all(uint32_t count, void (*function)(void *argument, uint32_t index), void *argument);

#endif
