/*
 * The console: bytes out, bytes in. The first thing that works and the last that stops.
 */
#ifndef ARCH_CONSOLE_H
#define ARCH_CONSOLE_H

#include <stddef.h>

/* Makes the device ready. Boot CPU, first thing, before memory is. A machine without the device swallows output. */
void console_init(void);

/*
 * Writes bytes as they are ('\n' goes out as "\r\n"). Waits for the device, for a bounded time. The caller
 * serializes.
 */
void console_write(const char *bytes, size_t length);

/* Returns the next byte that arrived (0 to 255), or -1 when there is none. Never waits. */
int console_read(void);

/* From then on a byte that arrives also interrupts the boot CPU, so that waiting for input need not poll. */
void console_enable_input_interrupt(void);

#endif
