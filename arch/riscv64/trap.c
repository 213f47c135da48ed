/*
 * Exceptions and interrupts: from a trap frame to what the kernel understands, and back.
 *
 * Interrupt handlers run on the CPU's interrupt stack, masked, so they do not nest, and in the interrupt's allocation
 * context (arch/cpu_local.h).
 *
 * Page faults on what is mapped. A CPU may remember that an entry was invalid (Privileged Architecture 4.2.1), and nobody
 * tells the others when one becomes valid. So a fault first looks at the tables: if they allow the access, the CPU forgets
 * what it remembers and tries again, a few times in a row at most.
 */
#include "arch/trap.h"

#include "base/log.h"
#include "cpu_features.h"
#include "page_table.h"
#include "plic.h"
#include "processor.h"
#include "register_probe.h"
#include "registers.h"
#include "stacks.h"
#include "timer.h"
#include "trap_frame.h"

#define STALE_REPEATS_MAX 16

/* Privileged Architecture, table 4.2. */
static const char *const exception_names[] = {
    "misaligned instruction address",
    "instruction access fault",
    "illegal instruction",
    "breakpoint",
    "misaligned load",
    "load access fault",
    "misaligned store",
    "store access fault",
    "environment call from user mode",
    "environment call from the kernel",
    "reserved exception 10",
    "reserved exception 11",
    "instruction page fault",
    "load page fault",
    "reserved exception 14",
    "store page fault",
};

static trap_kind_t kind_of(uint64_t cause)
{
    switch (cause) {
    case CAUSE_INSTRUCTION_FAULT:
    case CAUSE_LOAD_FAULT:
    case CAUSE_STORE_FAULT:
        return TRAP_PAGE_FAULT;
    case CAUSE_ILLEGAL_INSTRUCTION:
        return TRAP_ILLEGAL_INSTRUCTION;
    case CAUSE_BREAKPOINT:
        return TRAP_BREAKPOINT;
    default:
        return TRAP_OTHER;
    }
}

/* Whether the tables allow the access that faulted, so that it is to be tried again. */
static bool was_stale(const trap_frame_t *frame)
{
    processor_t *const processor = processor_current();
    radix_leaf_t leaf;

    if ((frame->status & SSTATUS_SPP) == 0 || !page_table_find(frame->value, &leaf) ||
        (leaf.access & PAGE_ACCESS_USER) != 0 ||
        (frame->cause == CAUSE_STORE_FAULT && (leaf.access & PAGE_ACCESS_WRITE) == 0) ||
        (frame->cause == CAUSE_INSTRUCTION_FAULT && (leaf.access & PAGE_ACCESS_EXECUTE) == 0)) {
        return false;
    }
    const bool is_repeated =
        processor->fault_instruction == frame->instruction && processor->fault_address == frame->value;
    processor->fault_instruction = frame->instruction;
    processor->fault_address = frame->value;
    processor->fault_repeats = is_repeated ? processor->fault_repeats + 1 : 0;
    if (processor->fault_repeats == STALE_REPEATS_MAX) {
        processor->fault_repeats = 0;
        return false;
    }
    tlb_flush();
    return true;
}

/* The length of the instruction at the program counter: the lowest two bits are set in those of four bytes. */
static uint64_t instruction_length(const trap_frame_t *frame)
{
    return (*(const uint16_t *)frame->instruction & 3) == 3 ? 4 : 2;
}

trap_report_t trap_report_of(const trap_frame_t *frame)
{
    const trap_kind_t kind = kind_of(frame->cause);
    const bool is_user = (frame->status & SSTATUS_SPP) == 0;
    const bool is_overflow = kind == TRAP_PAGE_FAULT && !is_user && stack_guard_contains(frame->value);
    const bool is_known = frame->cause < ARRAY_COUNT(exception_names);

    return (trap_report_t){
        .kind = kind,
        .name = is_overflow ? "page fault (kernel stack overflow)"
                : is_known  ? exception_names[frame->cause]
                            : "unknown exception",
        .code = frame->cause,
        .address = kind == TRAP_ILLEGAL_INSTRUCTION || kind == TRAP_BREAKPOINT ? 0 : frame->value,
        .is_write = frame->cause == CAUSE_STORE_MISALIGNED || frame->cause == CAUSE_STORE_ACCESS ||
                    frame->cause == CAUSE_STORE_FAULT,
        .is_execute = frame->cause == CAUSE_INSTRUCTION_FAULT || frame->cause == CAUSE_INSTRUCTION_ACCESS,
        .is_user = is_user,
        .instruction = frame->instruction,
        .stack = frame->x[REGISTER_SP],
        .frame = frame->x[REGISTER_S0],
        .registers = frame,
    };
}

static void handle_exception(trap_frame_t *frame)
{
    const trap_kind_t kind = kind_of(frame->cause);

    if (frame->cause == CAUSE_ILLEGAL_INSTRUCTION && register_probe_is_at(frame->instruction)) {
        frame->x[REGISTER_A0] = 0;
        frame->instruction += instruction_length(frame);
        return;
    }
    if (kind == TRAP_PAGE_FAULT && was_stale(frame)) {
        return;
    }
    const trap_report_t report = trap_report_of(frame);

    if (!trap_handle(&report)) {
        cpu_halt_forever();
    }
    if (kind == TRAP_BREAKPOINT) {
        frame->instruction += instruction_length(frame);
    }
}

/* An interrupt that nothing here asked for: told once for each, so that a storm can't fill the log. */
static void report_unexpected(uint64_t number)
{
    static _Atomic uint64_t reported;
    const uint64_t bit = UINT64_C(1) << number % 64;

    CSR_CLEAR(sie, bit);
    if ((atomic_fetch_or_explicit(&reported, bit, memory_order_relaxed) & bit) == 0) {
        log_line("interrupt: unexpected number %llu", (unsigned long long)number);
    }
}

static void handle_interrupt(uint64_t number)
{
    cpu_t *const cpu = cpu_current();
    struct allocation_context *const interrupted = cpu->allocation_context;

    cpu->allocation_context = cpu->interrupt_context;
    cpu->interrupt_depth++;
    atomic_signal_fence(memory_order_seq_cst);
    switch (number) {
    case INTERRUPT_SOFTWARE:
        processor_software_interrupt();
        break;
    case INTERRUPT_TIMER:
        timer_interrupt();
        break;
    case INTERRUPT_EXTERNAL:
        plic_take_all();
        break;
    default:
        report_unexpected(number);
        break;
    }
    atomic_signal_fence(memory_order_seq_cst);
    cpu->interrupt_depth--;
    cpu->allocation_context = interrupted;
}

void trap_dispatch(trap_frame_t *frame)
{
    if ((frame->cause & CAUSE_INTERRUPT) != 0) {
        handle_interrupt(frame->cause & ~CAUSE_INTERRUPT);
    } else {
        handle_exception(frame);
    }
}

void trap_init_cpu(void)
{
    CSR_WRITE(stvec, (uintptr_t)trap_entry);
    CSR_WRITE(sscratch, (uintptr_t)cpu_current());
    CSR_CLEAR(sstatus, SSTATUS_SUM | SSTATUS_MXR | SSTATUS_FS | SSTATUS_VS);
    CSR_WRITE(sie, INTERRUPT_BIT(INTERRUPT_SOFTWARE));
    CSR_WRITE(scounteren, 0); /* no clocks for user code, and so none to measure the kernel with */
    (void)register_probe_user_environment();
    if (cpu_current()->index == 0) {
        cpu_features_find();
    }
}

void trap_write_registers(text_writer_t *writer, const trap_report_t *report)
{
    static const char *const names[] = {"zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
                                        "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
                                        "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
    const trap_frame_t *const frame = report->registers;

    _Static_assert(ARRAY_COUNT(names) == 32, "x0 to x31");
    for (unsigned number = 1; number < ARRAY_COUNT(names); number++) {
        text_format(writer, "%-3s %016llx%s", names[number], (unsigned long long)frame->x[number],
                    number % 3 == 0 || number == 31 ? "\n" : "  ");
    }
    text_format(writer, "status %llx  cause %llx  value %016llx\n", (unsigned long long)frame->status,
                (unsigned long long)frame->cause, (unsigned long long)frame->value);
}
