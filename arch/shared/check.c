/*
 * Failing checks, and the traps that catch them for tests.
 *
 * The open traps of a CPU are a chain of structures on its stack, innermost first, from cpu_t's check_trap:
 *
 *   cpu->check_trap --> trap of the mistake made on purpose --outer--> trap around the property --outer--> NULL
 *
 * Invariants
 *   T1  a trap is on the chain exactly while check_trap_catch() that opened it has not returned
 *   T2  leaving through a trap takes it, and every trap inside it, off the chain
 */
#include "base/check_trap.h"

const check_site_t *check_trap_catch(check_trap_t *trap, void (*body)(void *argument), void *argument)
{
    cpu_t *const cpu = cpu_current();

    trap->outer = cpu->check_trap;
    trap->site = NULL;
    trap->allocation_context = cpu->allocation_context;
    trap->ranks_held = cpu->ranks_held;
    trap->interrupt_depth = cpu->interrupt_depth;
    trap->interrupts = interrupts_save();
    interrupts_restore(trap->interrupts);

    /* The way back by jump_restore() is a whole one: check_trap_leave() has put the CPU's state in order already. */
    if (jump_save(&trap->jump) == 0) {
        cpu->check_trap = trap;
        body(argument);
        cpu->check_trap = trap->outer;
    }
    return trap->site;
}

void check_trap_leave(check_trap_t *trap, const check_site_t *site)
{
    cpu_t *const cpu = cpu_current();

    trap->site = site;
    cpu->check_trap = trap->outer;
    cpu->allocation_context = trap->allocation_context;
    cpu->ranks_held = trap->ranks_held;
    interrupts_restore(trap->interrupts);
    jump_restore(&trap->jump);
}

void check_failed(const check_site_t *site)
{
    const cpu_t *const cpu = cpu_current();

    if (cpu->check_trap != NULL && cpu->check_trap->interrupt_depth == cpu->interrupt_depth) {
        check_trap_leave(cpu->check_trap, site);
    }
    check_report_and_stop(site);
}

const char *check_trap_run(void (*body)(void *argument), void *argument)
{
    check_trap_t trap;

    trap.owner = NULL;
    const check_site_t *const site = check_trap_catch(&trap, body, argument);

    return site == NULL ? NULL : site->message;
}
