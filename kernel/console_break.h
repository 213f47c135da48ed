/*
 * For panic.c alone: takes the locks of the console and the log away from CPUs that are stopped.
 */
#ifndef KERNEL_CONSOLE_BREAK_H
#define KERNEL_CONSOLE_BREAK_H

void console_break_lock(void);
void log_break_lock(void);

#endif
