/*
 * The CPUs: a stack and a clock each. The one whose clock is lowest runs, and a little beyond: a few ticks, drawn
 * anew each time, so that CPUs do not march in step. A heap has the others by their clocks, but for those that spin
 * on a word that did not change.
 *
 * A CPU's own structure and its stack are its own on any machine, and are left out of the books.
 */
#include "testing/bench/scaling/simulator.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "arch/inline.h"
#include "arch/jump.h"
#include "testing/bench/scaling/cache_lines.h"

#define STACK_BYTES    ((size_t)64 << 10)
#define LINE_BYTES     64u
#define LEAD_TICKS_MAX 8u
#define WAIT_TICKS     100u

typedef struct simulated_cpu {
    ucontext_t context;
    uint64_t clock;
    uint64_t counted_from; /* the clock when counting began */
    uint64_t random;
    cpu_t registers; /* what cpu_current() has while it runs */
    uint32_t interrupts_masked;
    bool is_started;
    bool is_counting;
    bool is_waiting_for_lock;
    const void *asleep_on; /* the word it waits for, or NULL */
    jump_buffer_t jump;    /* where it goes on */
} simulated_cpu_t;

static simulated_cpu_t cpus[SIMULATED_CPUS_MAX];
static unsigned heap[SIMULATED_CPUS_MAX]; /* CPUs that are ready, the one behind all others first */
static unsigned heap_count;
static simulated_cpu_t *running; /* NULL outside simulator_run() */
static ucontext_t caller;
static uint64_t run_until; /* the running CPU's clock at which another one's turn has come */
static char *stacks;
static void (*cpu_body)(unsigned cpu);
static unsigned cpu_total;
static unsigned cpus_here; /* at the meeting */
static unsigned cpus_left; /* that have not returned */
static unsigned sleepers;  /* CPUs that spin on a word */
static access_counts_t counts;

/* xorshift64* (Vigna, 2016). */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static bool is_behind(unsigned one, unsigned other)
{
    return cpus[one].clock < cpus[other].clock || (cpus[one].clock == cpus[other].clock && one < other);
}

static void heap_push(unsigned cpu)
{
    unsigned place = heap_count++;
    while (place != 0 && is_behind(cpu, heap[(place - 1) / 2])) {
        heap[place] = heap[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    heap[place] = cpu;
}

static unsigned heap_pop(void)
{
    const unsigned first = heap[0];
    const unsigned last = heap[--heap_count];
    unsigned place = 0;
    for (;;) {
        unsigned child = 2 * place + 1;
        if (child >= heap_count) {
            break;
        }
        child += child + 1 < heap_count && is_behind(heap[child + 1], heap[child]);
        if (!is_behind(heap[child], last)) {
            break;
        }
        heap[place] = heap[child];
        place = child;
    }
    heap[place] = last;
    return first;
}

/* Makes `next` the running CPU, in the registers and for the books; the caller goes to its stack. */
static void put_on(simulated_cpu_t *next)
{
    if (running != NULL) {
        running->registers = host_cpu;
        running->interrupts_masked = host_interrupts_masked;
    }
    running = next;
    host_cpu = next->registers;
    host_interrupts_masked = next->interrupts_masked;
    run_until = heap_count == 0 ? UINT64_MAX : cpus[heap[0]].clock + next_random(&next->random) % LEAD_TICKS_MAX;
}

/*
 * Goes on with the CPU that is behind all others; returns when the caller's turn comes again. It is on the heap, or
 * asleep.
 */
static void run_next(void)
{
    simulated_cpu_t *const before = running;
    if (heap_count == 0) {
        fprintf(stderr, "every CPU waits\n");
        exit(2);
    }
    simulated_cpu_t *const next = &cpus[heap_pop()];
    put_on(next);
    if (next == before || jump_save(&before->jump) != 0) {
        return;
    }
    if (next->is_started) {
        jump_restore(&next->jump);
    }
    next->is_started = true;
    (void)setcontext(&next->context);
    abort();
}

static void let_others_run(void)
{
    heap_push((unsigned)(running - cpus));
    run_next();
}

/* The running CPU does nothing until `word` changes. */
static void sleep_on(const void *word)
{
    running->asleep_on = word;
    run_next();
}

static void wake_all(const void *word)
{
    for (unsigned index = 0; index < cpu_total; index++) {
        simulated_cpu_t *const cpu = &cpus[index];
        if (cpu->asleep_on == word) {
            cpu->asleep_on = NULL;
            cpu->clock = cpu->clock > running->clock ? cpu->clock : running->clock;
            heap_push(index);
        }
    }
    run_until = running->clock;
}

static void spend(uint64_t ticks)
{
    running->clock += ticks;
    if (running->clock > run_until) {
        let_others_run();
    }
}

/* One line's share of an access. */
static uint64_t ticks_of_line(simulated_cpu_t *cpu, uintptr_t address, bool is_write)
{
    cache_line_t *const line = cache_line_at(address);
    const unsigned number = (unsigned)(cpu - cpus);
    if (!(is_write ? cache_line_write(line, number) : cache_line_read(line, number))) {
        return 1;
    }
    counts.transfers += cpu->is_counting;
    const uint64_t begin = line->busy_until > cpu->clock ? line->busy_until : cpu->clock;
    line->busy_until = begin + TRANSFER_TICKS;
    return line->busy_until - cpu->clock;
}

static bool is_private(uintptr_t address)
{
    return address - (uintptr_t)stacks < SIMULATED_CPUS_MAX * STACK_BYTES ||
           address - (uintptr_t)&host_cpu < sizeof host_cpu || address == (uintptr_t)&host_interrupts_masked ||
           address == (uintptr_t)&host_interrupt_pending;
}

void simulator_access(uintptr_t address, size_t size, access_kind_t kind)
{
    if (running == NULL || size == 0 || is_private(address)) {
        return;
    }
    simulated_cpu_t *const cpu = running;
    uint64_t ticks = kind == ACCESS_READ_MODIFY_WRITE ? RMW_TICKS : 0;
    for (uintptr_t at = address & ~(uintptr_t)(LINE_BYTES - 1); at < address + size; at += LINE_BYTES) {
        ticks += ticks_of_line(cpu, at, kind != ACCESS_READ);
    }
    if (cpu->is_counting) {
        counts.accesses++;
        counts.read_modify_writes += kind == ACCESS_READ_MODIFY_WRITE;
    }
    spend(ticks);
}

void simulator_tried_lock(bool was_held)
{
    if (running == NULL) {
        return;
    }
    if (running->is_counting) {
        counts.contended_acquisitions += was_held && !running->is_waiting_for_lock;
        counts.lock_acquisitions += !was_held;
    }
    running->is_waiting_for_lock = was_held;
}

bool simulator_spins_on(const void *word)
{
    if (running == NULL || !running->is_waiting_for_lock) {
        return false;
    }
    sleepers++;
    sleep_on(word);
    sleepers--;
    return true;
}

void simulator_changed(const void *word)
{
    if (running != NULL && sleepers != 0) {
        wake_all(word);
    }
}

void simulator_wait(void)
{
    spend(WAIT_TICKS);
}

void simulator_meet(void)
{
    simulator_stop_counting();
    if (++cpus_here < cpus_left) {
        sleep_on(&cpus_here);
    } else {
        cpus_here = 0;
        counts = (access_counts_t){0};
        wake_all(&cpus_here);
    }
    running->is_counting = true;
    running->counted_from = running->clock;
}

void simulator_stop_counting(void)
{
    if (running->is_counting) {
        counts.ticks += running->clock - running->counted_from;
    }
    running->is_counting = false;
}

access_counts_t simulator_counts(void)
{
    return counts;
}

uint64_t simulator_draw(uint64_t limit)
{
    return next_random(&running->random) % limit;
}

static void cpu_main(void)
{
    cpu_body((unsigned)(running - cpus));
    simulator_stop_counting();
    if (--cpus_left != 0) {
        run_next();
    }
    (void)setcontext(&caller);
    abort();
}

void simulator_run(cpu_t *registers, unsigned count, uint64_t seed, void (*body)(unsigned cpu))
{
    const cpu_t own = host_cpu;
    stacks = mmap(NULL, SIMULATED_CPUS_MAX * STACK_BYTES, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (count == 0 || count > SIMULATED_CPUS_MAX || stacks == MAP_FAILED) {
        fprintf(stderr, "no memory for the stacks of %u CPUs\n", count);
        exit(2);
    }
    cache_lines_reset();
    cpu_body = body;
    cpu_total = cpus_left = count;
    cpus_here = sleepers = 0;
    heap_count = 0;
    for (unsigned index = 0; index < count; index++) {
        simulated_cpu_t *const cpu = &cpus[index];
        *cpu = (simulated_cpu_t){.registers = registers[index],
                                 .random = seed * 2 + 1 + index * UINT64_C(0x9e3779b97f4a7c16)};
        cpu->registers.index = index;
        cpu->clock = next_random(&cpu->random) % LEAD_TICKS_MAX;
        if (getcontext(&cpu->context) != 0) {
            abort();
        }
        cpu->context.uc_stack.ss_sp = stacks + index * STACK_BYTES;
        cpu->context.uc_stack.ss_size = STACK_BYTES;
        makecontext(&cpu->context, cpu_main, 0);
        heap_push(index);
    }
    put_on(&cpus[heap_pop()]);
    running->is_started = true;
    if (swapcontext(&caller, &running->context) != 0) {
        abort();
    }
    running = NULL;
    host_cpu = own;
    host_interrupts_masked = 0;
    (void)munmap(stacks, SIMULATED_CPUS_MAX * STACK_BYTES);
    stacks = NULL;
}
