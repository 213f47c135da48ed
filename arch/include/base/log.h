/*
 * The kernel log: numbered lines kept in a ring and shown on the console.
 *
 * Declared this low because every layer reports trouble; implemented by kernel/ (and by the host port, to stderr).
 * Any context; never allocates, never fails: a line too long is cut, the oldest lines are overwritten.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>

#include "base/compiler.h"

/* Adds one line; the newline is added here. */
PRINTF_LIKE(1, 2) void log_line(const char *format, ...);

#endif
