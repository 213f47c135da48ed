/*
 * The kernel's own log behind base/log.h: what it keeps and where it shows it.
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <stdbool.h>

#include "base/text.h"

/* Whether lines also go to the console (yes, until told). Panics always do. */
void log_show_on_console(bool show);

/* Writes the lines that are kept, as //kern/log shows them. */
void log_write(text_writer_t *writer);

#endif
