/*
 * Firmware's power control (PSCI, DEN 0022), called the way that the device tree says.
 */
#ifndef AARCH64_PSCI_H
#define AARCH64_PSCI_H

#include <stdint.h>

#include "arch/shared/devicetree.h"
#include "base/compiler.h"
#include "base/status.h"

/* Finds out how firmware is called. Without PSCI all calls below are refused. Boot CPU. */
void psci_find(const devicetree_t *tree);

/*
 * Starts the CPU with this MPIDR affinity at physical `entry`, with `argument` in x0.
 *
 * Returns STATUS_UNSUPPORTED without PSCI, STATUS_EXISTS when the CPU runs already, STATUS_INVALID when firmware knows
 * no such CPU or address, STATUS_DENIED for any other refusal.
 */
MUST_USE status_t psci_cpu_on(uint64_t affinity, uint64_t entry, uint64_t argument);

/* Switches the machine off; comes back when that can't be done. */
void psci_system_off(void);

#endif
