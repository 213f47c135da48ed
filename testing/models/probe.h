/*
 * Single accesses by real user code: the program `probe` (kernel/process/user/probe.c), started at its entry for each
 * one.
 */
#ifndef TESTING_MODELS_PROBE_H
#define TESTING_MODELS_PROBE_H

#include "kernel/process/process_internal.h"
#include "testing/property/property.h"

typedef enum probe_kind { PROBE_READ, PROBE_WRITE, PROBE_EXECUTE, PROBE_KINDS } probe_kind_t;

/* A process that is never READY: its space, and the registers that it starts with. */
typedef struct probe {
    process_t *process;
    user_state_t start;
} probe_t;

/* What the machine said. */
typedef struct probe_result {
    bool is_allowed;  /* the access was made */
    bool is_exact;    /* it was refused by a page fault at exactly this address, of exactly this kind */
    vm_fault_t fault; /* when it was refused */
    uint8_t value;    /* what was read */
} probe_result_t;

/* Makes one. The sink outlives it. */
MUST_USE status_t probe_create(probe_t *probe, const process_sink_t *sink);

/* Makes *child a copy of the parent, by the way of the system call clone. */
MUST_USE status_t probe_clone(const probe_t *parent, probe_t *child);

/* Ends it; no CPU has its space active. */
void probe_destroy(probe_t *probe);

/*
 * Has user code on CPU `cpu` access one byte, and stores what came of it. The space stays active there, so that what
 * the CPU remembers of it meets later changes. PROBE_EXECUTE jumps there, and is allowed when the first instruction
 * could be fetched.
 */
void probe_access(property_run_t *run, const probe_t *probe, uint32_t cpu, probe_kind_t kind, uintptr_t address,
                  uint8_t value, probe_result_t *result);

/* Makes a system call as the process; the result of process_call(). */
int64_t probe_call(const probe_t *probe, uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/* Has every CPU let go of whatever space it has active. */
void probe_deactivate_all(void);

#endif
