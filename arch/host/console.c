/*
 * The host's console is its standard output and input.
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "arch/console.h"

void console_init(void)
{
}

void console_write(const char *bytes, size_t length)
{
    fwrite(bytes, 1, length, stdout);
    fflush(stdout);
}

int console_read(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    unsigned char byte;
    return poll(&input, 1, 0) == 1 && read(STDIN_FILENO, &byte, 1) == 1 ? byte : -1;
}

void console_enable_input_interrupt(void)
{
}
