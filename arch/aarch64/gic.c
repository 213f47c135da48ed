/*
 * The part that both versions of the interrupt controller have alike; what differs is behind a gic_driver_t.
 *
 * All interrupts are in group 1 and arrive as IRQ. One is in group 0 and arrives as FIQ, where no secure world keeps that
 * group to itself: the stop interrupt, more urgent than any other, so that it reaches a CPU that masks IRQ or is in the
 * middle of a handler. Elsewhere it is an IRQ like the others.
 */
#include "gic.h"

#include "arch/inline.h"
#include "gic_parts.h"
#include "registers.h"

#define EL3_SHIFT 12 /* ID_AA64PFR0_EL1 */

/* A device tree's interrupt: type, number, trigger (Linux, bindings/interrupt-controller/arm,gic.yaml). */
#define CELLS        3
#define TYPE_DEVICE  0
#define TYPE_PRIVATE 1

static const gic_driver_t *driver; /* NULL: there is no controller */
static devicetree_node_t controller;
static bool stop_is_fast;

static bool find_with(const devicetree_t *tree, const gic_driver_t *candidate)
{
    for (const char *const *name = candidate->compatible; *name != NULL; name++) {
        devicetree_node_t node = devicetree_root(tree);
        if (devicetree_find_compatible(&node, *name) && candidate->find(&node)) {
            controller = node;
            return true;
        }
    }
    return false;
}

/* The registers of an interrupt's kind, and of the calling CPU where each has its own. NULL when there are none. */
static volatile void *registers_of(uint32_t number)
{
    return number < GIC_PRIVATE_NUMBERS ? driver->private_registers(processor_current()) : driver->distributor();
}

static uint32_t word_of(uint32_t number)
{
    return number / 32 * 4;
}

/* Interrupts `first` to first + 31: off, not pending, in group 1, of usual priority. */
static void silence(volatile void *registers, uint32_t first)
{
    device_write_32(registers, GICD_ICENABLER + word_of(first), UINT32_MAX);
    device_write_32(registers, GICD_ICPENDR + word_of(first), UINT32_MAX);
    device_write_32(registers, GICD_IGROUPR + word_of(first), UINT32_MAX);
    for (uint32_t number = first; number < first + 32; number += 4) {
        device_write_32(registers, GICD_IPRIORITYR + number, GIC_PRIORITY_USUAL * 0x01010101u);
    }
}

void gic_find(const devicetree_t *tree)
{
    if (find_with(tree, &gic_v3_driver)) {
        driver = &gic_v3_driver;
    } else if (find_with(tree, &gic_v2_driver)) {
        driver = &gic_v2_driver;
    } else {
        return;
    }
    const uint32_t lines = 32 * ((device_read_32(driver->distributor(), GICD_TYPER) & 0x1f) + 1);
    for (uint32_t first = GIC_PRIVATE_NUMBERS; first < lines; first += 32) {
        silence(driver->distributor(), first);
    }
    driver->distributor_on();
}

bool gic_is_present(void)
{
    return driver != NULL;
}

void gic_init_cpu(processor_t *processor)
{
    if (driver == NULL) {
        return;
    }
    if (!driver->find_cpu(processor)) {
        if (processor == &boot_processor) {
            driver = NULL; /* as good as none */
        }
        return;
    }
    volatile void *const registers = driver->private_registers(processor);
    silence(registers, 0);
    device_write_8(registers, GICD_IPRIORITYR + INTERRUPT_STOP, GIC_PRIORITY_STOP);
    const bool has_secure_world = register_field(SYSTEM_REGISTER_READ(id_aa64pfr0_el1), EL3_SHIFT) != 0;
    if (processor == &boot_processor) {
        stop_is_fast = !has_secure_world && driver->has_group_0();
    }
    if (stop_is_fast) {
        device_write_32(registers, GICD_IGROUPR, UINT32_MAX & ~(1u << INTERRUPT_STOP));
    }
    device_write_32(registers, GICD_ISENABLER, 1u << INTERRUPT_WAKE | 1u << INTERRUPT_CALL | 1u << INTERRUPT_STOP);
    driver->cpu_on(stop_is_fast);
}

uint32_t gic_number_in_tree(const devicetree_interrupt_t *interrupt)
{
    if (driver == NULL || interrupt->cell_count < CELLS || interrupt->controller.depth != controller.depth ||
        interrupt->controller.path[controller.depth] != controller.path[controller.depth]) {
        return INTERRUPT_NONE;
    }
    const uint32_t number = interrupt->cells[1];
    if (interrupt->cells[0] == TYPE_DEVICE && number < GIC_NUMBERS_MAX - 32) {
        return number + 32;
    }
    if (interrupt->cells[0] == TYPE_PRIVATE && number < 16) {
        return number + 16;
    }
    return INTERRUPT_NONE;
}

void gic_enable(uint32_t number, bool is_edge_triggered)
{
    volatile void *const registers = driver != NULL ? registers_of(number) : NULL;

    if (registers == NULL || number >= GIC_NUMBERS_MAX) {
        return;
    }
    if (number >= GIC_PRIVATE_NUMBERS) {
        const size_t offset = GICD_ICFGR + number / 16 * 4;
        const uint32_t bit = 2u << number % 16 * 2;
        const uint32_t others = device_read_32(registers, offset) & ~bit;
        device_write_32(registers, offset, others | (is_edge_triggered ? bit : 0));
        driver->route(number, processor_current());
    }
    device_write_32(registers, GICD_ISENABLER + word_of(number), 1u << number % 32);
}

void gic_disable(uint32_t number)
{
    volatile void *const registers = driver != NULL ? registers_of(number) : NULL;

    if (registers != NULL && number < GIC_NUMBERS_MAX) {
        device_write_32(registers, GICD_ICENABLER + word_of(number), 1u << number % 32);
    }
}

void gic_send(const processor_t *processor, uint32_t number)
{
    if (driver != NULL) {
        data_barrier(); /* who is interrupted sees what was written before */
        driver->send(processor, number, number == INTERRUPT_STOP && stop_is_fast);
    }
}

static gic_token_t acknowledge(bool is_fast)
{
    if (driver == NULL) {
        return GIC_TOKEN_NONE;
    }
    const gic_token_t token = driver->acknowledge(is_fast);
    return gic_number(token) < GIC_NUMBERS_MAX ? token : GIC_TOKEN_NONE;
}

gic_token_t gic_acknowledge(void)
{
    return acknowledge(false);
}

void gic_end(gic_token_t token)
{
    driver->end(token, false);
}

gic_token_t gic_acknowledge_fast(void)
{
    return acknowledge(true);
}

void gic_end_fast(gic_token_t token)
{
    driver->end(token, true);
}
