/*
 * The console with a lock around it: kernel/console.h.
 */
#include "kernel/console.h"

#include "arch/console.h"
#include "arch/cpu.h"
#include "base/text.h"
#include "bounded_lock.h"
#include "console_break.h"

#define PRINT_LENGTH_MAX 512

static bounded_lock_t console_lock;

void kernel_console_write(const char *bytes, size_t length)
{
    const bounded_hold_t hold = bounded_lock(&console_lock);
    console_write(bytes, length);
    bounded_unlock(&console_lock, hold);
}

void kernel_print(const char *format, ...)
{
    char buffer[PRINT_LENGTH_MAX];
    text_writer_t writer = text_writer(buffer, sizeof(buffer));
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&writer, format, arguments);
    va_end(arguments);
    kernel_console_write(buffer, writer.length < sizeof(buffer) ? writer.length : sizeof(buffer) - 1);
}

int kernel_console_read(void)
{
    return console_read();
}

void kernel_console_wait(void)
{
    cpu_wait_for_interrupt();
}

void console_break_lock(void)
{
    bounded_lock_break(&console_lock);
}
