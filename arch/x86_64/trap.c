/*
 * Exceptions: from a trap frame to a report that the kernel understands, and back.
 */
#include "arch/trap.h"

#include "arch/shared/running_cpus.h"
#include "interrupts.h"
#include "local_apic.h"
#include "processor.h"
#include "registers.h"
#include "stacks.h"
#include "tlb.h"
#include "trap_report.h"

#define SELECTOR_RING_3 3

/* Intel SDM vol. 3, table 6-1; AMD APM vol. 2, table 8-1 for 28 to 30. */
static const char *const exception_names[EXCEPTION_COUNT] = {
    "divide error",
    "debug exception",
    "non-maskable interrupt",
    "breakpoint",
    "overflow",
    "bound range exceeded",
    "invalid opcode",
    "device not available",
    "double fault",
    "coprocessor segment overrun",
    "invalid task state",
    "segment not present",
    "stack-segment fault",
    "general protection fault",
    "page fault",
    "reserved exception 15",
    "x87 floating-point error",
    "alignment check",
    "machine check",
    "SIMD floating-point exception",
    "virtualization exception",
    "control protection exception",
    "reserved exception 22",
    "reserved exception 23",
    "reserved exception 24",
    "reserved exception 25",
    "reserved exception 26",
    "reserved exception 27",
    "hypervisor injection exception",
    "VMM communication exception",
    "security exception",
    "reserved exception 31",
};

static trap_kind_t kind_of(uint64_t vector)
{
    switch (vector) {
    case EXCEPTION_PAGE_FAULT:
        return TRAP_PAGE_FAULT;
    case EXCEPTION_INVALID:
        return TRAP_ILLEGAL_INSTRUCTION;
    case EXCEPTION_BREAKPOINT:
        return TRAP_BREAKPOINT;
    case EXCEPTION_DOUBLE_FAULT:
        return TRAP_DOUBLE_FAULT;
    default:
        return TRAP_OTHER;
    }
}

void trap_report_fill(trap_report_t *report, const trap_frame_t *frame, uintptr_t fault_address)
{
    const bool is_page_fault = frame->vector == EXCEPTION_PAGE_FAULT;
    const bool is_double_fault = frame->vector == EXCEPTION_DOUBLE_FAULT;
    /* A push into a guard page faults, and the fault's own pushes fault again: CR2 still tells where. */
    const bool is_overflow = is_double_fault && stack_guard_contains(fault_address);

    *report = (trap_report_t){
        .kind = kind_of(frame->vector),
        .name = is_overflow ? "double fault (kernel stack overflow)" : exception_names[frame->vector],
        .code = frame->error_code,
        .address = is_page_fault || is_double_fault ? fault_address : 0,
        .is_write = is_page_fault && (frame->error_code & PAGE_FAULT_WRITE) != 0,
        .is_execute = is_page_fault && (frame->error_code & PAGE_FAULT_EXECUTE) != 0,
        .is_user = (frame->cs & SELECTOR_RING_3) == SELECTOR_RING_3,
        .instruction = frame->rip,
        .stack = frame->rsp,
        .frame = frame->rbp,
        .registers = frame,
    };
}

void exception_dispatch(const trap_frame_t *frame)
{
    /* Read first: another fault on the way would overwrite it. */
    const uint64_t fault_address = cr2_read();
    trap_report_t report;

    if (frame->vector == EXCEPTION_NMI) {
        running_cpus_stop_if_asked();
        if (tlb_flush_was_asked()) {
            return;
        }
    }
    trap_report_fill(&report, frame, fault_address);
    /* A double fault can't be returned from (Intel SDM vol. 3, 6.15, "Interrupt 8"). */
    if (!trap_handle(&report) || frame->vector == EXCEPTION_DOUBLE_FAULT) {
        cpu_halt_forever();
    }
}

void trap_init_cpu(void)
{
    descriptors_load(processor_current());
    local_apic_init_cpu();
}

void trap_frame_write(text_writer_t *writer, const trap_frame_t *frame, uintptr_t fault_address)
{
    text_format(writer, "rax %016llx  rbx %016llx  rcx %016llx\n", (unsigned long long)frame->rax,
                (unsigned long long)frame->rbx, (unsigned long long)frame->rcx);
    text_format(writer, "rdx %016llx  rsi %016llx  rdi %016llx\n", (unsigned long long)frame->rdx,
                (unsigned long long)frame->rsi, (unsigned long long)frame->rdi);
    text_format(writer, "rbp %016llx  rsp %016llx  rip %016llx\n", (unsigned long long)frame->rbp,
                (unsigned long long)frame->rsp, (unsigned long long)frame->rip);
    text_format(writer, "r8  %016llx  r9  %016llx  r10 %016llx\n", (unsigned long long)frame->r8,
                (unsigned long long)frame->r9, (unsigned long long)frame->r10);
    text_format(writer, "r11 %016llx  r12 %016llx  r13 %016llx\n", (unsigned long long)frame->r11,
                (unsigned long long)frame->r12, (unsigned long long)frame->r13);
    text_format(writer, "r14 %016llx  r15 %016llx  flags %08llx\n", (unsigned long long)frame->r14,
                (unsigned long long)frame->r15, (unsigned long long)frame->rflags);
    text_format(writer, "cs %llx  ss %llx  cr2 %016llx  cr3 %016llx\n", (unsigned long long)frame->cs,
                (unsigned long long)frame->ss, (unsigned long long)fault_address, (unsigned long long)cr3_read());
}

void trap_write_registers(text_writer_t *writer, const trap_report_t *report)
{
    const trap_frame_t *const frame = report->registers;

    /* A user's fault may be told when CR2 is another's by now. */
    trap_frame_write(writer, frame, report->is_user ? report->address : cr2_read());
}
