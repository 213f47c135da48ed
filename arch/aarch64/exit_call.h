/*
 * The one instruction of the port that may not exist; trap.c goes on behind it then.
 */
#ifndef AARCH64_EXIT_CALL_H
#define AARCH64_EXIT_CALL_H

extern const char exit_semihosting_instruction[];

#endif
