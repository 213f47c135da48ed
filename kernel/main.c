/*
 * The kernel from its first line of C to its last: the table of contents.
 *
 * Each row of `steps` sets one layer up and names what must stand before it; mm/init.h runs the rows in order and
 * keeps the records that //kern/mem/init shows. When all are done the image's application runs
 * (kernel/application.h): a shell, or tests. What it returns is the exit status, after an orderly shutdown.
 *
 * A step that must succeed and fails ends the boot with a message: what was done is cleaned up, and the machine exits
 * with KERNEL_BOOT_FAILED. An optional one is missed by those that need it, and by nobody else. The word
 * init.fail=STEP on the command line makes a step fail, so that all this can be seen.
 */
#include "arch/boot.h"
#include "arch/console.h"
#include "arch/cpu_jobs.h"
#include "arch/exit.h"
#include "arch/machine.h"
#include "arch/timer.h"
#include "base/log.h"
#include "base/text.h"
#include "boot/boot.h"
#include "fs/kfs_nodes.h"
#include "kernel/application.h"
#include "kernel/cmdline.h"
#include "kernel/log.h"
#include "kernel/memory_watch.h"
#include "kernel/process.h"
#include "kernel/shutdown.h"
#include "kernel/slab_watch.h"
#include "kernel/version.h"
#include "mm/allocation_context.h"
#include "mm/init.h"
#include "mm/kmem_cache.h"
#include "mm/pages.h"
#include "mm/vm.h"
#include "nodes.h"

#define TIMER_HZ 100

/* What the steps hand on to each other. The maps are large, and must outlive boot: //kern/mem/map shows one. */
typedef struct kernel_state {
    const boot_handoff_t *handoff;
    boot_data_t boot;
    memory_map_t draft; /* as the bootloader tells it */
    memory_map_t map;   /* what the page allocator gets */
    uint64_t cpu_pages; /* that the other CPUs' stacks took, and keep for good */
    uint64_t leaked;    /* what the layers that have ended missed: files, objects, pages */
} kernel_state_t;

static kernel_state_t kernel_state;

/* Reads what the bootloader left: memory, command line, modules, ACPI. */
static status_t step_boot_data(void *context)
{
    kernel_state_t *const state = context;
    const physical_address_t start = state->handoff->window_start;
    const boot_window_t window = {physical_to_pointer(start), start.value,
                                  state->handoff->window_end.value - start.value};
    memory_map_init(&state->draft);
    state->boot = (boot_data_t){.map = &state->draft, .cmdline = &cmdline_boot};
    return boot_read_data(state->handoff, &window, &state->boot);
}

/* The clock, and a periodic interrupt on this CPU, which stays pending until interrupts are enabled. */
static status_t step_timer(void *context)
{
    (void)context;
    const status_t status = timer_init();
    if (status == STATUS_OK) {
        timer_start_periodic(TIMER_HZ);
    }
    return status;
}

static void end_timer(void *context)
{
    (void)context;
    timer_stop_periodic();
}

/* Resolves the bootloader's memory map: sorted, without overlaps, the stricter type wins. */
static status_t step_memory_map(void *context)
{
    kernel_state_t *const state = context;
    if (state->draft.input_dropped != 0) {
        log_line("memory map: %llu regions were dropped or merged", (unsigned long long)state->draft.input_dropped);
    }
    return memory_map_finish(&state->draft, physical_address(machine_physical_limit()));
}

/* Makes all usable memory reachable through the direct map. */
static status_t step_direct_map(void *context)
{
    kernel_state_t *const state = context;
    const status_t status = boot_map_memory(&state->draft, state->handoff, &state->map);
    log_line("memory: %llu MiB usable in %llu regions",
             (unsigned long long)(memory_map_usable_bytes(&state->map) >> 20),
             (unsigned long long)state->map.region_count);
    return status;
}

/* The page allocator, over the map; it serves single pages from the contexts that this CPU gets first. */
static status_t step_pages(void *context)
{
    kernel_state_t *const state = context;
    status_t status = allocation_contexts_attach_boot(cpu_current());
    if (status == STATUS_OK) {
        status = pages_init(&state->map);
    }
    if (status == STATUS_OK) {
        memory_watch_start();
    }
    return status;
}

static void end_pages(void *context)
{
    kernel_state_t *const state = context;
    const uint64_t kept = state->cpu_pages + allocation_contexts_pages();
    const uint64_t left = pages_shutdown();
    const uint64_t leaked = left > kept ? left - kept : 0;
    state->leaked += leaked;
    log_line("shutdown: %llu pages leaked", (unsigned long long)leaked);
}

/* Caches and kmalloc, over the page allocator; watched from the first object on when the command line says so. */
static status_t step_slab(void *context)
{
    (void)context;
    status_t status = slab_init();
    if (status == STATUS_OK) {
        status = slab_watch_start();
        if (status != STATUS_OK) {
            (void)slab_shutdown(); /* nothing was allocated */
        }
    }
    return status;
}

static void end_slab(void *context)
{
    kernel_state_t *const state = context;
    slab_watch_end();
    const uint64_t leaked = slab_shutdown();
    state->leaked += leaked;
    log_line("shutdown: %llu objects leaked", (unsigned long long)leaked);
}

/* Address spaces, memory objects, the kernel's own mappings: over both. */
static status_t step_vm(void *context)
{
    (void)context;
    return vm_init();
}

static void end_vm(void *context)
{
    kernel_state_t *const state = context;
    const uint64_t leaked = vm_shutdown();
    state->leaked += leaked;
    log_line("shutdown: %llu address spaces, memory objects and kernel mappings leaked", (unsigned long long)leaked);
}

/* All other CPUs, each with allocation contexts of its own; they wait for jobs (arch/cpu_jobs.h). */
static status_t step_cpus(void *context)
{
    kernel_state_t *const state = context;
    const uint64_t contexts = allocation_contexts_pages();
    const uint64_t before = pages_count_allocated();
    const uint32_t found = cpu_find_all();
    const uint32_t running = cpu_start_all(allocation_contexts_attach, cpu_jobs_idle);
    state->cpu_pages = pages_count_allocated() - before - (allocation_contexts_pages() - contexts);
    log_line("cpus: %u of %u run", running, found);
    return STATUS_OK;
}

static void end_cpus(void *context)
{
    (void)context;
    cpu_stop_others();
}

static void end_kfs(void *context)
{
    kernel_state_t *const state = context;
    const status_t status = kfs_destroy(&kfs_kernel);
    if (status != STATUS_OK) {
        state->leaked++;
        log_line("shutdown: a file is still open: %s", status_name(status));
    }
}

/* The kernel's filesystem, with everything that shows the kernel in it. */
static status_t step_kfs(void *context)
{
    kernel_state_t *const state = context;
    kfs_init(&kfs_kernel);
    status_t status = kfs_add_slab_nodes(&kfs_kernel);
    if (status == STATUS_OK) {
        status = kfs_add_slab_safety_nodes(&kfs_kernel);
    }
    if (status == STATUS_OK) {
        status = kfs_add_memory_nodes(&kfs_kernel, &state->map, &init_kernel);
    }
    if (status == STATUS_OK) {
        status = kernel_add_nodes(&kfs_kernel);
    }
    if (status != STATUS_OK) {
        end_kfs(state);
    }
    return status;
}

/* A number of the command line; 0 when it is not there, or is none. */
static uint64_t number_of(const char *key)
{
    char value[24];
    uint64_t number = 0;
    if (cmdline_get_param(key, value, sizeof value) == STATUS_OK && !text_parse_u64(value, true, &number)) {
        log_line("process: \"%s=%s\" is no number", key, value);
    }
    return number;
}

/* Processes, which any CPU runs when it has nothing else to do. */
static status_t step_processes(void *context)
{
    (void)context;
    const process_limits_t limits = {
        .pages = number_of("process.pages"),
        .areas = number_of("process.areas"),
        .processes = number_of("process.family"),
    };
    process_limits_set(&limits);
    const status_t status = process_init(&kfs_kernel);
    if (status == STATUS_OK) {
        cpu_jobs_set_idle_work(process_idle_work);
    }
    return status;
}

static void end_processes(void *context)
{
    kernel_state_t *const state = context;
    const uint64_t left = process_shutdown();
    cpu_jobs_set_idle_work(NULL);
    state->leaked += left;
    if (left != 0) {
        log_line("shutdown: %llu processes would not end", (unsigned long long)left);
    }
}

enum {
    STEP_BOOT_DATA,
    STEP_TIMER,
    STEP_MEMORY_MAP,
    STEP_DIRECT_MAP,
    STEP_PAGES,
    STEP_SLAB,
    STEP_VM,
    STEP_CPUS,
    STEP_KFS,
    STEP_PROCESSES,
};

static const init_step_t steps[] = {
    [STEP_BOOT_DATA] = {.name = "boot_data", .run = step_boot_data},
    [STEP_TIMER] = {.name = "timer", .is_optional = true, .run = step_timer, .cleanup = end_timer},
    [STEP_MEMORY_MAP] = {.name = "memory_map", .needs = INIT_NEEDS(STEP_BOOT_DATA), .run = step_memory_map},
    [STEP_DIRECT_MAP] = {.name = "direct_map", .needs = INIT_NEEDS(STEP_MEMORY_MAP), .run = step_direct_map},
    [STEP_PAGES] = {.name = "pages",
                    .needs = INIT_NEEDS(STEP_MEMORY_MAP) | INIT_NEEDS(STEP_DIRECT_MAP),
                    .run = step_pages,
                    .cleanup = end_pages},
    [STEP_SLAB] = {.name = "slab", .needs = INIT_NEEDS(STEP_PAGES), .run = step_slab, .cleanup = end_slab},
    [STEP_VM] = {.name = "vm", .needs = INIT_NEEDS(STEP_SLAB), .run = step_vm, .cleanup = end_vm},
    [STEP_CPUS] = {.name = "cpus",
                   .needs = INIT_NEEDS(STEP_SLAB) | INIT_NEEDS(STEP_TIMER),
                   .is_optional = true,
                   .run = step_cpus,
                   .cleanup = end_cpus},
    [STEP_KFS] = {.name = "kfs", .needs = INIT_NEEDS(STEP_SLAB), .run = step_kfs, .cleanup = end_kfs},
    [STEP_PROCESSES] = {.name = "processes",
                        .needs = INIT_NEEDS(STEP_VM) | INIT_NEEDS(STEP_KFS),
                        .run = step_processes,
                        .cleanup = end_processes},
};

/* Whether the command line says init.fail=STEP of this step. */
static bool is_made_to_fail(const init_step_t *step)
{
    char name[32];
    return cmdline_get_param("init.fail", name, sizeof(name)) == STATUS_OK && text_equal(name, step->name);
}

void kernel_main(const boot_handoff_t *handoff)
{
    size_t failed;

    console_init();
    log_line("Quarry " QUARRY_VERSION " on %s", machine_name);
    kernel_state.handoff = handoff;
    init_sequence_start(&init_kernel, steps, ARRAY_COUNT(steps), &kernel_state);
    init_kernel.must_fail = is_made_to_fail;
    const status_t status = init_run_all(&init_kernel, &failed);
    if (status != STATUS_OK) {
        log_line("boot: can't go on without %s (%s); stopping", steps[failed].name, status_name(status));
        kernel_shutdown(KERNEL_BOOT_FAILED);
    }
    /*
     * What boot needs comes from the lowest memory, around what the page tree begins with. What is left there is for
     * devices that reach no further: who comes now makes the nodes for the memory above.
     */
    pages_spare_below(physical_address(GIB(4)));
    interrupts_enable();
    console_enable_input_interrupt();
    kernel_shutdown(kernel_application());
}

void kernel_shutdown(int status)
{
    init_cleanup_all(&init_kernel);
    if (status == 0 && kernel_state.leaked != 0) {
        status = KERNEL_LEAKED;
    }
    log_line("shutdown: done, status %d", status);
    machine_exit(status);
}
