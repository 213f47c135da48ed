/*
 * The orderly end: every layer hands back what it took, in reverse order of initialization, and says what was leaked.
 */
#ifndef KERNEL_SHUTDOWN_H
#define KERNEL_SHUTDOWN_H

#include "base/compiler.h"

/* What the machine exits with when a step that must succeed failed, and when all went well but something was leaked. */
#define KERNEL_BOOT_FAILED 3
#define KERNEL_LEAKED      6

/*
 * Shuts down and leaves with machine_exit(status), or with KERNEL_LEAKED in the place of 0. Boot CPU, thread context;
 * no file is open, no other CPU has a job.
 */
NORETURN void kernel_shutdown(int status);

#endif
