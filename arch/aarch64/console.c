/*
 * The console: a PL011 UART at the place and with the speed that firmware gave it (DDI 0183, chapter 3).
 *
 * It is the device that the tree's /chosen names, or else the first one there is. Every wait is bounded: a UART that
 * stops sending for about a second loses the rest of that write, and later writes give it only a moment until it answers
 * again.
 *
 * Input is read from the device, whose FIFO has room for 16 bytes and makes QEMU hold back the rest. Its interrupt is
 * cleared when it is taken and comes again with the next byte, so whoever waits for it first reads until there is nothing
 * more.
 *
 * A device that the tree is wrong about is found out: it does not know its own name, or the bus refuses the question. A
 * kernel without a console says its last words by semihosting, if anybody listens.
 */
#include "arch/console.h"

#include "arch/shared/devicetree_board.h"
#include "attempt.h"
#include "console_device.h"
#include "gic.h"
#include "page_table.h"
#include "registers.h"
#include "semihosting.h"

#define UART_DATA            0x00
#define UART_FLAGS           0x18
#define UART_LINE_CONTROL    0x2c
#define UART_CONTROL         0x30
#define UART_INTERRUPT_LEVEL 0x34
#define UART_INTERRUPT_MASK  0x38
#define UART_INTERRUPT_CLEAR 0x44
#define UART_PART            0xfe0 /* two bytes, a word each: the low twelve bits are the part's number */
#define UART_IDENTITY        0xff0 /* four bytes, a word each */
#define UART_SIZE            0x1000

#define FLAGS_BUSY          (1u << 3)
#define FLAGS_RECEIVE_EMPTY (1u << 4)
#define FLAGS_SEND_FULL     (1u << 5)
#define LINE_8N1_WITH_FIFO  0x70
#define CONTROL_ON          0x301               /* UART, sender, receiver */
#define LEVEL_FIRST         0                   /* interrupts as early as there are */
#define INTERRUPT_RECEIVE   (1u << 4 | 1u << 6) /* the level was reached; bytes wait for a while */
#define INTERRUPT_ALL       0x7ff
#define PART_NUMBER         0x011
#define TRIGGER_EDGE_FLAGS  3u /* the tree's third cell: 1 rising, 2 falling */

/* A read of a device takes a tenth of a microsecond at the least. */
#define POLLS_PATIENT   10000000u
#define POLLS_IMPATIENT 200u

static volatile void *uart; /* NULL: there is none */
static devicetree_node_t uart_node;
static bool is_stuck;
static uint32_t number = INTERRUPT_NONE;
static bool is_edge_triggered;

/* `size` bytes of the device, the lowest first, each in a word of its own; all ones where the bus has nothing. */
static uint32_t identity(size_t offset, size_t size)
{
    uint32_t bytes = 0;

    for (size_t index = 0; index < size; index++) {
        uint32_t word = UINT32_MAX;
        (void)attempt_read_32((uintptr_t)uart + offset + 4 * index, &word); /* refused: the word stays */
        bytes |= (word & 0xff) << 8 * index;
    }
    return bytes;
}

/* Every device of the family has the same four bytes at the end of its page, and its kind before them (DDI 0183, 3.3.17). */
static bool has_identity(void)
{
    return identity(UART_IDENTITY, 4) == 0xb105f00d && (identity(UART_PART, 2) & 0xfff) == PART_NUMBER;
}

bool console_find(const devicetree_t *tree)
{
    devicetree_range_t range;

    if (devicetree_stdout(tree, &uart_node) != STATUS_OK || !devicetree_is_compatible(&uart_node, "arm,pl011")) {
        uart_node = devicetree_root(tree);
        if (!devicetree_find_compatible(&uart_node, "arm,pl011")) {
            return false;
        }
    }
    if (devicetree_reg(&uart_node, 0, &range) != STATUS_OK) {
        return false;
    }
    uart = device_map(physical_address(range.base), UART_SIZE);
    if (uart == NULL || !has_identity()) {
        uart = NULL;
        return false;
    }
    console_init();
    return true;
}

void console_find_interrupt(void)
{
    devicetree_interrupt_t interrupt;
    uint32_t cursor = 0;

    if (devicetree_next_interrupt(&uart_node, &cursor, &interrupt) == STATUS_OK) {
        number = gic_number_in_tree(&interrupt);
        is_edge_triggered = interrupt.cell_count >= 3 && (interrupt.cells[2] & TRIGGER_EDGE_FLAGS) != 0;
    }
}

void console_init(void)
{
    if (uart == NULL) {
        return;
    }
    device_write_32(uart, UART_INTERRUPT_MASK, 0);
    /* What firmware said last goes out before the line is set up anew. */
    for (unsigned poll = 0; poll < POLLS_PATIENT; poll++) {
        if ((device_read_32(uart, UART_FLAGS) & FLAGS_BUSY) == 0) {
            break;
        }
    }
    device_write_32(uart, UART_CONTROL, 0);
    device_write_32(uart, UART_LINE_CONTROL, LINE_8N1_WITH_FIFO);
    device_write_32(uart, UART_INTERRUPT_LEVEL, LEVEL_FIRST);
    device_write_32(uart, UART_INTERRUPT_CLEAR, INTERRUPT_ALL);
    device_write_32(uart, UART_CONTROL, CONTROL_ON);
    is_stuck = false;
}

/* Sends one byte, or returns false when the device takes none. */
static bool send(char byte)
{
    const unsigned polls = is_stuck ? POLLS_IMPATIENT : POLLS_PATIENT;
    unsigned poll = 0;

    while ((device_read_32(uart, UART_FLAGS) & FLAGS_SEND_FULL) != 0) {
        if (++poll == polls) {
            is_stuck = true;
            return false;
        }
    }
    is_stuck = false;
    device_write_32(uart, UART_DATA, (uint8_t)byte);
    return true;
}

void console_write(const char *bytes, size_t length)
{
    if (uart == NULL) {
        semihosting_write(bytes, length);
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
    if (uart == NULL || (device_read_32(uart, UART_FLAGS) & FLAGS_RECEIVE_EMPTY) != 0) {
        return -1;
    }
    return (int)(device_read_32(uart, UART_DATA) & 0xff);
}

uint32_t console_interrupt(void)
{
    return number;
}

void console_take_interrupt(void)
{
    device_write_32(uart, UART_INTERRUPT_CLEAR, INTERRUPT_RECEIVE);
}

void console_enable_input_interrupt(void)
{
    /* Without an interrupt whoever waits is woken by the timer. */
    if (uart != NULL && number != INTERRUPT_NONE) {
        device_write_32(uart, UART_INTERRUPT_MASK, INTERRUPT_RECEIVE);
        gic_enable(number, is_edge_triggered);
    }
}
