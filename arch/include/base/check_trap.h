/*
 * Check traps as objects, for the property engine: who opens one knows where the check stands, and can leave through
 * the trap for reasons of its own.
 *
 * Tests that only want the message use check_trap_run() of base/check.h.
 */
#ifndef BASE_CHECK_TRAP_H
#define BASE_CHECK_TRAP_H

#include <stdint.h>

#include "arch/inline.h"
#include "arch/jump.h"
#include "base/check.h"

/* Lives on the stack of the function that opens it. All fields but `owner` are the implementation's. */
typedef struct check_trap {
    const void *owner; /* set before opening: whose trap this is, for who walks the chain; NULL if nobody cares */
    jump_buffer_t jump;
    struct check_trap *outer; /* the trap that was open before, or NULL */
    const check_site_t *site; /* what was caught */
    struct allocation_context *allocation_context;
    interrupt_state_t interrupts;
    uint32_t ranks_held;
    uint32_t interrupt_depth;
} check_trap_t;

/*
 * Runs body(argument) with `trap` open on this CPU. Returns the site of the check that failed, or NULL when body came
 * back.
 */
MUST_USE const check_site_t *check_trap_catch(check_trap_t *trap, void (*body)(void *argument), void *argument);

/*
 * Leaves body at once, through `trap` and every trap opened inside it, as though the check at `site` had failed with
 * `trap` the innermost. `trap` is open on this CPU, at this interrupt level.
 */
NORETURN COLD void check_trap_leave(check_trap_t *trap, const check_site_t *site);

#endif
