/*
 * The sink of processes that the kernel itself starts: its console and its log.
 */
#include "base/log.h"
#include "kernel/console.h"
#include "kernel/process.h"

static void write_to_console(void *context, const char *bytes, size_t length)
{
    (void)context;
    kernel_console_write(bytes, length);
}

static void report_to_log(void *context, const char *line)
{
    (void)context;
    log_line("%s", line);
}

const process_sink_t process_console = {write_to_console, report_to_log, NULL};
