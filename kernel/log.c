/*
 * The log: a line is made on the stack, kept in the ring, and then shown.
 *
 *   [    0.012345] cpu 1 is up          seconds since the clock started; 0 before that
 */
#include "kernel/log.h"

#include <stdatomic.h>

#include "arch/timer.h"
#include "base/log.h"
#include "bounded_lock.h"
#include "console_break.h"
#include "kernel/console.h"
#include "kernel/log_ring.h"

#define LINE_LENGTH_MAX 320

static log_ring_t ring;
static bounded_lock_t ring_lock;
static atomic_bool is_hidden;

void log_line(const char *format, ...)
{
    char line[LINE_LENGTH_MAX];
    /* Room for the newline that the console gets is kept free. */
    text_writer_t writer = text_writer(line, sizeof(line) - 1);
    const uint64_t microseconds = timer_nanoseconds() / 1000;
    text_format(&writer, "[%5llu.%06llu] ", (unsigned long long)(microseconds / 1000000),
                (unsigned long long)(microseconds % 1000000));
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&writer, format, arguments);
    va_end(arguments);
    size_t length = writer.length < writer.capacity ? writer.length : writer.capacity - 1;

    const bounded_hold_t hold = bounded_lock(&ring_lock);
    log_ring_add(&ring, line, length);
    bounded_unlock(&ring_lock, hold);
    if (!atomic_load_explicit(&is_hidden, memory_order_relaxed)) {
        line[length++] = '\n';
        kernel_console_write(line, length);
    }
}

void log_show_on_console(bool show)
{
    atomic_store_explicit(&is_hidden, !show, memory_order_relaxed);
}

void log_write(text_writer_t *writer)
{
    const bounded_hold_t hold = bounded_lock(&ring_lock);
    log_ring_write(&ring, writer);
    bounded_unlock(&ring_lock, hold);
}

void log_break_lock(void)
{
    bounded_lock_break(&ring_lock);
}
