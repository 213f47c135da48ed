/*
 * Starting the other CPUs, for ports that have a list of them. Each gets a structure, stacks and the kernel's consent before
 * it is started; indexes stay dense.
 */
#ifndef ARCH_SHARED_START_CPUS_H
#define ARCH_SHARED_START_CPUS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/cpu.h"
#include "arch/shared/devicetree_board.h"
#include "base/compiler.h"
#include "base/status.h"

/* What became of a CPU. */
typedef enum start_result {
    START_RUNS,
    START_LEFT_OUT, /* it has taken nothing: what was prepared serves for the next */
    START_LOST,     /* it owns what was prepared and does not get ready: no more are started */
} start_result_t;

/* ---- what the port brings ---- */

/*
 * Starts the CPU called ids[position], and sees it into the kernel. `cpu` is the first member of the port's structure for it, a
 * page, all zero but for index and self; its stacks are mapped. Anything but START_RUNS has been told in the log.
 */
MUST_USE start_result_t start_cpus_one(cpu_t *cpu, uint64_t id, uint32_t position);

/* ---- what the port calls ---- */

/*
 * Puts the numbers of the tree's CPUs into ids, the boot CPU's left out, as are numbers with any of `unusable_bits`; one that is
 * named twice comes once. Returns how many. (start_cpus_tree.c)
 */
uint32_t start_cpus_list(const devicetree_t *tree, uint64_t boot_id, uint64_t unusable_bits,
                         uint64_t ids[CPU_COUNT_MAX - 1]);

/*
 * Starts the CPUs ids[0 .. count), the caller's not among them, as cpu_start_all() says; `kind` is what the machine calls such
 * a number. Returns how many CPUs run. Boot CPU, once.
 */
uint32_t start_cpus(const uint64_t *ids, uint32_t count, const char *kind, status_t (*prepare)(cpu_t *cpu));

/*
 * Waits until *state is something else than `value`. False when that takes too long; on a machine without a clock that is
 * a number of looks.
 */
MUST_USE bool start_cpus_wait_while(_Atomic uint32_t *state, uint32_t value, uint64_t nanoseconds);

#endif
