/*
 * Instructions that may be refused: by an emulator that is not there, by a bus that has nothing at an address. A refusal
 * is an exception, which trap.c turns into the answer `false`. Any context with trap_vectors in force.
 */
#ifndef AARCH64_ATTEMPT_H
#define AARCH64_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

/* Reads the aligned word at `address`. Returns false, with *value as it was, when there is nothing to be read. */
MUST_USE bool attempt_read_32(uintptr_t address, uint32_t *value);

/* A semihosting call (HLT 0xf000; Semihosting for AArch32 and AArch64, 3). Returns false when nobody listens. */
MUST_USE bool attempt_semihosting(uint64_t operation, const void *argument);

/* For trap.c: the two instructions, and where to go on when one of them is refused. */
extern const char attempt_read_instruction[], attempt_semihosting_instruction[], attempt_refused[];

#endif
