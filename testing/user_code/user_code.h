/*
 * Programs of a few instructions for user mode, one file a machine (x86_64.S and so on).
 *
 * All of them are one stretch of position-independent code, less than a page, that lies in the image as data: a test
 * copies it to a page, maps that for the user to execute, and starts at a program's offset. They use no memory but what
 * their words say. The argument is what user_state_init() was told; "calls N(a, b)" is system call N with these
 * arguments.
 */
#ifndef TESTING_USER_CODE_H
#define TESTING_USER_CODE_H

/* Numbers of their system calls. */
#define USER_CODE_DONE  0x101 /* what was to be done is */
#define USER_CODE_ROUND 0x102
#define USER_CODE_WRONG 0x103 /* a register is not what it should be */

/* What user_code_store stores. */
#define USER_CODE_STORED 0xa5

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

extern const unsigned char user_code_start[], user_code_end[];

/* Loads the byte at the argument, or stores one, by the instruction at ..._access; then DONE(argument, byte loaded). */
extern const unsigned char user_code_load[], user_code_load_access[];
extern const unsigned char user_code_store[], user_code_store_access[];

/* Goes to the argument, ready for DONE. */
extern const unsigned char user_code_execute[];

/* The instruction, 8 bytes at most, that makes the call for who came by user_code_execute. */
extern const unsigned char user_code_landing[], user_code_landing_end[];

/* Goes round for ever, in one instruction. */
extern const unsigned char user_code_spin[];

/* Calls DONE() for ever, with two instructions in between. */
extern const unsigned char user_code_calls[];

/* Calls argument(argument + 1, ... argument + 6), and then DONE(the result). */
extern const unsigned char user_code_arguments[];

/*
 * Fills every register but one with numbers made from the argument, and looks at all of them many times; then ROUND(),
 * whose result must be the argument, and again. WRONG() when a register is wrong.
 */
extern const unsigned char user_code_registers[];

/*
 * Programs that a user must not get through: the instruction at `culprit`, after some that prepare it. The stack pointer
 * is the end of a page that may be written.
 */
typedef struct user_code_forbidden {
    const unsigned char *start;
    const unsigned char *culprit;
    const char *name;
} user_code_forbidden_t;
/* What has the name of a feature (arch/cpu_features.h) and _ at its start is forbidden where that is on. */
extern const user_code_forbidden_t user_code_forbidden[];
extern const uint64_t user_code_forbidden_count;

/*
 * Programs that leave the CPU in a state that the kernel has to bear, and then DONE(), and spin. The stack is as above.
 */
extern const unsigned char *const user_code_odd[];
extern const uint64_t user_code_odd_count;

/* Where something in this code is, when all of it was copied to `copy`. */
static inline uintptr_t user_code_at(uintptr_t copy, const unsigned char *place)
{
    return copy + (uintptr_t)(place - user_code_start);
}

#endif

#endif
