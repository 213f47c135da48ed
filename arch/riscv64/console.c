/*
 * The console: a 16550 UART that the device tree names (National Semiconductor PC16550D data sheet, section 8), else the
 * firmware's.
 *
 * The UART's speed is what firmware made it. Every wait is bounded. A UART that stops sending for about a second loses the
 * rest of that write, and later writes give it only a moment until it answers again: a stuck line slows a boot down but
 * does not stop it.
 *
 * Input is read from the device, which has room for 16 bytes and makes QEMU hold back the rest, so there is no second
 * buffer here. The interrupt stays up until the byte is read, which whoever waits does in a thread: so the handler
 * silences it at the UART, and a read that finds nothing lets it speak again.
 */
#include "arch/console.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "console.h"
#include "plic.h"
#include "registers.h"
#include "sbi.h"

#define UART_DATA             0u
#define UART_INTERRUPT_ENABLE 1u
#define UART_FIFO_CONTROL     2u
#define UART_MODEM_CONTROL    4u
#define UART_LINE_STATUS      5u
#define UART_REGISTERS        8u

#define LINE_STATUS_DATA_READY   0x01
#define LINE_STATUS_SENDER_EMPTY 0x20
#define FIFO_ENABLE_AND_CLEAR    0x07 /* interrupt at the first byte */
#define MODEM_READY              0x0b /* DTR, RTS, OUT2 */
#define MODEM_LOOPBACK           0x1e
#define INTERRUPT_DATA_READY     0x01
#define FIFO_BYTES               16
#define REGISTER_SHIFT_MAX       4u

/* A read of a device's register takes about 100 ns at the very least. */
#define POLLS_PATIENT   10000000u
#define POLLS_IMPATIENT 2000u

static volatile uint8_t *registers; /* NULL: bytes go through the firmware */
static uint32_t register_shift;
static bool is_wide; /* registers are accessed by 32 bits */
static bool is_stuck;
static unsigned room; /* bytes that the sender's FIFO still takes */
static bool has_interrupt;
static _Atomic bool is_silenced;

static uint8_t uart_read(unsigned index)
{
    volatile uint8_t *const place = registers + (index << register_shift);
    return is_wide ? (uint8_t)device_read_32(place) : device_read_8(place);
}

static void uart_write(unsigned index, uint8_t value)
{
    volatile uint8_t *const place = registers + (index << register_shift);
    if (is_wide) {
        device_write_32(place, value);
    } else {
        device_write_8(place, value);
    }
}

/* Sends a byte to itself in loopback mode: a machine without the UART answers with something else. */
static bool uart_answers(void)
{
    const uint8_t probe = 0xae;
    bool answers = false;

    uart_write(UART_MODEM_CONTROL, MODEM_LOOPBACK);
    uart_write(UART_DATA, probe);
    for (unsigned poll = 0; poll < POLLS_IMPATIENT && !answers; poll++) {
        answers = (uart_read(UART_LINE_STATUS) & LINE_STATUS_DATA_READY) != 0 && uart_read(UART_DATA) == probe;
    }
    uart_write(UART_MODEM_CONTROL, MODEM_READY);
    return answers;
}

/* The tree's console, if it is a UART that we know. */
static bool find_uart(devicetree_node_t *node)
{
    static const char *const compatible[] = {"ns16550a", "ns16550", "snps,dw-apb-uart", NULL};

    if (board_tree() == NULL || devicetree_stdout(board_tree(), node) != STATUS_OK) {
        return board_find_device(compatible, node);
    }
    for (size_t index = 0; compatible[index] != NULL; index++) {
        if (devicetree_is_compatible(node, compatible[index])) {
            return true;
        }
    }
    return false;
}

void console_init(void)
{
    devicetree_node_t node;
    uint32_t width = 1;

    if (!find_uart(&node)) {
        return;
    }
    register_shift = 0;
    (void)devicetree_property_u32(&node, "reg-shift", &register_shift);
    (void)devicetree_property_u32(&node, "reg-io-width", &width);
    is_wide = width == 4;
    if (register_shift > REGISTER_SHIFT_MAX || (width != 1 && (width != 4 || register_shift < 2))) {
        return;
    }
    registers = board_map_registers(&node, 0, (UART_REGISTERS - 1) << register_shift);
    if (registers == NULL) {
        return;
    }
    uart_write(UART_INTERRUPT_ENABLE, 0);
    uart_write(UART_FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
    if (!uart_answers()) {
        registers = NULL;
    }
}

/* Sends one byte, or returns false when the device takes none. */
static bool send(char byte)
{
    if (room == 0) {
        const unsigned polls = is_stuck ? POLLS_IMPATIENT : POLLS_PATIENT;
        unsigned poll = 0;
        while ((uart_read(UART_LINE_STATUS) & LINE_STATUS_SENDER_EMPTY) == 0) {
            if (++poll == polls) {
                is_stuck = true;
                return false;
            }
        }
        is_stuck = false;
        room = FIFO_BYTES;
    }
    uart_write(UART_DATA, (uint8_t)byte);
    room--;
    return true;
}

void console_write(const char *bytes, size_t length)
{
    for (size_t index = 0; index < length; index++) {
        if (registers == NULL) {
            if (bytes[index] == '\n') {
                sbi_console_write('\r');
            }
            sbi_console_write(bytes[index]);
        } else if ((bytes[index] == '\n' && !send('\r')) || !send(bytes[index])) {
            return;
        }
    }
}

int console_read(void)
{
    if (registers == NULL) {
        return sbi_console_read();
    }
    if ((uart_read(UART_LINE_STATUS) & LINE_STATUS_DATA_READY) != 0) {
        return uart_read(UART_DATA);
    }
    if (atomic_exchange_explicit(&is_silenced, false, memory_order_relaxed)) {
        uart_write(UART_INTERRUPT_ENABLE, INTERRUPT_DATA_READY);
    }
    return -1;
}

void console_enable_input_interrupt(void)
{
    devicetree_node_t node;

    /* Without an interrupt whoever waits is woken by the timer. */
    has_interrupt = registers != NULL && find_uart(&node) && plic_route(&node);
    if (has_interrupt) {
        uart_write(UART_INTERRUPT_ENABLE, INTERRUPT_DATA_READY);
    }
}

void console_input_arrived(void)
{
    if (has_interrupt) {
        uart_write(UART_INTERRUPT_ENABLE, 0);
        atomic_store_explicit(&is_silenced, true, memory_order_relaxed);
    }
}
