#include "testing/models/probe.h"

#include "arch/cpu.h"
#include "arch/cpu_jobs.h"

#include "kernel/process/programs.h"

/*
 * Faults that one access may take until it is made: the program's own pages are demand-zero and copy-on-write as
 * well.
 */
#define EVENTS_MAX 64u

status_t probe_create(probe_t *probe, const process_sink_t *sink)
{
    static const char *const arguments[] = {"probe"};
    size_t index = 0;
    while (index < program_count && !text_equal(program_files[index].name, "probe")) {
        index++;
    }
    CHECK(index < program_count, "no probe among the programs");
    const process_request_t request = {
        .name = "probe",
        .bytes = program_files[index].bytes,
        .size = (size_t)program_files[index].size,
        .machine = (uint16_t)program_machine,
        .argument_count = 1,
        .arguments = arguments,
        .sink = sink,
        .is_detached = true,
    };
    const status_t status = process_create(&request, &probe->process);
    if (status == STATUS_OK) {
        probe->start = probe->process->user;
    }
    return status;
}

status_t probe_clone(const probe_t *parent, probe_t *child)
{
    const status_t status = process_clone(parent->process, &child->process);
    if (status == STATUS_OK) {
        const spinlock_hold_t hold = process_lock();
        child->process->parent = 0; /* probes end in any order, and are waited for by nobody */
        child->process->is_detached = true;
        process_unlock(hold);
        child->start = parent->start;
    }
    return status;
}

void probe_destroy(probe_t *probe)
{
    if (probe->process != NULL) {
        process_end(probe->process, SYSTEM_END_KILL, 0);
        probe->process = NULL;
    }
}

/* One access on the CPU that makes it. */
typedef struct access_job {
    const probe_t *probe;
    probe_kind_t kind;
    uintptr_t address;
    uint64_t value;
    probe_result_t result;
} access_job_t;

static bool is_about(const access_job_t *job, const trap_report_t *report)
{
    static const vm_access_t wanted[PROBE_KINDS] = {VM_READ, VM_WRITE, VM_EXECUTE};
    const vm_access_t access = report->is_execute ? VM_EXECUTE : report->is_write ? VM_WRITE : VM_READ;
    return report->kind == TRAP_PAGE_FAULT && report->address == job->address && access == wanted[job->kind];
}

static vm_access_t access_of(const trap_report_t *report)
{
    return report->is_execute ? VM_EXECUTE : report->is_write ? VM_WRITE : VM_READ;
}

static void access_here(void *argument)
{
    access_job_t *const job = argument;
    address_space_t *const space = job->probe->process->space;
    user_state_t state = job->probe->start;
    /* The words that _start finds, as system_arguments_t: how many, then the words. */
    const uint64_t words[] = {job->kind, job->address, job->value};
    const uintptr_t place = user_call_argument(&state, 0);
    CHECK(address_space_copy_out(space, place, words, sizeof(words), NULL) == STATUS_OK,
          "no place for a probe's words");

    address_space_activate(space);
    job->result = (probe_result_t){.fault = VM_FAULT_COUNT};
    for (unsigned events = 0; events < EVENTS_MAX; events++) {
        trap_report_t report;
        const user_event_t event = user_run(&state, &report);
        if (event == USER_EVENT_INTERRUPT) {
            continue;
        }
        if (event == USER_EVENT_FAULT && report.kind == TRAP_PAGE_FAULT) {
            const vm_fault_t fault = address_space_fault(space, report.address, access_of(&report));
            if (fault == VM_FAULT_RESOLVED) {
                continue;
            }
            if (is_about(job, &report)) {
                job->result.is_exact = true;
                job->result.fault = fault;
                return;
            }
        }
        if (event == USER_EVENT_CALL) {
            job->result.value = (uint8_t)user_call_argument(&state, 0);
        }
        /* Whatever came of what was executed: it was. */
        job->result.is_allowed = event == USER_EVENT_CALL || job->kind == PROBE_EXECUTE;
        return;
    }
    job->result.is_allowed = job->kind == PROBE_EXECUTE; /* it goes on and on there */
}

void probe_access(property_run_t *run, const probe_t *probe, uint32_t cpu, probe_kind_t kind, uintptr_t address,
                  uint8_t value, probe_result_t *result)
{
    access_job_t job = {.probe = probe, .kind = kind, .address = address, .value = value};
    if (cpu == cpu_current()->index) {
        access_here(&job);
    } else {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, cpu_jobs_post(cpu, access_here, &job));
        while (!cpu_jobs_is_done(cpu)) {
            cpu_relax();
        }
    }
    *result = job.result;
}

int64_t probe_call(const probe_t *probe, uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    const uint64_t arguments[USER_CALL_ARGUMENTS] = {a, b, c, d, 0, 0};
    int64_t result;
    const process_next_step_t next = process_call(probe->process, number, arguments, &result);
    CHECK(next == PROCESS_GOES_ON, "a probe's call has a result");
    return result;
}

static void deactivate(void *argument, uint32_t index)
{
    (void)argument;
    (void)index;
    address_space_activate(NULL);
}

void probe_deactivate_all(void)
{
    cpu_jobs_run_on_all(cpu_count(), deactivate, NULL);
}
