/*
 * The host's log and its end after a failed check: both write to stderr.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"

void check_report_and_stop(const check_site_t *site)
{
    fprintf(stderr, "check failed: %s\n  %s at %s:%d\n", site->message, site->condition, site->file, site->line);
    abort();
}

void log_line(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}
