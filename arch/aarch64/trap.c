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
#define CLASS_INSTRUCTION_USER 0x20
#define CLASS_INSTRUCTION      0x21
#define CLASS_DATA_USER        0x24
#define CLASS_DATA             0x25
#define CLASS_BREAK            0x3c
#define ABORT_WRITE            (UINT64_C(1) << 6)
#define ABORT_CACHE            (UINT64_C(1) << 8) /* cache maintenance, which is reported as a write */
#define ABORT_STATUS           0x3f
#define BREAK_COMMENT          0xffff
#define BREAK_OF_COMPILER      1 /* what __builtin_trap() becomes */
#define INSTRUCTION_BYTES      4

static const char *class_name(unsigned class)
{
    switch (class) {
    case CLASS_UNKNOWN:
        return "undefined instruction";
    case 0x01:
        return "trapped wait";
    case 0x07:
        return "floating-point access";
    case 0x0d:
        return "branch target exception";
    case 0x0e:
        return "illegal execution state";
    case 0x15:
        return "supervisor call";
    case 0x18:
        return "trapped system register";
    case 0x19:
        return "SVE access";
    case 0x1c:
        return "pointer authentication failure";
    case CLASS_INSTRUCTION_USER:
    case CLASS_INSTRUCTION:
        return "instruction abort";
    case 0x22:
        return "misaligned program counter";
    case CLASS_DATA_USER:
    case CLASS_DATA:
        return "data abort";
    case 0x26:
        return "misaligned stack pointer";
    case 0x2f:
        return "system error";
    case 0x30:
    case 0x31:
        return "hardware breakpoint";
    case 0x32:
    case 0x33:
        return "software step";
    case 0x34:
    case 0x35:
        return "watchpoint";
    case CLASS_BREAK:
        return "breakpoint";
    default:
        return "unknown exception";
    }
}

/* Faults of translation, access flag and permission, levels 0 to 3, have 4 to 15 as their status. */
static bool is_translation_fault(uint64_t syndrome)
{
    const uint64_t status = syndrome & ABORT_STATUS;

    return status >= 4 && status < 16;
}

static const char *abort_name(bool is_execute, uint64_t syndrome, uintptr_t address)
{
    if (stack_guard_contains(address)) {
        return "page fault (kernel stack overflow)";
    }
    if (is_translation_fault(syndrome)) {
        return "page fault";
    }
    if ((syndrome & ABORT_STATUS) == 0x21) {
        return "alignment fault";
    }
    return is_execute ? "external instruction abort" : "external data abort";
}

static void report(trap_frame_t *frame, unsigned vector)
{
    const unsigned class = (unsigned)(frame->esr >> CLASS_SHIFT) & CLASS_MASK;
    const unsigned from = vector & ~3u & ~(unsigned)VECTOR_OVERFLOW;
    const bool is_execute = class == CLASS_INSTRUCTION || class == CLASS_INSTRUCTION_USER;
    const bool is_abort = is_execute || class == CLASS_DATA || class == CLASS_DATA_USER;
    const bool is_break = class == CLASS_BREAK;
    trap_report_t report = {
        .kind = TRAP_OTHER,
        .name = class_name(class),
        .code = frame->esr,
        .is_user = from == VECTOR_FROM_USER || from == VECTOR_FROM_USER_32,
        .instruction = frame->elr,
        .stack = frame->sp,
        .frame = frame->x[29],
        .registers = frame,
    };

    if ((vector & 3) == VECTOR_KIND_SERROR) {
        report.name = "system error";
    } else if (is_abort) {
        report.address = frame->far;
        report.is_execute = is_execute;
        report.is_write = !is_execute && (frame->esr & ABORT_WRITE) != 0 && (frame->esr & ABORT_CACHE) == 0;
        report.name = abort_name(is_execute, frame->esr, frame->far);
        report.kind = is_translation_fault(frame->esr) ? TRAP_PAGE_FAULT : TRAP_OTHER;
    } else if (class == CLASS_UNKNOWN) {
        report.kind = TRAP_ILLEGAL_INSTRUCTION;
    } else if (is_break && (frame->esr & BREAK_COMMENT) == BREAK_OF_COMPILER) {
        report.kind = TRAP_ILLEGAL_INSTRUCTION;
        report.name = "compiler's trap";
    } else if (is_break) {
        report.kind = TRAP_BREAKPOINT;
    }
    if ((vector & VECTOR_OVERFLOW) != 0) {
        report.kind = TRAP_DOUBLE_FAULT;
        report.name = "interrupt stack overflow";
    }
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
    const bool is_data_abort = (frame->esr >> CLASS_SHIFT & CLASS_MASK) == CLASS_DATA;

    return frame->elr == (uintptr_t)attempt_semihosting_instruction ||
           (frame->elr == (uintptr_t)attempt_read_instruction && is_data_abort);
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
