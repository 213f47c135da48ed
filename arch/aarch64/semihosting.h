/*
 * Semihosting: asking the debugger or emulator that the machine runs in (Semihosting for AArch32 and AArch64).
 *
 * Where nobody listens, the instruction is undefined; trap.c then has it do nothing, and it is not tried again.
 */
#ifndef AARCH64_SEMIHOSTING_H
#define AARCH64_SEMIHOSTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* Ends the emulator with `status`; comes back when there is none. */
void semihosting_exit(int status);

/* Writes to the emulator's own console. Does nothing when there is none. */
void semihosting_write(const char *bytes, size_t length);

/* From the handler of undefined instructions: whether the one at `address` is semihosting's; nobody listens then. */
MUST_USE bool semihosting_is_refused(uintptr_t address);

#endif
