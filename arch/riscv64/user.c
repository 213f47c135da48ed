/*
 * User mode (arch/user.h). A thread's registers are a trap_frame_t, so that a report of its faults reads like any other.
 *
 * An interrupt of user code is not handled where it arrives: user_enter() returns with it pending, and it is taken as an
 * interrupt of the kernel as soon as interrupts are enabled here, on its own stack.
 */
#include "arch/user.h"

#include "base/check.h"
#include "processor.h"
#include "registers.h"
#include "trap_frame.h"
#include "user_table.h"

#define CALL_BYTES 4 /* ECALL has no short form */

/* Behind the frame: which CPU ran the thread last. */
#define WORD_CPU (sizeof(trap_frame_t) / sizeof(uint64_t))

_Static_assert(WORD_CPU < USER_STATE_WORDS, "a state has room for a frame, and a word");
_Static_assert(_Alignof(trap_frame_t) <= _Alignof(user_state_t), "and can stand for one");
_Static_assert(offsetof(processor_t, kernel_stack) == PROCESSOR_KERNEL_STACK, "user_entry.S relies on it");
_Static_assert(offsetof(processor_t, user_frame) == PROCESSOR_USER_FRAME, "user_entry.S relies on it");

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
    frame_of(state)->instruction = entry;
    frame_of(state)->x[REGISTER_SP] = stack;
    frame_of(state)->x[REGISTER_A0] = argument;
}

/*
 * A CPU may remember that a page was not there (Privileged Architecture 4.2.1). The kernel, seeing that it is, has the thread
 * try again; so on the second fault in a row at one place the CPU forgets what it remembers.
 */
static void forget_if_repeated(const trap_frame_t *frame)
{
    processor_t *const processor = processor_current();

    if (processor->fault_instruction == frame->instruction && processor->fault_address == frame->value) {
        tlb_flush();
    }
    processor->fault_instruction = frame->instruction;
    processor->fault_address = frame->value;
    processor->fault_repeats = 0;
}

/*
 * A thread may make code of what it writes, by a FENCE.I of its own; that is for the CPU that it is on. So whichever runs it next
 * fetches anew, too.
 */
static void note_cpu(user_state_t *state)
{
    const uint64_t cpu = cpu_current()->index + UINT64_C(1); /* 0: none has run it yet */

    if (state->words[WORD_CPU] != cpu) {
        state->words[WORD_CPU] = cpu;
        fetch_anew();
    }
}

user_event_t user_run(user_state_t *state, trap_report_t *report)
{
    trap_frame_t *const frame = frame_of(state);
    const interrupt_state_t interrupts = interrupts_save();

    user_table_fetch_new_code();
    note_cpu(state);
    frame->cause = 0; /* and so the frame can be written, when it has to be */
    user_enter(frame);
    CHECK((frame->status & SSTATUS_SPP) == 0, "exception on the way to user mode");
    if ((frame->cause & CAUSE_INTERRUPT) != 0) {
        interrupts_enable(); /* it is taken here */
        interrupts_restore(interrupts);
        return USER_EVENT_INTERRUPT;
    }
    if (frame->cause == CAUSE_USER_CALL) {
        interrupts_restore(interrupts);
        frame->instruction += CALL_BYTES;
        return USER_EVENT_CALL;
    }
    forget_if_repeated(frame);
    interrupts_restore(interrupts);
    *report = trap_report_of(frame);
    return USER_EVENT_FAULT;
}

uint64_t user_call_number(const user_state_t *state)
{
    return const_frame_of(state)->x[REGISTER_A7];
}

uint64_t user_call_argument(const user_state_t *state, unsigned index)
{
    CHECK(index < USER_CALL_ARGUMENTS, "no such argument");
    return const_frame_of(state)->x[REGISTER_A0 + index];
}

void user_call_set_result(user_state_t *state, uint64_t result)
{
    frame_of(state)->x[REGISTER_A0] = result;
}

void user_state_write(text_writer_t *writer, const user_state_t *state)
{
    const trap_report_t report = {.registers = const_frame_of(state)};

    trap_write_registers(writer, &report);
    text_format(writer, "pc  %016llx\n", (unsigned long long)const_frame_of(state)->instruction);
}
