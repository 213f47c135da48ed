/*
 * The PLIC (RISC-V Platform-Level Interrupt Controller Specification 1.0.0): a priority for each source, and for each
 * context (a hart's mode) bits that let sources in, a threshold, and a register to claim and complete.
 *
 *   offset   0 + 4 * source               priority; 0 is never
 *       0x2000 + 0x80 * context           enable bits
 *     0x200000 + 0x1000 * context         threshold, then claim/complete
 *
 * Which context is ours: the tree lists the contexts' CPU interrupt controllers in order, each with the interrupt that
 * the context raises there.
 */
#include "plic.h"

#include "arch/cpu_local.h"
#include "arch/inline.h"
#include "board.h"
#include "console.h"
#include "registers.h"

#define PRIORITY_BYTES 4u
#define ENABLE_OFFSET  0x2000u
#define ENABLE_BYTES   0x80u
#define CONTEXT_OFFSET 0x200000u
#define CONTEXT_BYTES  0x1000u
#define CONTEXT_CLAIM  4u
#define CONTEXTS_MAX   15872u
#define SOURCES_MAX    1023u
#define CLAIMS_AT_ONCE \
    64u /* more than the sources that are routed: a source that stays pending must not hold us here */

static volatile uint8_t *context_registers;

/* The calling CPU's supervisor context. */
static bool find_context(const devicetree_node_t *controller, uint32_t *context)
{
    uint32_t cursor = 0;

    for (uint32_t index = 0; index < CONTEXTS_MAX; index++) {
        devicetree_interrupt_t interrupt;
        uint64_t hart;
        if (devicetree_next_interrupt(controller, &cursor, &interrupt) != STATUS_OK) {
            return false;
        }
        if (interrupt.cell_count != 1 || interrupt.cells[0] != INTERRUPT_EXTERNAL || interrupt.controller.depth == 0) {
            continue;
        }
        const devicetree_node_t cpu = devicetree_parent(&interrupt.controller);
        if (devicetree_cpu_id(&cpu, &hart) && hart == cpu_current()->hardware_id) {
            *context = index;
            return true;
        }
    }
    return false;
}

bool plic_route(const devicetree_node_t *device)
{
    devicetree_interrupt_t interrupt;
    uint32_t cursor = 0;
    uint32_t context;

    if (devicetree_next_interrupt(device, &cursor, &interrupt) != STATUS_OK || interrupt.cell_count == 0) {
        return false;
    }
    const devicetree_node_t *const controller = &interrupt.controller;
    const uint32_t source = interrupt.cells[0];
    if (!(devicetree_is_compatible(controller, "sifive,plic-1.0.0") ||
          devicetree_is_compatible(controller, "riscv,plic0")) ||
        source == 0 || source > SOURCES_MAX || !find_context(controller, &context)) {
        return false;
    }
    volatile uint8_t *const priority = board_map_registers(controller, source * PRIORITY_BYTES, PRIORITY_BYTES);
    volatile uint8_t *const enable =
        board_map_registers(controller, ENABLE_OFFSET + context * ENABLE_BYTES + source / 32 * 4, 4);
    context_registers = board_map_registers(controller, CONTEXT_OFFSET + context * CONTEXT_BYTES, 8);
    if (priority == NULL || enable == NULL || context_registers == NULL) {
        return false;
    }
    device_write_32(priority, 1);
    device_write_32(enable, device_read_32(enable) | 1u << source % 32);
    device_write_32(context_registers, 0);
    CSR_SET(sie, INTERRUPT_BIT(INTERRUPT_EXTERNAL));
    return true;
}

void plic_take_all(void)
{
    for (unsigned taken = 0; context_registers != NULL && taken < CLAIMS_AT_ONCE; taken++) {
        const uint32_t source = device_read_32(context_registers + CONTEXT_CLAIM);
        if (source == 0) {
            return;
        }
        console_input_arrived(); /* the one source there is */
        device_write_32(context_registers + CONTEXT_CLAIM, source);
    }
}
