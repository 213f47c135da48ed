/*
 * The console: a 16550 UART at COM1, 115200 baud, 8 bits, no parity (National Semiconductor PC16550D data sheet,
 * section 8).
 *
 * Every wait is bounded. A UART that stops sending for about a second loses the rest of that write, and later writes
 * give it only a moment until it answers again: a stuck line slows a boot down but does not stop it.
 *
 * Input is read from the device, which has room for 16 bytes and makes QEMU hold back the rest, so there is no second
 * buffer here. The interrupt is edge-triggered: whoever waits for it first reads until there is nothing more.
 */
#include "arch/console.h"

#include <stdbool.h>
#include <stdint.h>

#include "interrupts.h"
#include "io_apic.h"
#include "registers.h"

#define COM1     0x3f8
#define COM1_IRQ 4

#define UART_DATA             (COM1 + 0) /* with the latch bit clear; else the divisor's low byte */
#define UART_INTERRUPT_ENABLE (COM1 + 1) /* with the latch bit clear; else the divisor's high byte */
#define UART_FIFO_CONTROL     (COM1 + 2)
#define UART_LINE_CONTROL     (COM1 + 3)
#define UART_MODEM_CONTROL    (COM1 + 4)
#define UART_LINE_STATUS      (COM1 + 5)

#define LINE_CONTROL_8N1           0x03
#define LINE_CONTROL_DIVISOR_LATCH 0x80
#define LINE_STATUS_DATA_READY     0x01
#define LINE_STATUS_SENDER_EMPTY   0x20
#define FIFO_ENABLE_AND_CLEAR      0x07 /* interrupt at the first byte */
#define MODEM_READY_AND_IRQ        0x0b /* DTR, RTS, OUT2 (which lets the interrupt through on PCs) */
#define MODEM_LOOPBACK             0x1e
#define INTERRUPT_DATA_READY       0x01
#define DIVISOR_115200             1
#define FIFO_BYTES                 16

/* Reads of a port take about a microsecond on a real machine, and no less in an emulator. */
#define POLLS_PATIENT   1000000u
#define POLLS_IMPATIENT 200u

static bool is_present;
static bool is_stuck;
static unsigned room; /* bytes that the sender's FIFO still takes */

/* Sends a byte to itself in loopback mode: a machine without the UART answers with something else. */
static bool uart_answers(void)
{
    const uint8_t probe = 0xae;

    port_write_8(UART_MODEM_CONTROL, MODEM_LOOPBACK);
    port_write_8(UART_DATA, probe);
    for (unsigned poll = 0; poll < POLLS_IMPATIENT; poll++) {
        if ((port_read_8(UART_LINE_STATUS) & LINE_STATUS_DATA_READY) != 0) {
            return port_read_8(UART_DATA) == probe;
        }
    }
    return false;
}

void console_init(void)
{
    port_write_8(UART_INTERRUPT_ENABLE, 0);
    port_write_8(UART_LINE_CONTROL, LINE_CONTROL_DIVISOR_LATCH);
    port_write_8(UART_DATA, DIVISOR_115200);
    port_write_8(UART_INTERRUPT_ENABLE, 0);
    port_write_8(UART_LINE_CONTROL, LINE_CONTROL_8N1);
    port_write_8(UART_FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
    is_present = uart_answers();
    port_write_8(UART_MODEM_CONTROL, MODEM_READY_AND_IRQ);
    is_stuck = false;
    room = 0;
}

/* Sends one byte, or returns false when the device takes none. */
static bool send(char byte)
{
    if (room == 0) {
        const unsigned polls = is_stuck ? POLLS_IMPATIENT : POLLS_PATIENT;
        unsigned poll = 0;
        while ((port_read_8(UART_LINE_STATUS) & LINE_STATUS_SENDER_EMPTY) == 0) {
            if (++poll == polls) {
                is_stuck = true;
                return false;
            }
        }
        is_stuck = false;
        room = FIFO_BYTES;
    }
    port_write_8(UART_DATA, (uint8_t)byte);
    room--;
    return true;
}

void console_write(const char *bytes, size_t length)
{
    if (!is_present) {
        return;
    }
    for (size_t index = 0; index < length; index++) {
        if (bytes[index] == '\n' && !send('\r')) {
            return;
        }
        if (!send(bytes[index])) {
            return;
        }
    }
}

int console_read(void)
{
    if (!is_present || (port_read_8(UART_LINE_STATUS) & LINE_STATUS_DATA_READY) == 0) {
        return -1;
    }
    return port_read_8(UART_DATA);
}

void console_enable_input_interrupt(void)
{
    /* Without an I/O APIC there is no interrupt; whoever waits is then woken by the timer. */
    if (is_present && io_apic_route_isa(COM1_IRQ, VECTOR_CONSOLE)) {
        port_write_8(UART_INTERRUPT_ENABLE, INTERRUPT_DATA_READY);
    }
}
