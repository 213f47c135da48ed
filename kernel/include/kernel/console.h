/*
 * Text on the console, from any CPU and any context: whole pieces, never letters of two CPUs mixed.
 *
 * Waits for another writer for a bounded time only and then writes all the same: a message that is hard to read is better than a
 * panic that hangs because a CPU was stopped in the middle of a line.
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <stddef.h>

#include "base/compiler.h"

/* Writes bytes in one piece. */
void kernel_console_write(const char *bytes, size_t length);

/* Formats and writes a piece of at most 512 bytes; more is cut. */
PRINTF_LIKE(1, 2) void kernel_print(const char *format, ...);

/* Returns the next byte of input, or -1 when there is none. */
int kernel_console_read(void);

/* Waits until input may have come or some milliseconds have passed. Thread context of the boot CPU. */
void kernel_console_wait(void);

#endif
