/*
 * Starting CPUs one by one; start_cpus.h says how.
 *
 * A prepared structure that nobody took in the end stays as it is: `prepare` has no inverse, and its contexts may be
 * registered.
 */
#include "start_cpus.h"

#include "arch/machine.h"
#include "arch/page_backend.h"
#include "arch/timer.h"
#include "base/log.h"
#include "running_cpus.h"
#include "stacks.h"

/* Without a clock: looks at a word that nobody else writes. */
#define LOOKS_MAX UINT64_C(100000000)

static void *page_from_backend(void *context)
{
    (void)context;
    return pages_alloc(1);
}

/* A structure and stacks for CPU `index`, or NULL when memory is out. */
static cpu_t *create(uint32_t index)
{
    cpu_t *const cpu = pages_alloc(1);

    if (cpu == NULL) {
        return NULL;
    }
    machine_zero_page(cpu);
    cpu->index = index;
    cpu->self = cpu;
    /* Stacks that were mapped before memory ran out stay mapped for the next CPU that gets this index. */
    if (stacks_map(index, page_from_backend, NULL) != STATUS_OK) {
        pages_free(cpu, 1);
        return NULL;
    }
    return cpu;
}

uint32_t start_cpus(const uint64_t *ids, uint32_t count, const char *kind, status_t (*prepare)(cpu_t *cpu))
{
    cpu_t *spare = NULL; /* prepared, and not taken */

    for (uint32_t position = 0; position < count && cpu_count() < CPU_COUNT_MAX; position++) {
        const unsigned long long id = ids[position];
        if (spare == NULL) {
            spare = create(cpu_count());
            if (spare == NULL) {
                log_line("cpu: no memory for %s 0x%llx", kind, id);
                break;
            }
            const status_t status = prepare(spare);
            if (status != STATUS_OK) {
                log_line("cpu: %s 0x%llx is left alone: %s", kind, id, status_name(status));
                pages_free(spare, 1);
                spare = NULL;
                continue;
            }
        }
        const start_result_t result = start_cpus_one(spare, id, position);
        if (result == START_LOST) {
            break;
        }
        if (result == START_RUNS) {
            running_cpus_add(spare);
            spare = NULL;
        }
    }
    return cpu_count();
}

bool start_cpus_wait_while(_Atomic uint32_t *state, uint32_t value, uint64_t nanoseconds)
{
    const uint64_t start = timer_nanoseconds();

    for (uint64_t look = 0; atomic_load_explicit(state, memory_order_acquire) == value; look++) {
        const uint64_t now = timer_nanoseconds();
        if (now != 0 ? now - start >= nanoseconds : look >= LOOKS_MAX) {
            return false;
        }
        cpu_relax();
    }
    return true;
}
