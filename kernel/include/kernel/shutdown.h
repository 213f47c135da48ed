/*
 * The orderly end: every layer hands back what it took, in reverse order of initialization, and says what was leaked.
 */
#ifndef KERNEL_SHUTDOWN_H
#define KERNEL_SHUTDOWN_H

#include "base/compiler.h"

/* Shuts down and leaves with machine_exit(status). Boot CPU, thread context; no file is open, no other CPU has a job. */
NORETURN void kernel_shutdown(int status);

#endif
