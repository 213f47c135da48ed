/*
 * stress: allocator load on all CPUs, with the contents of every block checked, and a verdict.
 *
 * Each CPU has a table of blocks of its own and works on it at random: an empty place gets a block, filled with a pattern that
 * depends on its place and generation; a taken one is checked and then freed, resized, or exchanged for whatever lies in a slot that all
 * CPUs share, so that blocks are freed by other CPUs than allocated them. CPU 0 works in slices and in between shows progress,
 * looks for Ctrl-C and makes every CPU, itself included, allocate in an interrupt handler.
 *
 * A block that was refused is no failure: memory may be out. Wrong contents are, and so is a block that stays behind.
 */
#include <stdatomic.h>

#include "arch/cpu_jobs.h"
#include "arch/timer.h"
#include "mm/kmalloc.h"
#include "mm/stats.h"
#include "shell_commands.h"

#define BLOCKS_PER_CPU      256u
#define SHARED_SLOTS        64u
#define SLICE_OPERATIONS    2000u
#define BLOCK_SIZE_MAX_LOG2 14u /* 16 KiB: caches and large blocks alike */
#define DEFAULT_SECONDS     2u
#define PROGRESS_INTERVAL   UINT64_C(500000000)
#define SECOND              UINT64_C(1000000000)
#define SECONDS_MAX         86400u

/* What a block begins with; the bytes behind it are `pattern`, all of them. */
typedef struct block_header {
    uint64_t size;
    uint64_t pattern;
} block_header_t;

typedef struct stress stress_t;

/* One CPU's part, on cache lines of its own. */
typedef struct stress_worker {
    ALIGNED(CACHE_LINE_BYTES) stress_t *stress;
    uint64_t random;
    block_header_t *blocks[BLOCKS_PER_CPU];
    _Atomic uint64_t operations;
    _Atomic uint64_t refused;
    _Atomic uint64_t corrupt;
    _Atomic uint64_t interrupt_operations;
} stress_worker_t;

struct stress {
    shell_t *shell;
    uint32_t cpu_count;
    uint64_t operations_max; /* of each CPU; UINT64_MAX: by time */
    uint64_t deadline;
    _Atomic bool is_stopped;
    block_header_t *_Atomic shared[SHARED_SLOTS];
    stress_worker_t *workers;
};

/* xorshift64 (Marsaglia, "Xorshift RNGs", 2003, p. 4): the state is never 0. */
static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Only its own CPU adds, so a load and a store will do; others may look. */
static void count_one(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* Fills words[from .. to) of the block's body. */
static void fill(block_header_t *block, uint64_t from, uint64_t to)
{
    uint64_t *const body = (uint64_t *)(void *)(block + 1);
    for (uint64_t index = from; index < to; index++) {
        body[index] = block->pattern;
    }
}

static uint64_t body_words(const block_header_t *block)
{
    return (block->size - sizeof(*block)) / sizeof(uint64_t);
}

static bool is_intact(const block_header_t *block, uint64_t words)
{
    const uint64_t *const body = (const uint64_t *)(const void *)(block + 1);
    for (uint64_t index = 0; index < words; index++) {
        if (body[index] != block->pattern) {
            return false;
        }
    }
    return true;
}

/* A size from a header up, each power of two equally likely. */
static uint64_t draw_size(stress_worker_t *worker)
{
    const uint64_t log2 = 4 + draw(&worker->random) % (BLOCK_SIZE_MAX_LOG2 - 3);
    const uint64_t below = UINT64_C(1) << log2;
    const uint64_t size = below / 2 + draw(&worker->random) % (below / 2);
    return size < sizeof(block_header_t) ? sizeof(block_header_t) : size;
}

static block_header_t *make_block(stress_worker_t *worker)
{
    const uint64_t size = draw_size(worker);
    block_header_t *const block = kmalloc(size);
    if (block == NULL) {
        count_one(&worker->refused);
        return NULL;
    }
    block->size = size;
    block->pattern = draw(&worker->random);
    fill(block, 0, body_words(block));
    return block;
}

/* Checks a block; one that is corrupt is counted and never freed, so that it can be looked at. */
static block_header_t *check_block(stress_worker_t *worker, block_header_t *block)
{
    if (block != NULL && (block->size > (UINT64_C(2) << BLOCK_SIZE_MAX_LOG2) || !is_intact(block, body_words(block)))) {
        count_one(&worker->corrupt);
        atomic_store(&worker->stress->is_stopped, true);
        return NULL;
    }
    return block;
}

/* Gives a block another size; what both sizes reach must have stayed. Returns the block that is left, or NULL when it is corrupt. */
static block_header_t *resize_block(stress_worker_t *worker, block_header_t *block)
{
    const uint64_t size = draw_size(worker);
    const uint64_t old_size = block->size;
    block_header_t *const resized = krealloc(block, size);
    if (resized == NULL) {
        count_one(&worker->refused);
        return block;
    }
    resized->size = size < old_size ? size : old_size;
    if (check_block(worker, resized) == NULL) {
        return NULL;
    }
    const uint64_t kept = body_words(resized);
    resized->size = size;
    fill(resized, kept, body_words(resized));
    return resized;
}

static void step(stress_worker_t *worker)
{
    const uint64_t choice = draw(&worker->random);
    block_header_t **const place = &worker->blocks[choice % BLOCKS_PER_CPU];
    const uint64_t action = choice >> 32 & 7;

    count_one(&worker->operations);
    if (*place == NULL) {
        *place = make_block(worker);
        return;
    }
    *place = check_block(worker, *place);
    if (*place == NULL) {
        return;
    }
    if (action == 0) {
        block_header_t *_Atomic *const slot = &worker->stress->shared[choice >> 40 & (SHARED_SLOTS - 1)];
        *place = check_block(worker, atomic_exchange_explicit(slot, *place, memory_order_acq_rel));
    } else if (action == 1) {
        *place = resize_block(worker, *place);
    } else {
        kfree(*place);
        *place = NULL;
    }
}

static bool must_go_on(const stress_worker_t *worker)
{
    const stress_t *const stress = worker->stress;
    return !atomic_load_explicit(&stress->is_stopped, memory_order_relaxed) &&
           atomic_load_explicit(&worker->operations, memory_order_relaxed) < stress->operations_max &&
           (stress->operations_max != UINT64_MAX || timer_nanoseconds() < stress->deadline);
}

static void run_slice(stress_worker_t *worker)
{
    for (unsigned count = 0; count < SLICE_OPERATIONS && must_go_on(worker); count++) {
        step(worker);
    }
}

static void free_blocks(stress_worker_t *worker)
{
    for (size_t index = 0; index < BLOCKS_PER_CPU; index++) {
        kfree(check_block(worker, worker->blocks[index]));
        worker->blocks[index] = NULL;
    }
}

/* A whole run on another CPU. */
static void run_worker(void *argument)
{
    stress_worker_t *const worker = argument;
    while (must_go_on(worker)) {
        run_slice(worker);
    }
    free_blocks(worker);
}

/* In an interrupt handler, in the middle of whatever the CPU was at. */
static void allocate_in_interrupt(void *argument)
{
    stress_worker_t *const worker = argument;
    uint64_t *const words = kmalloc(8 * sizeof(uint64_t));
    if (words == NULL) {
        return;
    }
    for (size_t index = 0; index < 8; index++) {
        words[index] = (uintptr_t)words + index;
    }
    for (size_t index = 0; index < 8; index++) {
        if (words[index] != (uintptr_t)words + index) {
            atomic_fetch_add(&worker->corrupt, 1);
        }
    }
    kfree(words);
    count_one(&worker->interrupt_operations);
}

/* The sum of one counter over all workers. */
static uint64_t sum(const stress_t *stress, size_t counter_offset)
{
    uint64_t total = 0;
    for (uint32_t index = 0; index < stress->cpu_count; index++) {
        const char *const worker = (const char *)&stress->workers[index];
        total += atomic_load_explicit((const _Atomic uint64_t *)(const void *)(worker + counter_offset),
                                      memory_order_relaxed);
    }
    return total;
}

#define SUM(stress, counter) ((unsigned long long)sum(stress, offsetof(stress_worker_t, counter)))

/* Runs all workers, this CPU's included, until they are done. Returns whether Ctrl-C ended it. */
static bool run_all(stress_t *stress)
{
    for (uint32_t index = 1; index < stress->cpu_count; index++) {
        while (cpu_jobs_post(index, run_worker, &stress->workers[index]) != STATUS_OK) {
            cpu_relax();
        }
    }
    const uint64_t start = timer_nanoseconds();
    uint64_t next_progress = start + PROGRESS_INTERVAL;
    bool was_interrupted = false;
    bool is_done = false;
    while (!is_done) {
        run_slice(&stress->workers[0]);
        is_done = !must_go_on(&stress->workers[0]);
        for (uint32_t index = 0; index < stress->cpu_count; index++) {
            is_done = is_done && (index == 0 || cpu_jobs_is_done(index));
            /* A CPU that has not taken the last one yet is simply not asked again. */
            (void)!cpu_interrupt(index, allocate_in_interrupt, &stress->workers[index]);
        }
        if (timer_nanoseconds() >= next_progress) {
            next_progress += PROGRESS_INTERVAL;
            shell_print(stress->shell, "stress: %llu.%llu s, %llu operations\n",
                        (unsigned long long)((timer_nanoseconds() - start) / SECOND),
                        (unsigned long long)((timer_nanoseconds() - start) / (SECOND / 10) % 10),
                        SUM(stress, operations));
        }
        if (!was_interrupted && shell_was_interrupted(stress->shell)) {
            was_interrupted = true;
            atomic_store(&stress->is_stopped, true);
        }
    }
    return was_interrupted;
}

/* Waits until no CPU can be in allocate_in_interrupt() any more: an empty call is taken only after the last one was. */
static void nothing(void *argument)
{
    atomic_store((_Atomic bool *)argument, true);
}

static void settle(const stress_t *stress)
{
    for (uint32_t index = 0; index < stress->cpu_count; index++) {
        _Atomic bool was_called = false;
        while (cpu_interrupt(index, nothing, &was_called) != STATUS_OK) {
            cpu_relax();
        }
        while (!atomic_load(&was_called)) {
            cpu_relax();
        }
    }
}

/* Objects and large blocks that are live now, whoever has them. */
static uint64_t live_blocks(void)
{
    stats_slab_t stats;
    stats_slab_take(&stats);
    return stats.objects_live + stats.large_blocks;
}

static int judge(shell_t *shell, stress_t *stress, uint64_t live_before, bool was_interrupted)
{
    settle(stress);
    free_blocks(&stress->workers[0]);
    for (size_t slot = 0; slot < SHARED_SLOTS; slot++) {
        kfree(check_block(&stress->workers[0], atomic_load(&stress->shared[slot])));
    }
    const uint64_t live_after = live_blocks();
    const uint64_t left = live_after > live_before ? live_after - live_before : 0;
    const unsigned long long corrupt = SUM(stress, corrupt);
    const bool is_good = corrupt == 0 && left == 0;
    shell_print(
        shell,
        "stress: %s: %llu operations on %u CPUs, %llu in interrupts, %llu refused, %llu corrupt, %llu left over\n",
        is_good ? "ok" : "FAILED", SUM(stress, operations), stress->cpu_count, SUM(stress, interrupt_operations),
        SUM(stress, refused), corrupt, (unsigned long long)left);
    return !is_good ? SHELL_FAILED : was_interrupted ? SHELL_INTERRUPTED : SHELL_OK;
}

/* "[2s] [--ops N] [--cpus N] [--seed N]". False when that makes no sense. */
static bool parse(stress_t *stress, int count, char **arguments, uint64_t *seconds, uint64_t *seed)
{
    for (int index = 1; index < count; index++) {
        uint64_t cpus = stress->cpu_count;
        uint64_t *const value = text_equal(arguments[index], "--ops")    ? &stress->operations_max
                                : text_equal(arguments[index], "--cpus") ? &cpus
                                : text_equal(arguments[index], "--seed") ? seed
                                                                         : NULL;
        if (value == NULL) {
            /* A duration: a number, with or without its unit. */
            char *const text = arguments[index];
            const size_t length = text_length(text);
            if (length > 1 && text[length - 1] == 's') {
                text[length - 1] = '\0';
            }
            if (!text_parse_u64(text, false, seconds) || *seconds > SECONDS_MAX) {
                return false;
            }
            continue;
        }
        if (++index == count || !text_parse_u64(arguments[index], false, value) || cpus == 0 ||
            cpus > stress->cpu_count) {
            return false;
        }
        stress->cpu_count = (uint32_t)cpus;
    }
    return true;
}

static int run_stress(shell_t *shell, int count, char **arguments)
{
    uint64_t seconds = DEFAULT_SECONDS;
    uint64_t seed = 1;
    stress_t *const stress = kcalloc(1, sizeof(*stress));
    if (stress == NULL) {
        return shell_fail(shell, "stress", "%s", status_name(STATUS_NO_MEMORY));
    }
    int status;
    stress->shell = shell;
    stress->cpu_count = cpu_count();
    stress->operations_max = UINT64_MAX;
    if (!parse(stress, count, arguments, &seconds, &seed)) {
        status = shell_usage(shell, arguments[0]);
        goto free_stress;
    }
    stress->workers = kcalloc(stress->cpu_count, sizeof(*stress->workers));
    if (stress->workers == NULL) {
        status = shell_fail(shell, "stress", "%s", status_name(STATUS_NO_MEMORY));
        goto free_stress;
    }
    for (uint32_t index = 0; index < stress->cpu_count; index++) {
        stress->workers[index].stress = stress;
        stress->workers[index].random = (seed + index) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    }
    const uint64_t live_before = live_blocks();
    stress->deadline = timer_nanoseconds() + seconds * SECOND;
    const bool was_interrupted = run_all(stress);
    status = judge(shell, stress, live_before, was_interrupted);
    kfree(stress->workers);
free_stress:
    kfree(stress);
    return status;
}

static const shell_command_t commands[] = {
    {"stress", "[2s] [--ops N] [--cpus N] [--seed N]", "loads the allocator on all CPUs and checks it", run_stress},
};

const shell_command_table_t shell_stress_commands = {commands, ARRAY_COUNT(commands)};
