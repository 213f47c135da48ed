/*
 * What trap_entry.S leaves on the stack: the registers of the interrupted code.
 */
#ifndef RISCV64_TRAP_FRAME_H
#define RISCV64_TRAP_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "arch/trap.h"

/* Registers by number (x0's place is free): 1 ra, 2 sp, 3 gp, 4 tp, 5-7 t0-t2, 8-9 s0-s1, 10-17 a0-a7, 18-27 s2-s11, 28-31 t3-t6. */
typedef struct trap_frame {
    uint64_t x[32];
    uint64_t instruction; /* sepc */
    uint64_t status;      /* sstatus */
    uint64_t cause;       /* scause */
    uint64_t value;       /* stval: the address accessed, or the instruction */
} trap_frame_t;

_Static_assert(sizeof(trap_frame_t) == 36 * 8, "trap_entry.S relies on it");
_Static_assert(offsetof(trap_frame_t, instruction) == 32 * 8, "trap_entry.S relies on it");

#define REGISTER_SP 2
#define REGISTER_S0 8
#define REGISTER_A0 10
#define REGISTER_A7 17

/* What a frame of an exception says. */
trap_report_t trap_report_of(const trap_frame_t *frame);

/* Runs user code with the frame's registers until it traps (user_entry.S). Interrupts are masked, before and after. */
void user_enter(trap_frame_t *frame);

/* From the entry code, with the frame on the stack. */
void trap_dispatch(trap_frame_t *frame);

/* The entry code, for stvec. */
extern char trap_entry[];

#endif
