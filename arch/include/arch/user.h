/*
 * User mode, as a call: user_run() enters it and returns when the machine leaves it.
 *
 * So a process needs no kernel stack of its own: its state is a user_state_t, and who runs it is a loop in thread
 * context. System calls, page faults and interrupts of user code all come back here, where memory may be allocated.
 * The kernel never follows a user's pointer; it copies through mm/address_space.h. User code has integer registers
 * only: using floating point or vector registers is a fault, and so is reading a clock or a counter of the CPU's.
 *
 * Implemented by every port that boots; the host has no user mode.
 */
#ifndef ARCH_USER_H
#define ARCH_USER_H

#include <stdint.h>

#include "arch/trap.h"
#include "base/compiler.h"
#include "base/text.h"

/* The registers of a user thread, in an order that is the port's. No CPU writes it outside user_run(). */
#define USER_STATE_WORDS 40
typedef struct user_state {
    uint64_t words[USER_STATE_WORDS];
} user_state_t;

/* Why user code stopped. */
typedef enum user_event {
    USER_EVENT_CALL,      /* it made a system call; running on continues behind it */
    USER_EVENT_FAULT,     /* an exception, told in the report; running on repeats the instruction */
    USER_EVENT_INTERRUPT, /* an interrupt, which has been handled; running on goes on as if nothing had been */
} user_event_t;

#define USER_CALL_ARGUMENTS 6

/*
 * A thread that will start at `entry`, with `stack` as its stack pointer, `argument` as its first, and no other value
 * in any register.
 */
void user_state_init(user_state_t *state, uintptr_t entry, uintptr_t stack, uint64_t argument);

/*
 * Runs the thread on the calling CPU until something happens. The CPU has activated the thread's page table.
 * Interrupts are enabled in user mode, whatever they are here, and as they were on return. *report is written for
 * USER_EVENT_FAULT only; its `registers` point into *state.
 */
MUST_USE user_event_t user_run(user_state_t *state, trap_report_t *report);

/* The system call that user_run() returned for: its number, its arguments (index below USER_CALL_ARGUMENTS). */
uint64_t user_call_number(const user_state_t *state);
uint64_t user_call_argument(const user_state_t *state, unsigned index);

/* What the system call will have returned when the thread goes on. */
void user_call_set_result(user_state_t *state, uint64_t result);

/* The registers as several lines of text. */
void user_state_write(text_writer_t *writer, const user_state_t *state);

#endif
