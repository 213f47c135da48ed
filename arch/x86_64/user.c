/*
 * User mode: arch/user.h. The way there and back is user_entry.S's.
 */
#include "arch/user.h"

#include "address_map.h"
#include "arch/inline.h"
#include "interrupts.h"
#include "registers.h"
#include "trap_report.h"
#include "user_frame.h"

/* Canonical addresses of the lower half end here; IRET and SYSRET fault in kernel mode on an RIP that is not one. */
#define LOWER_HALF_END (UINT64_C(1) << 47)

/* What user code starts with: interrupts enabled, and the bit that is always set. */
#define RFLAGS_START UINT64_C(0x202)

/* What SYSCALL clears: all that can be cleared, so that the kernel starts without AC, DF, IF, NT and TF. */
#define RFLAGS_ALL UINT64_C(0xfffffffd)

extern const char user_call_entry[];

static user_frame_t *frame_of(user_state_t *state)
{
    return (user_frame_t *)(void *)state->words;
}

static const user_frame_t *frame_of_const(const user_state_t *state)
{
    return (const user_frame_t *)(const void *)state->words;
}

void user_init_cpu(void)
{
    msr_write(MSR_STAR, (uint64_t)SELECTOR_KERNEL_CODE << 32 | (uint64_t)(SELECTOR_USER_DATA - 8) << 48);
    msr_write(MSR_LSTAR, (uint64_t)(uintptr_t)user_call_entry);
    msr_write(MSR_FMASK, RFLAGS_ALL);
    msr_write(MSR_SYSENTER_CS, 0); /* SYSENTER faults */
    msr_write(MSR_FS_BASE, 0);
    msr_write(MSR_KERNEL_GS_BASE, 0); /* the user's, while the kernel runs */
    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SYSCALL);
    __asm__ volatile("movq %0, %%dr7" ::"r"(DR7_NOTHING));
    __asm__ volatile("lldt %w0" ::"r"(0)); /* no segments but those of descriptors.c */
}

void user_state_init(user_state_t *state, uintptr_t entry, uintptr_t stack, uint64_t argument)
{
    *state = (user_state_t){.words = {0}};
    frame_of(state)->trap = (trap_frame_t){
        .rdi = argument,
        .rip = entry,
        .cs = SELECTOR_USER_CODE,
        .rflags = RFLAGS_START,
        .rsp = stack,
        .ss = SELECTOR_USER_DATA,
    };
}

/* As if the CPU had gone there and found nothing. */
static void fault_at_instruction(user_frame_t *frame)
{
    frame->trap.vector = EXCEPTION_PAGE_FAULT;
    frame->trap.error_code = PAGE_FAULT_USER | PAGE_FAULT_EXECUTE;
    frame->fault_address = frame->trap.rip;
}

user_event_t user_run(user_state_t *state, trap_report_t *report)
{
    user_frame_t *const frame = frame_of(state);

    if (frame->trap.rip >= LOWER_HALF_END) {
        fault_at_instruction(frame);
    } else {
        const interrupt_state_t interrupts = interrupts_save();
        user_enter(frame);
        interrupts_restore(interrupts);
    }
    if (frame->trap.vector == VECTOR_SYSCALL) {
        return USER_EVENT_CALL;
    }
    if (frame->trap.vector >= EXCEPTION_COUNT) {
        return USER_EVENT_INTERRUPT;
    }
    trap_report_fill(report, &frame->trap, frame->fault_address);
    return USER_EVENT_FAULT;
}

uint64_t user_call_number(const user_state_t *state)
{
    return frame_of_const(state)->trap.rax;
}

uint64_t user_call_argument(const user_state_t *state, unsigned index)
{
    const trap_frame_t *const trap = &frame_of_const(state)->trap;
    /* As the SysV ABI has them, with R10 for RCX, which SYSCALL takes. */
    const uint64_t arguments[USER_CALL_ARGUMENTS] = {trap->rdi, trap->rsi, trap->rdx, trap->r10, trap->r8, trap->r9};

    return arguments[index];
}

void user_call_set_result(user_state_t *state, uint64_t result)
{
    frame_of(state)->trap.rax = result;
}

void user_state_write(text_writer_t *writer, const user_state_t *state)
{
    const user_frame_t *const frame = frame_of_const(state);

    trap_frame_write(writer, &frame->trap, frame->fault_address);
}
