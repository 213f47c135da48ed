/*
 * Exceptions and interrupts.
 *
 * A port decodes what the machine says into a trap_report_t and calls up; kernel/trap.c decides. The report outlives
 * the call only as a copy.
 */
#ifndef ARCH_TRAP_H
#define ARCH_TRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/text.h"

typedef enum trap_kind {
    TRAP_PAGE_FAULT, /* address is what was accessed */
    TRAP_ILLEGAL_INSTRUCTION,
    TRAP_BREAKPOINT,
    TRAP_CLOSED_PAGE,  /* an access to what memory_tags_close() closed: the same fields as of a page fault */
    TRAP_DOUBLE_FAULT, /* x86_64: most often an overflowed kernel stack */
    TRAP_OTHER,
} trap_kind_t;

typedef struct trap_report {
    trap_kind_t kind;
    const char *name;  /* the machine's own name for it: "general protection fault" */
    uint64_t code;     /* the machine's error code or syndrome */
    uintptr_t address; /* page fault: the address accessed */
    bool is_write;     /* page fault: the kind of access */
    bool is_execute;
    bool is_user;          /* taken from user mode */
    uintptr_t instruction; /* program counter */
    uintptr_t stack;       /* stack pointer */
    uintptr_t frame;       /* frame pointer, for the backtrace */
    const void *registers; /* the port's own frame, for trap_write_registers() */
} trap_report_t;

/*
 * Up: an exception that the port can't deal with by itself. Runs on the CPU that took it, interrupts masked, and must
 * not allocate. Returns true to go on at the interrupted instruction (it was repaired), false to have the port halt.
 */
MUST_USE bool trap_handle(const trap_report_t *report);

/* Up: a timer interrupt, in interrupt context. */
void trap_timer_tick(void);

/* Installs handlers on the calling CPU. Each CPU's entry code calls it, before kernel_main() or the idle function. */
void trap_init_cpu(void);

/* Writes the registers of a report as several lines of text. */
void trap_write_registers(text_writer_t *writer, const trap_report_t *report);

/*
 * Collects return addresses from `frame` (0: the caller's own) outward by frame pointers, into addresses[0 ..
 * capacity). Stops at the first frame that is not on a known kernel stack, so a broken chain is safe. Returns how
 * many were stored.
 */
size_t trap_backtrace(uintptr_t frame, uintptr_t *addresses, size_t capacity);

#endif
