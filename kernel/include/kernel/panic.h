/*
 * The end of a kernel that can't go on: a report, then exit status 2.
 *
 * Any CPU, any context. The first CPU to panic reports; others that panic meanwhile are stopped without a word.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include "arch/trap.h"
#include "base/compiler.h"

#define PANIC_EXIT_STATUS 2

/* Reports a message, with the caller's backtrace, and stops. */
PRINTF_LIKE(1, 2) NORETURN COLD void panic(const char *format, ...);

/* Reports an exception, with registers and the backtrace of the code that it interrupted, and stops. */
NORETURN COLD void panic_trap(const trap_report_t *report);

/* Logs the backtrace that starts at `instruction` (0: none) and `frame` (0: the caller's own), a line a function. */
void panic_log_backtrace(uintptr_t instruction, uintptr_t frame);

#endif
