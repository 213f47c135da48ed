/*
 * The page allocator under all CPUs at once, and under interrupts.
 *
 * Needs the CPUs to be up, with cpu_jobs_idle() as their idle function (arch/cpu_jobs.h). With one CPU the properties
 * hold all the same, and say less.
 */
#include "arch/cpu_jobs.h"
#include "arch/inline.h"
#include "base/relaxed.h"
#include "mm/pages.h"
#include "mm/pages/page_tree.h"
#include "testing/property/property.h"

#define CPUS_MAX     8u
#define MAILBOXES    32u
#define LOCAL_MAX    24u
#define ROUNDS       2000u
#define LAST_WORD    (PAGE_SIZE / sizeof(uint64_t) - 1)
#define READER_PAUSE 1000u

static uint32_t cpus_used(void)
{
    return cpu_count() < CPUS_MAX ? cpu_count() : CPUS_MAX;
}

static void write_stamp(void *page, uint64_t stamp)
{
    uint64_t *const words = page;
    words[0] = stamp;
    words[LAST_WORD] = stamp;
}

static bool has_stamp(const void *page, uint64_t stamp)
{
    const uint64_t *const words = page;
    return words[0] == stamp && words[LAST_WORD] == stamp;
}

/* A page's stamp is its own address: whoever gets it can tell that it is whole. */
static uint64_t stamp_of(const void *page)
{
    return (uint64_t)(uintptr_t)page ^ UINT64_C(0x5175617272790001);
}

static void expect_as_at_start(property_run_t *run, const pages_stats_t *before)
{
    pages_stats_t after;
    pages_drain_contexts();
    pages_stats(&after);
    PROPERTY_EXPECT_VALID(run, pages_validate());
    PROPERTY_EXPECT_EQUAL(run, after.pages_allocated, before->pages_allocated);
    PROPERTY_EXPECT_EQUAL(run, after.pages_free + after.pages_reserved, before->pages_free + before->pages_reserved);
}

/* Lets no CPU begin before all are there: a job is over in less time than the next CPU takes to notice it. */
static void wait_for_all(_Atomic uint32_t *arrived)
{
    atomic_fetch_add(arrived, 1);
    while (atomic_load(arrived) < cpus_used()) {
        cpu_relax();
    }
}

/* ---- everyone allocates, and frees what others allocated ---- */

typedef struct crowd {
    property_run_t *run;
    uint64_t seeds[CPUS_MAX];
    void *_Atomic mailboxes[MAILBOXES]; /* single pages on their way to another CPU */
    bool is_interrupted;                /* CPUs interrupt each other meanwhile */
    void *interrupt_pages[CPUS_MAX];    /* what the handlers of each CPU hold */
    _Atomic uint32_t arrived;
    _Atomic uint32_t working; /* CPUs that a reader of statistics still waits for */
} crowd_t;

typedef struct crowd_member {
    crowd_t *crowd;
    uint32_t index;
} crowd_member_t;

/* In interrupt context: takes a page, or gives back the one that the last interrupt took. */
static void use_pages_in_handler(void *argument)
{
    crowd_member_t *const member = argument;
    property_run_t *const run = member->crowd->run;
    void **const held = &member->crowd->interrupt_pages[cpu_current()->index];
    PROPERTY_EXPECT(run, cpu_current()->interrupt_depth == 1);
    if (*held != NULL) {
        PROPERTY_EXPECT(run, has_stamp(*held, stamp_of(*held)));
        pages_free(*held, 1);
        *held = NULL;
        return;
    }
    *held = pages_alloc(1);
    if (*held != NULL) {
        write_stamp(*held, stamp_of(*held));
    }
}

static void on_interrupt(void *argument)
{
    crowd_member_t *const member = argument;
    property_worker_run(member->crowd->run, use_pages_in_handler, member);
}

/* One handler's argument for each target, which outlives the property's last interrupt. */
static crowd_member_t interrupt_members[CPUS_MAX];

static void crowd_step(crowd_t *crowd, uint64_t *seed, void **local)
{
    property_run_t *const run = crowd->run;
    const uint64_t slot = property_worker_draw(seed, LOCAL_MAX);
    if (local[slot] == NULL) {
        local[slot] = pages_alloc(1);
        if (local[slot] != NULL) {
            write_stamp(local[slot], stamp_of(local[slot]));
        }
    } else if (property_worker_draw(seed, 2) == 0) {
        /* To whoever looks into that box next; what was in it is ours to free. */
        void *const page = atomic_exchange(&crowd->mailboxes[property_worker_draw(seed, MAILBOXES)], local[slot]);
        local[slot] = NULL;
        if (page != NULL) {
            PROPERTY_EXPECT(run, has_stamp(page, stamp_of(page)));
            pages_free(page, 1);
        }
    } else {
        PROPERTY_EXPECT(run, has_stamp(local[slot], stamp_of(local[slot])));
        pages_free(local[slot], 1);
        local[slot] = NULL;
    }
    if (property_worker_draw(seed, 8) == 0) {
        const size_t count = 2 + (size_t)property_worker_draw(seed, 100);
        char *const pages = pages_alloc(count);
        if (pages != NULL) {
            write_stamp(pages, *seed);
            write_stamp(pages + (count - 1) * PAGE_SIZE, *seed);
            PROPERTY_EXPECT(run, has_stamp(pages, *seed) && has_stamp(pages + (count - 1) * PAGE_SIZE, *seed));
            pages_free(pages, count);
        }
    }
    if (crowd->is_interrupted && property_worker_draw(seed, 4) == 0) {
        const uint32_t target = (uint32_t)property_worker_draw(seed, cpus_used());
        const status_t status = cpu_interrupt(target, on_interrupt, &interrupt_members[target]);
        PROPERTY_EXPECT(run, status == STATUS_OK || status == STATUS_BUSY);
    }
}

static void crowd_work(void *argument)
{
    const crowd_member_t *const member = argument;
    void *local[LOCAL_MAX] = {0};
    uint64_t seed = member->crowd->seeds[member->index];
    for (unsigned round = 0; round < ROUNDS && !property_worker_has_failed(member->crowd->run); round++) {
        crowd_step(member->crowd, &seed, local);
    }
    for (unsigned i = 0; i < LOCAL_MAX; i++) {
        if (local[i] != NULL) {
            pages_free(local[i], 1);
        }
    }
}

static void crowd_main(void *argument, uint32_t index)
{
    crowd_member_t member = {argument, index};
    wait_for_all(&member.crowd->arrived);
    property_worker_run(member.crowd->run, crowd_work, &member);
}

/* Waits until a CPU has taken its last interrupt: only then a new one is accepted. */
static void do_nothing(void *argument)
{
    (void)argument;
}

static void wait_for_interrupts(void)
{
    for (uint32_t i = 0; i < cpus_used(); i++) {
        for (unsigned twice = 0; twice < 2; twice++) {
            while (cpu_interrupt(i, do_nothing, NULL) == STATUS_BUSY) {
                cpu_relax();
            }
        }
    }
}

static void run_crowd(property_run_t *run, bool is_interrupted)
{
    crowd_t *const crowd = property_alloc(run, sizeof(*crowd));
    pages_stats_t before;
    pages_drain_contexts();
    pages_stats(&before);
    crowd->run = run;
    crowd->is_interrupted = is_interrupted;
    for (uint32_t i = 0; i < CPUS_MAX; i++) {
        crowd->seeds[i] = property_bits64(run);
        interrupt_members[i] = (crowd_member_t){crowd, i};
    }
    cpu_jobs_run_on_all(cpus_used(), crowd_main, crowd);
    if (is_interrupted) {
        wait_for_interrupts();
    }
    for (unsigned i = 0; i < MAILBOXES; i++) {
        if (crowd->mailboxes[i] != NULL) {
            pages_free(crowd->mailboxes[i], 1);
        }
    }
    for (unsigned i = 0; i < CPUS_MAX; i++) {
        if (crowd->interrupt_pages[i] != NULL) {
            pages_free(crowd->interrupt_pages[i], 1);
        }
    }
    if (!property_worker_has_failed(run)) {
        expect_as_at_start(run, &before);
    }
}

/*
 * Validates 2.1, 2.11, 3.7: on all CPUs at once, each page has one owner, keeps its contents, and comes back from any
 * CPU.
 */
static void cpus_never_share_a_page(property_run_t *run)
{
    run_crowd(run, false);
}

/* Validates 2.11: and with interrupt handlers that allocate in the middle of it. */
static void interrupt_handlers_allocate_in_the_middle_of_allocations(property_run_t *run)
{
    run_crowd(run, true);
}

/* ---- statistics while everyone works ---- */

static void read_statistics(void *argument)
{
    crowd_t *const crowd = argument;
    property_run_t *const run = crowd->run;
    do {
        pages_stats_t stats;
        pages_stats(&stats);
        PROPERTY_EXPECT_EQUAL(run, stats.pages_total,
                              stats.pages_free + stats.pages_allocated + stats.pages_invalid + stats.pages_reserved);
        PROPERTY_EXPECT(run, stats.pages_free <= stats.pages_total);
        PROPERTY_EXPECT(run, stats.pages_allocated <= stats.pages_total);
        for (unsigned i = 0; i < READER_PAUSE; i++) {
            cpu_relax(); /* the lock goes by order of arrival: without a pause the others would mostly wait for us */
        }
    } while (atomic_load(&crowd->working) > 0);
}

static void crowd_or_reader(void *argument, uint32_t index)
{
    crowd_t *const crowd = argument;
    if (index == 0) {
        wait_for_all(&crowd->arrived);
        property_worker_run(crowd->run, read_statistics, crowd);
        return;
    }
    crowd_main(crowd, index);
    atomic_fetch_sub(&crowd->working, 1);
}

/* Validates 2.14, 4.11: every snapshot adds up, whatever the other CPUs do meanwhile. */
static void statistics_add_up_while_cpus_work(property_run_t *run)
{
    crowd_t *const crowd = property_alloc(run, sizeof(*crowd));
    crowd->run = run;
    for (uint32_t i = 0; i < CPUS_MAX; i++) {
        crowd->seeds[i] = property_bits64(run);
    }
    atomic_store(&crowd->working, cpus_used() - 1);
    cpu_jobs_run_on_all(cpus_used(), crowd_or_reader, crowd);
    for (unsigned i = 0; i < MAILBOXES; i++) {
        if (crowd->mailboxes[i] != NULL) {
            pages_free(crowd->mailboxes[i], 1);
        }
    }
}

/* ---- one page, many frees ---- */

typedef struct race {
    char *start;
    size_t count;
    _Atomic uint32_t arrived;
    const char *messages[CPUS_MAX];
} race_t;

static void free_raced(void *argument)
{
    const race_t *const race = argument;
    pages_free(race->start, race->count);
}

static void race_main(void *argument, uint32_t index)
{
    race_t *const race = argument;
    wait_for_all(&race->arrived);
    race->messages[index] = check_trap_run(free_raced, race);
}

/* Validates 5.2, 2.11: of frees of one run at the same time, one succeeds, and all others are told. */
static void of_racing_frees_exactly_one_succeeds(property_run_t *run)
{
    race_t *const race = property_alloc(run, sizeof(*race));
    pages_stats_t before;
    pages_drain_contexts();
    pages_stats(&before);
    race->count = property_bool(run) ? 1 : property_range(run, 1, PAGES_PER_BLOCK);
    race->start = pages_alloc(race->count);
    PROPERTY_EXPECT(run, race->start != NULL);
    cpu_jobs_run_on_all(cpus_used(), race_main, race);
    uint32_t succeeded = 0;
    for (uint32_t i = 0; i < cpus_used(); i++) {
        succeeded += race->messages[i] == NULL;
        if (race->messages[i] != NULL) {
            PROPERTY_EXPECT_TEXT(run, "free of a free page", race->messages[i]);
        }
    }
    PROPERTY_EXPECT_EQUAL(run, succeeded, 1);
    expect_as_at_start(run, &before);
}

PROPERTY_SUITE(pages_concurrency, PROPERTY_EFFORT(cpus_never_share_a_page, 20, "2.1 2.11 3.7"),
               PROPERTY_EFFORT(interrupt_handlers_allocate_in_the_middle_of_allocations, 20, "2.11"),
               PROPERTY_EFFORT(statistics_add_up_while_cpus_work, 5, "2.14 4.11"),
               PROPERTY_EFFORT(of_racing_frees_exactly_one_succeeds, 50, "2.11 5.2"));
