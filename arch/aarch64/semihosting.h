/*
 * Semihosting: asking the debugger or emulator that the machine runs in (Semihosting for AArch32 and AArch64).
 *
 * Where nobody listens, the first call finds that out, and none is tried again.
 */
#ifndef AARCH64_SEMIHOSTING_H
#define AARCH64_SEMIHOSTING_H

#include <stddef.h>

/* Ends the emulator with `status`; comes back when there is none. */
void semihosting_exit(int status);

/* Writes to the emulator's own console. Does nothing when there is none. */
void semihosting_write(const char *bytes, size_t length);

#endif
