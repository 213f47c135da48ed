/*
 * CPUs as threads, and interrupts as a signal.
 *
 * cpu_interrupt() and cpu_wake() send SIGUSR1 to the thread. Its handler does what a port's interrupt entry does: if
 * "interrupts" are masked it leaves a note and returns; otherwise it swaps the allocation context and runs the
 * pending call. So on the host too an interrupt arrives between any two instructions of an allocation.
 *
 * A wake that comes between a CPU's last look and its wait is kept in a semaphore's count.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "arch/cpu.h"
#include "arch/exit.h"
#include "arch/timer.h"
#include "base/check.h"
#include "base/log.h"
#include "host.h"

/* How long a new thread may take to come up, in tenths of a millisecond. */
#define START_WAITS_MAX         100000u
#define START_WAIT_MICROSECONDS 100u

typedef struct host_thread {
    pthread_t thread;
    cpu_t *cpu;
    sem_t wake;
    void (*_Atomic call)(void *argument);
    void *call_argument;
    _Atomic bool is_running;
    void (*idle)(void);
    cpu_t prepared; /* what `prepare` filled in; the thread copies it into its own cpu_t */
} host_thread_t;

_Thread_local volatile uint32_t host_interrupts_masked;
_Thread_local volatile uint32_t host_interrupt_pending;

static host_thread_t threads[CPU_COUNT_MAX];
static uint32_t threads_wanted = 4;
static _Atomic uint32_t threads_running = 1;

void host_set_cpu_count(uint32_t count)
{
    CHECK(count >= 1 && count <= CPU_COUNT_MAX && cpu_count() == 1, "host CPU count out of range or too late");
    threads_wanted = count;
}

/* Runs this CPU's pending call, if any, in interrupt context. Interrupts are masked by the caller. */
static void take_interrupt(void)
{
    host_thread_t *const thread = &threads[host_cpu.index];
    void (*const call)(void *) = atomic_load_explicit(&thread->call, memory_order_acquire);
    if (call == NULL) {
        return;
    }
    struct allocation_context *const interrupted = host_cpu.allocation_context;
    host_cpu.allocation_context = host_cpu.interrupt_context;
    host_cpu.interrupt_depth++;
    call(thread->call_argument);
    host_cpu.interrupt_depth--;
    host_cpu.allocation_context = interrupted;
    atomic_store_explicit(&thread->call, NULL, memory_order_release);
}

void host_interrupt_deliver(void)
{
    while (host_interrupt_pending != 0) {
        host_interrupts_masked = 1;
        host_interrupt_pending = 0;
        atomic_signal_fence(memory_order_seq_cst);
        take_interrupt();
        atomic_signal_fence(memory_order_seq_cst);
        host_interrupts_masked = 0;
    }
}

static void on_signal(int number)
{
    (void)number;
    const int saved_errno = errno;
    host_interrupt_pending = 1;
    if (host_interrupts_masked == 0) {
        host_interrupt_deliver();
    }
    errno = saved_errno;
}

uint32_t cpu_find_all(void)
{
    return threads_wanted;
}

static void *thread_main(void *argument)
{
    host_thread_t *const self = argument;
    host_cpu = self->prepared;
    host_cpu.self = &host_cpu;
    self->cpu = &host_cpu;
    atomic_store_explicit(&self->is_running, true, memory_order_release);
    self->idle();
    return NULL;
}

static void install_signal(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0, "host refuses the interrupt signal");
}

uint32_t cpu_start_all(status_t (*prepare)(cpu_t *cpu), void (*idle)(void))
{
    install_signal();
    threads[0].cpu = &host_cpu;
    threads[0].thread = pthread_self();
    CHECK(sem_init(&threads[0].wake, 0, 0) == 0, "host refuses a semaphore");

    uint32_t running = 1;
    for (uint32_t wanted = 1; wanted < threads_wanted; wanted++) {
        host_thread_t *const thread = &threads[running];
        *thread = (host_thread_t){.idle = idle, .prepared = {.index = running, .hardware_id = wanted}};
        if (prepare(&thread->prepared) != STATUS_OK) {
            log_line("cpu %u: no memory for its contexts; left out", wanted);
            continue;
        }
        CHECK(sem_init(&thread->wake, 0, 0) == 0, "host refuses a semaphore");
        if (pthread_create(&thread->thread, NULL, thread_main, thread) != 0) {
            log_line("cpu %u: the system refuses a thread; left out", wanted);
            continue;
        }
        unsigned waits = 0;
        while (!atomic_load_explicit(&thread->is_running, memory_order_acquire)) {
            CHECK(++waits < START_WAITS_MAX, "host thread does not start");
            usleep(START_WAIT_MICROSECONDS);
        }
        running++;
    }
    atomic_store_explicit(&threads_running, running, memory_order_release);
    return running;
}

uint32_t cpu_count(void)
{
    return atomic_load_explicit(&threads_running, memory_order_acquire);
}

cpu_t *cpu_by_index(uint32_t index)
{
    CHECK(index < cpu_count(), "no such CPU");
    return index == 0 && threads[0].cpu == NULL ? &host_cpu : threads[index].cpu;
}

void cpu_wake(uint32_t index)
{
    CHECK(index < cpu_count(), "no such CPU");
    if (index != host_cpu.index) {
        sem_post(&threads[index].wake);
    }
}

status_t cpu_interrupt(uint32_t index, void (*function)(void *argument), void *argument)
{
    CHECK(index < cpu_count(), "no such CPU");
    host_thread_t *const thread = &threads[index];
    static _Atomic uint64_t reserved; /* one bit a CPU: its slot is being filled */
    const uint64_t bit = UINT64_C(1) << index;
    if ((atomic_fetch_or(&reserved, bit) & bit) != 0) {
        return STATUS_BUSY;
    }
    if (atomic_load_explicit(&thread->call, memory_order_acquire) != NULL) {
        atomic_fetch_and(&reserved, ~bit);
        return STATUS_BUSY;
    }
    thread->call_argument = argument;
    atomic_store_explicit(&thread->call, function, memory_order_release);
    atomic_fetch_and(&reserved, ~bit);
    CHECK(pthread_kill(thread->thread, SIGUSR1) == 0, "host refuses the interrupt signal");
    sem_post(&thread->wake);
    return STATUS_OK;
}

void cpu_wait_for_interrupt(void)
{
    while (sem_wait(&threads[host_cpu.index].wake) != 0 && errno == EINTR) {
    }
}

void cpu_stop_others(void)
{
    /* The process is about to end, which stops every thread. */
}

void machine_exit(int status)
{
    exit(status);
}
