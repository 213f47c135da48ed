/*
 * Panics: failed checks, exceptions that nobody expected, and steps of boot that must not fail.
 *
 * Order matters: first this CPU becomes the only one that reports, then the others stop, then locks that they may have held are
 * broken, and only then is anything said. A panic inside a panic says so in one line and ends.
 */
#include "kernel/panic.h"

#include <stdatomic.h>

#include "arch/console.h"
#include "arch/cpu.h"
#include "arch/exit.h"
#include "base/check.h"
#include "base/log.h"
#include "base/text.h"
#include "console_break.h"
#include "kernel/log.h"
#include "kernel/symbols.h"

#define BACKTRACE_MAX      32
#define REGISTERS_TEXT_MAX 1024
#define MESSAGE_MAX        200
#define NOBODY             UINT32_MAX

static _Atomic uint32_t panicking_cpu = NOBODY;

/* Makes this CPU the one that reports. */
static void panic_begin(void)
{
    (void)interrupts_save(); /* for good: there is no way back */
    const uint32_t self = cpu_current()->index;
    uint32_t first = NOBODY;
    if (!atomic_compare_exchange_strong(&panicking_cpu, &first, self)) {
        if (first == self) {
            static const char text[] = "\npanic inside a panic\n";
            console_write(text, sizeof(text) - 1);
            machine_exit(PANIC_EXIT_STATUS);
        }
        for (;;) {
            cpu_relax(); /* the CPU that reports stops us, or ends the machine */
        }
    }
    cpu_stop_others();
    console_break_lock();
    log_break_lock();
    log_show_on_console(true);
}

/* The last lines of every panic. */
static NORETURN void panic_end(void)
{
    log_line("panic: the kernel has stopped");
    machine_exit(PANIC_EXIT_STATUS);
}

/*
 * Logs an address with its function. A return address is looked up by the call before it: a call that never comes back may be its
 * function's last instruction, and what follows belongs to the next one.
 */
static void log_address(uintptr_t address, bool is_return)
{
    const symbol_table_t table = symbols_of_image();
    const char *name;
    uint64_t offset;
    if (symbol_find(&table, address - is_return, &name, &offset)) {
        offset += is_return;
        log_line("  0x%016llx %s+0x%llx", (unsigned long long)address, name, (unsigned long long)offset);
    } else {
        log_line("  0x%016llx", (unsigned long long)address);
    }
}

void panic_log_backtrace(uintptr_t instruction, uintptr_t frame)
{
    uintptr_t addresses[BACKTRACE_MAX];
    const size_t count = trap_backtrace(frame, addresses, BACKTRACE_MAX);
    log_line("backtrace, innermost first:");
    if (instruction != 0) {
        log_address(instruction, false);
    }
    for (size_t index = 0; index < count; index++) {
        log_address(addresses[index], true);
    }
    if (count == BACKTRACE_MAX) {
        log_line("  ... and more");
    }
}

void panic(const char *format, ...)
{
    char message[MESSAGE_MAX];
    text_writer_t writer = text_writer(message, sizeof(message));
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&writer, format, arguments);
    va_end(arguments);

    panic_begin();
    log_line("panic on cpu %u: %s", cpu_current()->index, message);
    panic_log_backtrace(0, (uintptr_t)__builtin_frame_address(0));
    panic_end();
}

void check_report_and_stop(const check_site_t *site)
{
    panic_begin();
    log_line("panic on cpu %u: %s", cpu_current()->index, site->message);
    log_line("  check failed: %s at %s:%d%s", site->condition, site->file, site->line,
             cpu_current()->interrupt_depth != 0 ? ", in an interrupt handler" : "");
    panic_log_backtrace(0, (uintptr_t)__builtin_frame_address(0));
    panic_end();
}

/* Logs a text of several lines, a line at a time. */
static void log_lines(const char *text)
{
    while (*text != '\0') {
        const char *end = text;
        while (*end != '\0' && *end != '\n') {
            end++;
        }
        log_line("  %.*s", (int)(end - text), text);
        text = *end == '\n' ? end + 1 : end;
    }
}

void panic_trap(const trap_report_t *report)
{
    char registers[REGISTERS_TEXT_MAX];

    panic_begin();
    log_line("panic on cpu %u: %s (code 0x%llx)%s", cpu_current()->index, report->name,
             (unsigned long long)report->code, cpu_current()->interrupt_depth != 0 ? " in an interrupt handler" : "");
    if (report->kind == TRAP_PAGE_FAULT || report->address != 0) {
        log_line("  %s of address 0x%016llx by %s",
                 report->is_execute ? "execution"
                 : report->is_write ? "write"
                                    : "read",
                 (unsigned long long)report->address, report->is_user ? "user code" : "the kernel");
    }
    text_writer_t writer = text_writer(registers, sizeof(registers));
    trap_write_registers(&writer, report);
    log_lines(registers);
    panic_log_backtrace(report->instruction, report->frame);
    panic_end();
}
