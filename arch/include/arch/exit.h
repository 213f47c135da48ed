/*
 * The end: leaving the emulator with a status, or switching the machine off.
 */
#ifndef ARCH_EXIT_H
#define ARCH_EXIT_H

#include "base/compiler.h"

/*
 * Ends the emulator so that its runner learns `status` (0: success; 1 to 100: failure); on a machine without such a
 * device switches off (ACPI, PSCI, SBI), or else halts for good. Any context.
 */
NORETURN void machine_exit(int status);

#endif
