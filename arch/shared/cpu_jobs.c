/*
 * One slot a CPU: the coordinator writes argument, then function with release order; the CPU runs it and clears
 * function with release order, which is what "done" means.
 *
 * Relies on cpu_wake() leaving a CPU's next cpu_wait_for_interrupt() short, so that a post between look and wait
 * isn't lost.
 */
#include "arch/cpu_jobs.h"

#include <stdatomic.h>

#include "base/check.h"

typedef struct cpu_job {
    void (*_Atomic function)(void *argument);
    void *argument;
} ALIGNED(CACHE_LINE_BYTES) cpu_job_t;

static cpu_job_t jobs[CPU_COUNT_MAX];

static bool (*_Atomic idle_work)(void);

/* What cpu_jobs_run_on_all() hands to one CPU. */
typedef struct shared_work {
    void (*function)(void *argument, uint32_t index);
    void *argument;
} shared_work_t;

void cpu_jobs_set_idle_work(bool (*work)(void))
{
    atomic_store_explicit(&idle_work, work, memory_order_release);
    for (uint32_t index = 0; work != NULL && index < cpu_count(); index++) {
        cpu_wake(index);
    }
}

void cpu_jobs_idle(void)
{
    cpu_job_t *const job = &jobs[cpu_current()->index];
    for (;;) {
        void (*const function)(void *) = atomic_load_explicit(&job->function, memory_order_acquire);
        if (function == NULL) {
            bool (*const work)(void) = atomic_load_explicit(&idle_work, memory_order_acquire);
            if (work == NULL || !work()) {
                cpu_wait_for_interrupt();
            }
            continue;
        }
        function(job->argument);
        atomic_store_explicit(&job->function, NULL, memory_order_release);
    }
}

status_t cpu_jobs_post(uint32_t index, void (*function)(void *argument), void *argument)
{
    CHECK(index < cpu_count() && index != cpu_current()->index, "job for no other CPU");
    cpu_job_t *const job = &jobs[index];
    if (atomic_load_explicit(&job->function, memory_order_acquire) != NULL) {
        return STATUS_BUSY;
    }
    job->argument = argument;
    atomic_store_explicit(&job->function, function, memory_order_release);
    cpu_wake(index);
    return STATUS_OK;
}

bool cpu_jobs_is_done(uint32_t index)
{
    return atomic_load_explicit(&jobs[index].function, memory_order_acquire) == NULL;
}

static void run_shared_work(void *argument)
{
    const shared_work_t *const work = argument;
    work->function(work->argument, cpu_current()->index);
}

void cpu_jobs_run_on_all(uint32_t count, void (*function)(void *argument, uint32_t index), void *argument)
{
    CHECK(count >= 1 && count <= cpu_count() && cpu_current()->index == 0, "job for CPUs that do not run");
    shared_work_t work = {function, argument};
    for (uint32_t index = 1; index < count; index++) {
        while (cpu_jobs_post(index, run_shared_work, &work) != STATUS_OK) {
            cpu_relax();
        }
    }
    function(argument, 0);
    for (uint32_t index = 1; index < count; index++) {
        while (!cpu_jobs_is_done(index)) {
            cpu_relax();
        }
    }
}
