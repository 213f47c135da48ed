/*
 * GIC version 3: a distributor, a redistributor a CPU in memory, the CPU interface in system registers (IHI 0069,
 * chapter 12).
 *
 * Redistributors are found by asking each whose it is. Their regions are mapped as far as our CPUs can reach.
 */
#include "base/units.h"
#include "gic_parts.h"
#include "page_table.h"
#include "registers.h"

#define GICD_SIZE              0x10000
#define GICD_IROUTER           0x6000
#define GICD_CTLR_ON           0x13 /* both groups, affinity routing */
#define GICD_CTLR_SINGLE_STATE (1u << 6)
#define GICD_CTLR_BUSY         (1u << 31)

#define GICR_TYPER              0x08
#define GICR_WAKER              0x14
#define GICR_PRIVATE            0x10000 /* the second frame */
#define GICR_TYPER_VIRTUAL      (1u << 1)
#define GICR_TYPER_LAST         (1u << 4)
#define GICR_WAKER_SLEEP        (1u << 1)
#define GICR_WAKER_CHILD_ASLEEP (1u << 2)
#define GICR_STRIDE             0x20000
#define GICR_STRIDE_VIRTUAL     0x40000
#define REGIONS_MAX             8

/* CPU interface. */
#define ICC_SRE   S3_0_C12_C12_5
#define ICC_PMR   S3_0_C4_C6_0
#define ICC_BPR1  S3_0_C12_C12_3
#define ICC_CTLR  S3_0_C12_C12_4
#define ICC_EN0   S3_0_C12_C12_6
#define ICC_EN1   S3_0_C12_C12_7
#define ICC_IAR0  S3_0_C12_C8_0
#define ICC_EOIR0 S3_0_C12_C8_1
#define ICC_IAR1  S3_0_C12_C12_0
#define ICC_EOIR1 S3_0_C12_C12_1
#define ICC_SGI0  S3_0_C12_C11_7
#define ICC_SGI1  S3_0_C12_C11_5

#define READ(name)         SYSTEM_REGISTER_READ(name)
#define WRITE(name, value) SYSTEM_REGISTER_WRITE(name, value)

typedef struct region {
    volatile void *base;
    uint64_t size;
} region_t;

static const char *const names[] = {"arm,gic-v3", NULL};

static volatile void *distributor;
static region_t regions[REGIONS_MAX];
static size_t region_count;
static uint64_t stride; /* 0: each redistributor says */

static bool find_regions(const devicetree_node_t *node)
{
    uint32_t wanted = 1;
    devicetree_value_t value;

    (void)devicetree_property_u32(node, "#redistributor-regions", &wanted); /* 1 when missing */
    if (devicetree_property(node, "redistributor-stride", &value) &&
        (!devicetree_value_number(value, 0, value.length / 4, &stride) || stride % GICR_STRIDE != 0)) {
        return false;
    }
    for (region_count = 0; region_count < wanted && region_count < REGIONS_MAX; region_count++) {
        devicetree_range_t range;
        if (devicetree_reg(node, 1 + region_count, &range) != STATUS_OK || range.size < GICR_STRIDE) {
            break;
        }
        const uint64_t reach = (uint64_t)CPU_COUNT_MAX * (stride != 0 ? stride : GICR_STRIDE_VIRTUAL);
        region_t *const region = &regions[region_count];
        region->size = range.size < reach ? range.size : reach;
        region->base = device_map(physical_address(range.base), region->size);
        if (region->base == NULL) {
            break;
        }
    }
    return region_count != 0;
}

static void distributor_wait(void)
{
    for (unsigned poll = 0; poll < GIC_POLLS; poll++) {
        if ((device_read_32(distributor, GICD_CTLR) & GICD_CTLR_BUSY) == 0) {
            return;
        }
    }
}

static bool find(const devicetree_node_t *node)
{
    devicetree_range_t range;

    if (devicetree_reg(node, 0, &range) != STATUS_OK || range.size < GICD_SIZE) {
        return false;
    }
    distributor = device_map(physical_address(range.base), GICD_SIZE);
    if (distributor == NULL || !find_regions(node)) {
        return false;
    }
    device_write_32(distributor, GICD_CTLR, 0);
    distributor_wait();
    return true;
}

static volatile void *get_distributor(void)
{
    return distributor;
}

static void distributor_on(void)
{
    device_write_32(distributor, GICD_CTLR, GICD_CTLR_ON);
    distributor_wait();
}

static volatile void *private_registers(const processor_t *processor)
{
    return processor->redistributor != NULL ? (volatile char *)processor->redistributor + GICR_PRIVATE : NULL;
}

static void route(uint32_t number, const processor_t *processor)
{
    device_write_64(distributor, GICD_IROUTER + (size_t)number * 8, processor->affinity);
}

/* The redistributor in `region` that serves this affinity, in the form that GICR_TYPER has it. */
static volatile void *find_redistributor(const region_t *region, uint32_t affinity)
{
    uint64_t step;

    for (uint64_t at = 0; region->size - at >= GICR_STRIDE; at += step) {
        volatile void *const redistributor = (volatile char *)region->base + at;
        const uint64_t type = device_read_64(redistributor, GICR_TYPER);
        if ((uint32_t)(type >> 32) == affinity) {
            return redistributor;
        }
        step = stride != 0 ? stride : (type & GICR_TYPER_VIRTUAL) != 0 ? GICR_STRIDE_VIRTUAL : GICR_STRIDE;
        if ((type & GICR_TYPER_LAST) != 0 || region->size - at < step) {
            break;
        }
    }
    return NULL;
}

static bool find_cpu(processor_t *processor)
{
    for (size_t index = 0; index < region_count && processor->redistributor == NULL; index++) {
        processor->redistributor = find_redistributor(&regions[index], processor_hardware_id(processor->affinity));
    }
    if (processor->redistributor == NULL) {
        return false;
    }
    const uint32_t waker = device_read_32(processor->redistributor, GICR_WAKER);
    device_write_32(processor->redistributor, GICR_WAKER, waker & ~GICR_WAKER_SLEEP);
    for (unsigned poll = 0; poll < GIC_POLLS; poll++) {
        if ((device_read_32(processor->redistributor, GICR_WAKER) & GICR_WAKER_CHILD_ASLEEP) == 0) {
            break;
        }
    }
    WRITE(ICC_SRE, READ(ICC_SRE) | 1);
    instruction_barrier();
    return (READ(ICC_SRE) & 1) != 0;
}

static void cpu_on(bool has_fast)
{
    WRITE(ICC_PMR, GIC_PRIORITY_MASK);
    WRITE(ICC_BPR1, 0);
    WRITE(ICC_CTLR, 0); /* one write ends an interrupt */
    if (has_fast) {
        WRITE(ICC_EN0, 1);
    }
    WRITE(ICC_EN1, 1);
    instruction_barrier();
}

/* A CPU is named by Aff3, Aff2, Aff1, the sixteen of Aff0, and a bit among those. */
static void send(const processor_t *processor, uint32_t number, bool is_fast)
{
    const uint64_t affinity = processor->affinity;
    const uint64_t first = affinity & 0xff;
    const uint64_t value = (affinity >> 32 & 0xff) << 48 | (first >> 4) << 44 | (affinity >> 16 & 0xff) << 32 |
                           (uint64_t)number << 24 | (affinity >> 8 & 0xff) << 16 | UINT64_C(1) << (first & 15);

    if (is_fast) {
        WRITE(ICC_SGI0, value);
    } else {
        WRITE(ICC_SGI1, value);
    }
    instruction_barrier();
}

static gic_token_t acknowledge(bool is_fast)
{
    const uint64_t token = is_fast ? READ(ICC_IAR0) : READ(ICC_IAR1);

    data_barrier(); /* the interrupt is active before its cause is looked at (IHI 0069, 4.1.1) */
    return (gic_token_t)token;
}

static void end(gic_token_t token, bool is_fast)
{
    if (is_fast) {
        WRITE(ICC_EOIR0, token);
    } else {
        WRITE(ICC_EOIR1, token);
    }
    instruction_barrier();
}

static bool has_group_0(void)
{
    return (device_read_32(distributor, GICD_CTLR) & GICD_CTLR_SINGLE_STATE) != 0;
}

const gic_driver_t gic_v3_driver = {
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
