/*
 * GIC version 2: a distributor and a CPU interface in memory, at most 8 CPUs (IHI 0048B, chapter 4).
 *
 * Without a secure world the CPU interface acts as the secure one does: AckCtl has it acknowledge both groups by the one
 * register, and FIQEn sends group 0 by FIQ. In the normal world of two both bits are reserved, and all interrupts are of
 * group 1.
 */
#include "base/units.h"
#include "gic_parts.h"
#include "page_table.h"
#include "registers.h"

#define GICD_ITARGETSR 0x800 /* a byte each: a bit a CPU */
#define GICD_SGIR      0xf00
#define GICC_CTLR      0x00
#define GICC_PMR       0x04
#define GICC_BPR       0x08
#define GICC_IAR       0x0c
#define GICC_EOIR      0x10
#define GICC_SIZE      0x1000

#define CTLR_BOTH_GROUPS   0x3
#define GICC_CTLR_ACK_BOTH (1u << 2)
#define GICC_CTLR_FIQ      (1u << 3)
#define SGIR_TARGETS_SHIFT 16

static const char *const names[] = {
    "arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a9-gic",          "arm,cortex-a7-gic", "arm,eb11mp-gic",
    "arm,pl390",   "arm,tc11mp-gic",     "arm,arm1176jzf-devchip-gic", "qcom,msm-qgic2",    NULL};

static volatile void *distributor;
static volatile void *cpu_interface;

static bool find(const devicetree_node_t *node)
{
    devicetree_range_t ranges[2];

    for (size_t index = 0; index < ARRAY_COUNT(ranges); index++) {
        if (devicetree_reg(node, index, &ranges[index]) != STATUS_OK || ranges[index].size < GICC_SIZE) {
            return false;
        }
    }
    distributor = device_map(physical_address(ranges[0].base), GICC_SIZE);
    cpu_interface = device_map(physical_address(ranges[1].base), GICC_SIZE);
    if (distributor == NULL || cpu_interface == NULL) {
        return false;
    }
    device_write_32(distributor, GICD_CTLR, 0);
    return true;
}

static volatile void *get_distributor(void)
{
    return distributor;
}

static void distributor_on(void)
{
    device_write_32(distributor, GICD_CTLR, CTLR_BOTH_GROUPS);
}

/* The first 32 interrupts' registers are each CPU's own at one address. */
static volatile void *private_registers(const processor_t *processor)
{
    (void)processor;
    return distributor;
}

static void route(uint32_t number, const processor_t *processor)
{
    device_write_8(distributor, GICD_ITARGETSR + number, (uint8_t)processor->gic_target);
}

/* A CPU reads its own bit as the target of the interrupts that are its own; with one CPU the registers read as 0. */
static bool find_cpu(processor_t *processor)
{
    uint32_t targets = 0;

    for (size_t word = 0; word < GIC_PRIVATE_NUMBERS; word += 4) {
        targets |= device_read_32(distributor, GICD_ITARGETSR + word);
    }
    targets |= targets >> 16;
    targets = (targets | targets >> 8) & 0xff;
    processor->gic_target = targets != 0 ? targets : 1;
    return (processor->gic_target & (processor->gic_target - 1)) == 0;
}

static void cpu_on(bool has_fast)
{
    device_write_32(cpu_interface, GICC_PMR, GIC_PRIORITY_MASK);
    device_write_32(cpu_interface, GICC_BPR, 0);
    device_write_32(cpu_interface, GICC_CTLR, CTLR_BOTH_GROUPS | (has_fast ? GICC_CTLR_ACK_BOTH | GICC_CTLR_FIQ : 0));
}

static void send(const processor_t *processor, uint32_t number, bool is_fast)
{
    (void)is_fast;
    device_write_32(distributor, GICD_SGIR, processor->gic_target << SGIR_TARGETS_SHIFT | number);
}

static gic_token_t acknowledge(bool is_fast)
{
    (void)is_fast;
    return device_read_32(cpu_interface, GICC_IAR);
}

static void end(gic_token_t token, bool is_fast)
{
    (void)is_fast;
    device_write_32(cpu_interface, GICC_EOIR, token);
}

/* Where the group registers can't be written, there are no groups to choose from. */
static bool has_group_0(void)
{
    device_write_32(distributor, GICD_IGROUPR, 0);
    const bool took_clear = device_read_32(distributor, GICD_IGROUPR) == 0;
    device_write_32(distributor, GICD_IGROUPR, UINT32_MAX);
    return took_clear && device_read_32(distributor, GICD_IGROUPR) != 0;
}

const gic_driver_t gic_v2_driver = {
    .compatible = names,
    .find = find,
    .distributor = get_distributor,
    .distributor_on = distributor_on,
    .private_registers = private_registers,
    .route = route,
    .find_cpu = find_cpu,
    .cpu_on = cpu_on,
    .send = send,
    .acknowledge = acknowledge,
    .end = end,
    .has_group_0 = has_group_0,
};
