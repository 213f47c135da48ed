/*
 * What callers get wrong around the allocators: boot steps, contexts, CPUs, files, locks, and the host port's own start.
 */
#include "arch/cpu.h"
#include "arch/cpu_jobs.h"
#include "arch/machine.h"
#include "base/spinlock.h"
#include "fs/kfs.h"
#include "host.h"
#include "mm/allocation_context.h"
#include "mm/init.h"
#include "testing/host/mistakes.h"

static void do_nothing(void *argument)
{
    (void)argument;
}

static void do_nothing_on_all(void *argument, uint32_t index)
{
    (void)argument;
    (void)index;
}

static void say_nothing(const kfs_node_t *node, text_writer_t *writer)
{
    (void)node;
    text_string(writer, "nothing\n");
}

/* ---- boot ---- */

static void starting_with_too_many_steps(void)
{
    static const init_step_t steps[INIT_STEP_MAX + 1];
    static init_sequence_t sequence;
    init_sequence_start(&sequence, steps, INIT_STEP_MAX + 1, NULL);
}

static void attaching_the_boot_cpu_twice(void)
{
    mistake_needs(allocation_contexts_attach_boot(cpu_current()) != STATUS_OK, "it was attached again");
}

static void detaching_the_boot_cpu(void)
{
    allocation_contexts_detach(cpu_current());
}

/* ---- CPUs ---- */

static void posting_a_job_to_oneself(void)
{
    (void)cpu_jobs_post(cpu_current()->index, do_nothing, NULL);
}

static void posting_a_job_to_nobody(void)
{
    (void)cpu_jobs_post(cpu_count(), do_nothing, NULL);
}

static void running_a_job_on_no_cpus(void)
{
    cpu_jobs_run_on_all(0, do_nothing_on_all, NULL);
}

static void running_a_job_on_more_cpus_than_run(void)
{
    cpu_jobs_run_on_all(cpu_count() + 1, do_nothing_on_all, NULL);
}

static void looking_for_no_cpu(void)
{
    (void)cpu_by_index(cpu_count());
}

static void waking_no_cpu(void)
{
    cpu_wake(cpu_count());
}

static void interrupting_no_cpu(void)
{
    (void)cpu_interrupt(cpu_count(), do_nothing, NULL);
}

/* ---- files ---- */

static void closing_a_file_twice(void)
{
    static kfs_t kfs;
    static kfs_node_t node = {.name = "file", .read = say_nothing};
    kfs_file_t *file = NULL;
    kfs_init(&kfs);
    mistake_needs(kfs_add(&kfs, "//", &node) == STATUS_OK && kfs_open(&kfs, "//file", &file) == STATUS_OK, "no file");
    kfs_close(file);
    kfs_close(file);
}

/* ---- the host port ---- */

static void starting_the_host_twice(void)
{
    (void)host_start(MIB(64));
}

static void counting_cpus_that_run_already(void)
{
    host_set_cpu_count(2);
}

static void backing_what_is_no_page_word(void)
{
    static uint64_t elsewhere;
    (void)machine_back_page_words(&elsewhere, NULL, NULL);
}

/* ---- locks: checked in debug builds only ---- */

#ifdef QUARRY_DEBUG
static void take_in_this_order(lock_rank_t first, lock_rank_t second)
{
    static spinlock_t locks[2];
    spinlock_init(&locks[0], first);
    spinlock_init(&locks[1], second);
    const spinlock_hold_t outer = spinlock_lock(&locks[0]);
    const spinlock_hold_t inner = spinlock_lock(&locks[1]);
    spinlock_unlock(&locks[1], inner);
    spinlock_unlock(&locks[0], outer);
}

static void taking_locks_against_the_order(void)
{
    take_in_this_order(LOCK_RANK_CACHES, LOCK_RANK_CACHE); /* the right way round; must not end anything */
    take_in_this_order(LOCK_RANK_PAGE_TREE, LOCK_RANK_CACHE);
}

static void taking_two_locks_of_one_rank(void)
{
    take_in_this_order(LOCK_RANK_CACHE, LOCK_RANK_CACHE);
}
#endif

const mistake_t system_mistakes[] = {
    MISTAKE(starting_with_too_many_steps, "too many init steps"),
    MISTAKE(attaching_the_boot_cpu_twice, "boot CPU attached twice"),
    MISTAKE(detaching_the_boot_cpu, "the boot CPU keeps its contexts"),
    MISTAKE(posting_a_job_to_oneself, "job for no other CPU"),
    MISTAKE(posting_a_job_to_nobody, "job for no other CPU"),
    MISTAKE(running_a_job_on_no_cpus, "job for CPUs that do not run"),
    MISTAKE(running_a_job_on_more_cpus_than_run, "job for CPUs that do not run"),
    MISTAKE(looking_for_no_cpu, "no such CPU"),
    MISTAKE(waking_no_cpu, "no such CPU"),
    MISTAKE(interrupting_no_cpu, "no such CPU"),
    MISTAKE(closing_a_file_twice, "file closed twice"),
    MISTAKE(starting_the_host_twice, "host started twice or with an odd size"),
    MISTAKE(counting_cpus_that_run_already, "host CPU count out of range or too late"),
    MISTAKE(backing_what_is_no_page_word, "no page word"),
#ifdef QUARRY_DEBUG
    MISTAKE(taking_locks_against_the_order, "lock order violated"),
    MISTAKE(taking_two_locks_of_one_rank, "lock order violated"),
#endif
    MISTAKES_END,
};
