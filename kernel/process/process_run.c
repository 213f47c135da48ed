/*
 * Running: a process is given a CPU, and what it does with it is dealt with until its slice of time is over.
 *
 *   take from the queue -> activate its space -> user_run() -> call | fault | interrupt -> ... -> deactivate -> where next
 *
 * Only here does a process change hands: while it is RUNNING it belongs to one CPU, which has let go of its registers
 * and its space before it puts it anywhere else. So nobody ever ends or moves a process that is in the middle of
 * something.
 */
#include "arch/cpu.h"
#include "arch/timer.h"
#include "process_internal.h"

#define TICKS_HZ    100u
#define SLICE_TICKS 1u

/* What becomes of a process after its slice. */
typedef enum slice_end { SLICE_AGAIN, SLICE_BLOCKED, SLICE_ENDED } slice_end_t;

typedef struct slice {
    process_t *process;
    uint64_t first_tick;
    system_end_t end; /* with SLICE_ENDED */
    int64_t status;
} slice_t;

static void count(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

static uint64_t ticks_now(void)
{
    return __atomic_load_n(&cpu_current()->timer_ticks, __ATOMIC_RELAXED);
}

static slice_end_t ended(slice_t *slice, system_end_t end, int64_t status)
{
    slice->end = end;
    slice->status = status;
    return SLICE_ENDED;
}

/* Does the system call that the process made. Returns false, with *result, when the slice is over by that. */
static bool handle_call(slice_t *slice, slice_end_t *result)
{
    process_t *const process = slice->process;
    uint64_t arguments[USER_CALL_ARGUMENTS];
    for (unsigned index = 0; index < USER_CALL_ARGUMENTS; index++) {
        arguments[index] = user_call_argument(&process->user, index);
    }
    int64_t value;
    switch (process_call(process, user_call_number(&process->user), arguments, &value)) {
    case PROCESS_EXITS:
        *result = ended(slice, SYSTEM_END_EXIT, value);
        return false;
    case PROCESS_BLOCKS:
        process->repeats_call = true;
        *result = SLICE_BLOCKED;
        return false;
    case PROCESS_YIELDS:
        process->call_result = value;
        process->has_call_result = true;
        *result = SLICE_AGAIN;
        return false;
    case PROCESS_GOES_ON:
        break;
    }
    process->call_result = value;
    process->has_call_result = true;
    return true;
}

/* Resolves a fault, or reports it. Returns false, with *result, when the process ends by it. */
static bool handle_fault(slice_t *slice, const trap_report_t *report, slice_end_t *result)
{
    process_t *const process = slice->process;
    vm_fault_t fault = VM_FAULT_DENIED;
    count(&process->faults, 1);
    if (report->kind == TRAP_PAGE_FAULT) {
        fault = address_space_fault(process->space, report->address,
                                    report->is_execute ? VM_EXECUTE
                                    : report->is_write ? VM_WRITE
                                                       : VM_READ);
        if (fault == VM_FAULT_RESOLVED) {
            return true;
        }
    }
    process_report_fault(process, report, fault);
    const bool is_allowed = fault == VM_FAULT_NO_MEMORY || fault == VM_FAULT_OVER_QUOTA;
    *result = ended(slice, is_allowed ? SYSTEM_END_MEMORY : SYSTEM_END_FAULT, 0);
    return false;
}

/* Runs the process, whose space is active, until its slice is over. */
static slice_end_t run(slice_t *slice)
{
    process_t *const process = slice->process;
    slice_end_t result = SLICE_AGAIN;
    trap_report_t report;
    if (process->repeats_call && !atomic_load_explicit(&process->is_killed, memory_order_relaxed)) {
        process->repeats_call = false;
        if (!handle_call(slice, &result)) {
            return result;
        }
    }
    for (;;) {
        if (atomic_load_explicit(&process->is_killed, memory_order_relaxed)) {
            return ended(slice, SYSTEM_END_KILL, 0);
        }
        /* Here, not only at interrupts: a process that makes one call after another shall not stay for longer. */
        if (ticks_now() - slice->first_tick >= SLICE_TICKS) {
            return SLICE_AGAIN;
        }
        if (process->has_call_result) {
            user_call_set_result(&process->user, (uint64_t)process->call_result);
            process->has_call_result = false;
        }
        switch (user_run(&process->user, &report)) {
        case USER_EVENT_CALL:
            count(&process->calls, 1);
            process_count_more(PROCESS_COUNT_CALLS);
            if (!handle_call(slice, &result)) {
                return result;
            }
            break;
        case USER_EVENT_FAULT:
            if (!handle_fault(slice, &report, &result)) {
                return result;
            }
            break;
        case USER_EVENT_INTERRUPT:
            break;
        }
    }
}

bool process_run_slice(void)
{
    process_t *const process = process_take_ready();
    if (process == NULL) {
        return false;
    }
    slice_t slice = {.process = process, .first_tick = ticks_now()};
    const uint32_t before = process_work_for(process->pid);
    count(&process->slices, 1);
    process_count_more(PROCESS_COUNT_SLICES);
    address_space_activate(process->space);
    const slice_end_t result = run(&slice);
    address_space_activate(NULL);
    count(&process->ticks, ticks_now() - slice.first_tick);
    switch (result) {
    case SLICE_AGAIN:
        process_make_ready(process);
        break;
    case SLICE_BLOCKED:
        process_block(process);
        break;
    case SLICE_ENDED:
        process_end(process, slice.end, slice.status);
        break;
    }
    (void)process_work_for(before);
    return true;
}

/* Each CPU's own: whether its timer ticks for the sake of processes. */
static bool ticks_for_processes[CPU_COUNT_MAX];

bool process_idle_work(void)
{
    bool *const ticks = &ticks_for_processes[cpu_current()->index];
    if (process_cpu_goes_idle()) {
        if (*ticks) {
            timer_stop_periodic();
            *ticks = false;
        }
        return false;
    }
    if (!*ticks) {
        timer_start_periodic(TICKS_HZ);
        *ticks = true;
    }
    return process_run_slice();
}
