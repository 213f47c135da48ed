/*
 * User mode (arch/user.h). A thread's registers are a trap_frame_t, so that a report of its faults reads like any other.
 *
 * An interrupt of user code is not handled where it arrives: user_enter() returns with it pending, and it is taken as an
 * interrupt of the kernel as soon as it is let in here, on its own stack.
 */
#include "arch/user.h"

#include "arch/inline.h"
#include "base/check.h"
#include "registers.h"
#include "trap_frame.h"

#define REGISTER_NUMBER 8 /* of the system call */

/*
 * SPSR_EL1: what user code may have there. The rest is 0: EL0, in AArch64, no exception masked. Flags; TCO, DIT; SSBS;
 * BTYPE.
 */
#define SPSR_OF_USER UINT64_C(0xf3001c00)

_Static_assert(sizeof(trap_frame_t) <= sizeof(user_state_t), "a state has room for a frame");
_Static_assert(_Alignof(trap_frame_t) <= _Alignof(user_state_t), "and can stand for one");

static trap_frame_t *frame_of(user_state_t *state)
{
    return (trap_frame_t *)state->words;
}

static const trap_frame_t *const_frame_of(const user_state_t *state)
{
    return (const trap_frame_t *)state->words;
}

void user_state_init(user_state_t *state, uintptr_t entry, uintptr_t stack, uint64_t argument)
{
    *state = (user_state_t){0};
    frame_of(state)->elr = entry;
    frame_of(state)->sp = stack;
    frame_of(state)->x[0] = argument;
}

user_event_t user_run(user_state_t *state, trap_report_t *report)
{
    trap_frame_t *const frame = frame_of(state);
    const interrupt_state_t interrupts = interrupts_save();

    frame->spsr &= SPSR_OF_USER;
    const unsigned kind = user_enter(frame);
    if (kind == VECTOR_KIND_IRQ || kind == VECTOR_KIND_FIQ) {
        interrupts_restore(interrupts & ~PORT_DAIF_INTERRUPT);
        instruction_barrier(); /* it is taken here */
        interrupts_restore(interrupts);
        return USER_EVENT_INTERRUPT;
    }
    interrupts_restore(interrupts);
    if (kind == VECTOR_KIND_SYNCHRONOUS && trap_is_user_call(frame)) {
        return USER_EVENT_CALL;
    }
    *report = trap_report_of(frame, VECTOR_FROM_USER | kind);
    if (kind == VECTOR_KIND_SERROR) {
        (void)!trap_handle(report); /* the machine's error, and nobody's in particular: there is no going on */
        cpu_halt_forever();
    }
    return USER_EVENT_FAULT;
}

uint64_t user_call_number(const user_state_t *state)
{
    return const_frame_of(state)->x[REGISTER_NUMBER];
}

uint64_t user_call_argument(const user_state_t *state, unsigned index)
{
    CHECK(index < USER_CALL_ARGUMENTS, "no such argument");
    return const_frame_of(state)->x[index];
}

void user_call_set_result(user_state_t *state, uint64_t result)
{
    frame_of(state)->x[0] = result;
}

void user_state_write(text_writer_t *writer, const user_state_t *state)
{
    const trap_report_t report = {.registers = const_frame_of(state)};

    trap_write_registers(writer, &report);
}
