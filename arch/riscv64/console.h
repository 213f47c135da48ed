/*
 * The console's side of its interrupt.
 */
#ifndef RISCV64_CONSOLE_H
#define RISCV64_CONSOLE_H

/* From the external interrupt, before the controller is told that it is done: keeps the UART quiet until it was read. */
void console_input_arrived(void);

#endif
