/*
 * Exceptions: from a trap frame to a report that the kernel understands, and back. Interrupts go on to interrupts.c.
 */
#include "arch/trap.h"

#include "arch/inline.h"
#include "attempt.h"
#include "gic.h"
#include "interrupts.h"
#include "processor.h"
#include "registers.h"
#include "stacks.h"
#include "trap_frame.h"

/* ESR_EL1: exception class in bits 26 to 31, syndrome below (Arm ARM, D17.2.37). */
#define CLASS_SHIFT            26
#define CLASS_MASK             0x3f
#define CLASS_UNKNOWN          0x00
#define CLASS_CALL             0x15
#define CLASS_INSTRUCTION_USER 0x20
#define CLASS_INSTRUCTION      0x21
#define CLASS_DATA_USER        0x24
#define CLASS_DATA             0x25
#define CLASS_BREAK            0x3c
#define ABORT_WRITE            (UINT64_C(1) << 6)
#define ABORT_CACHE            (UINT64_C(1) << 8) /* cache maintenance, which is reported as a write */
#define ABORT_STATUS           0x3f
#define STATUS_TAG_CHECK       0x11
#define FAR_UNKNOWN            (UINT64_C(15) << 60) /* of FAR_EL1, after a tag check fault */
#define BREAK_COMMENT          0xffff
#define BREAK_OF_COMPILER      1 /* what __builtin_trap() becomes */
#define INSTRUCTION_BYTES      4

typedef struct class_meaning {
    unsigned class;
    trap_kind_t kind;
    const char *name;
} class_meaning_t;

static const class_meaning_t class_meanings[] = {
    {CLASS_UNKNOWN, TRAP_ILLEGAL_INSTRUCTION, "undefined instruction"},
    {0x01, TRAP_ILLEGAL_INSTRUCTION, "trapped wait"},
    {0x07, TRAP_ILLEGAL_INSTRUCTION, "floating-point access"},
    {0x0d, TRAP_OTHER, "branch target exception"},
    {0x0e, TRAP_OTHER, "illegal execution state"},
    {CLASS_CALL, TRAP_OTHER, "supervisor call"},
    {0x18, TRAP_ILLEGAL_INSTRUCTION, "trapped system register"},
    {0x19, TRAP_ILLEGAL_INSTRUCTION, "SVE access"},
    {0x1c, TRAP_OTHER, "pointer authentication failure"},
    {0x1d, TRAP_ILLEGAL_INSTRUCTION, "SME access"},
    {0x22, TRAP_OTHER, "misaligned program counter"},
    {0x26, TRAP_OTHER, "misaligned stack pointer"},
    {0x2f, TRAP_OTHER, "system error"},
    {0x30, TRAP_OTHER, "hardware breakpoint"},
    {0x31, TRAP_OTHER, "hardware breakpoint"},
    {0x32, TRAP_OTHER, "software step"},
    {0x33, TRAP_OTHER, "software step"},
    {0x34, TRAP_OTHER, "watchpoint"},
    {0x35, TRAP_OTHER, "watchpoint"},
    {CLASS_BREAK, TRAP_BREAKPOINT, "breakpoint"},
};

static unsigned class_of(const trap_frame_t *frame)
{
    return (unsigned)(frame->esr >> CLASS_SHIFT) & CLASS_MASK;
}

/* Faults of translation, access flag and permission, levels 0 to 3, have 4 to 15 as their status. */
static bool is_translation_fault(uint64_t syndrome)
{
    const uint64_t status = syndrome & ABORT_STATUS;

    return status >= 4 && status < 16;
}

static bool is_tag_fault(uint64_t syndrome)
{
    return (syndrome & ABORT_STATUS) == STATUS_TAG_CHECK;
}

static const char *abort_name(bool is_execute, uint64_t syndrome, uintptr_t address)
{
    if (stack_guard_contains(address)) {
        return "page fault (kernel stack overflow)";
    }
    if (is_translation_fault(syndrome)) {
        return "page fault";
    }
    if (!is_execute && is_tag_fault(syndrome)) {
        return "tag check fault";
    }
    if ((syndrome & ABORT_STATUS) == 0x21) {
        return "alignment fault";
    }
    return is_execute ? "external instruction abort" : "external data abort";
}

/* What an exception's class says. */
static void describe(trap_report_t *report, const trap_frame_t *frame)
{
    const unsigned class = class_of(frame);
    const bool is_execute = class == CLASS_INSTRUCTION || class == CLASS_INSTRUCTION_USER;

    if (is_execute || class == CLASS_DATA || class == CLASS_DATA_USER) {
        report->address = frame->far;
        report->is_execute = is_execute;
        report->is_write = !is_execute && (frame->esr & ABORT_WRITE) != 0 && (frame->esr & ABORT_CACHE) == 0;
        report->name = abort_name(is_execute, frame->esr, frame->far);
        report->kind = is_translation_fault(frame->esr) ? TRAP_PAGE_FAULT : TRAP_OTHER;
        if (!is_execute && is_tag_fault(frame->esr)) {
            report->kind = TRAP_CLOSED_PAGE;
            report->address |= FAR_UNKNOWN; /* only user code's begin with zeros, and those are not checked */
        }
        return;
    }
    if (class == CLASS_BREAK && (frame->esr & BREAK_COMMENT) == BREAK_OF_COMPILER) {
        report->name = "compiler's trap";
        report->kind = TRAP_ILLEGAL_INSTRUCTION;
        return;
    }
    for (size_t index = 0; index < ARRAY_COUNT(class_meanings); index++) {
        if (class_meanings[index].class == class) {
            report->name = class_meanings[index].name;
            report->kind = class_meanings[index].kind;
        }
    }
}

trap_report_t trap_report_of(const trap_frame_t *frame, unsigned vector)
{
    const unsigned from = vector & ~3u & ~(unsigned)VECTOR_OVERFLOW;
    trap_report_t report = {
        .kind = TRAP_OTHER,
        .name = "unknown exception",
        .code = frame->esr,
        .is_user = from == VECTOR_FROM_USER || from == VECTOR_FROM_USER_32,
        .instruction = frame->elr,
        .stack = frame->sp,
        .frame = frame->x[29],
        .registers = frame,
    };

    if ((vector & VECTOR_OVERFLOW) != 0) {
        report.kind = TRAP_DOUBLE_FAULT;
        report.name = "interrupt stack overflow";
    } else if ((vector & 3) == VECTOR_KIND_SERROR) {
        report.name = "system error";
    } else {
        describe(&report, frame);
    }
    return report;
}

bool trap_is_user_call(const trap_frame_t *frame)
{
    return class_of(frame) == CLASS_CALL;
}

static void report(trap_frame_t *frame, unsigned vector)
{
    const trap_report_t report = trap_report_of(frame, vector);

    if (!trap_handle(&report) || (vector & VECTOR_OVERFLOW) != 0) {
        cpu_halt_forever();
    }
    if (report.kind == TRAP_BREAKPOINT) {
        frame->elr += INSTRUCTION_BYTES; /* the address is the breakpoint's own; to go on is to go behind it */
    }
}

/* Whether the exception is the answer to one of attempt.h's questions. */
static bool is_refusal(const trap_frame_t *frame)
{
    return frame->elr == (uintptr_t)attempt_semihosting_instruction ||
           (frame->elr == (uintptr_t)attempt_read_instruction && class_of(frame) == CLASS_DATA);
}

void trap_dispatch(trap_frame_t *frame, unsigned vector)
{
    switch (vector & 3) {
    case VECTOR_KIND_IRQ:
        interrupt_dispatch();
        return;
    case VECTOR_KIND_FIQ:
        interrupt_dispatch_fast();
        return;
    default:
        if ((vector & 3) == VECTOR_KIND_SYNCHRONOUS && is_refusal(frame)) {
            frame->elr = (uintptr_t)attempt_refused;
            return;
        }
        report(frame, vector);
        return;
    }
}

void trap_init_cpu(void)
{
    gic_init_cpu(processor_current());
    /* Errors are to be told when they happen, and FIQ is the interrupt that no mask of ours holds off. */
    __asm__ volatile("msr daifclr, #5" ::: "memory");
}

void trap_write_registers(text_writer_t *writer, const trap_report_t *report)
{
    const trap_frame_t *const frame = report->registers;

    for (unsigned index = 0; index < ARRAY_COUNT(frame->x); index++) {
        text_format(writer, "x%-2u %016llx%s", index, (unsigned long long)frame->x[index],
                    index % 3 == 2 ? "\n" : "  ");
    }
    text_format(writer, "sp  %016llx\n", (unsigned long long)frame->sp);
    text_format(writer, "pc  %016llx  spsr %08llx  esr %08llx  far %016llx\n", (unsigned long long)frame->elr,
                (unsigned long long)frame->spsr, (unsigned long long)frame->esr, (unsigned long long)frame->far);
}
