/*
 * What gic.c asks of a version (gic_v2.c, gic_v3.c), and the registers that both have alike.
 */
#ifndef AARCH64_GIC_PARTS_H
#define AARCH64_GIC_PARTS_H

#include "gic.h"

/* Distributor; version 3 has those of numbers below 32 in each redistributor's second frame, at the same offsets. */
#define GICD_CTLR       0x000
#define GICD_TYPER      0x004
#define GICD_IGROUPR    0x080 /* a bit each */
#define GICD_ISENABLER  0x100
#define GICD_ICENABLER  0x180
#define GICD_ICPENDR    0x280
#define GICD_IPRIORITYR 0x400 /* a byte each */
#define GICD_ICFGR      0xc00 /* two bits each; the upper one: edge-triggered */

#define GIC_PRIVATE_NUMBERS 32u
#define GIC_NUMBERS_MAX     1020u
#define GIC_PRIORITY_USUAL  0xa0u
#define GIC_PRIORITY_STOP   0x00u
#define GIC_PRIORITY_MASK   0xf0u /* lets through all that is more urgent */

/* A device's answer takes less than a microsecond; one that has not come after these is never coming. */
#define GIC_POLLS 1000000u

typedef struct gic_driver {
    const char *const *compatible; /* ends with NULL */
    /* Maps what the node says, and readies the distributor but for the interrupts' own registers. False if it can't. */
    bool (*find)(const devicetree_node_t *node);
    volatile void *(*distributor)(void);
    void (*distributor_on)(void);
    volatile void *(*private_registers)(const processor_t *processor); /* NULL: this CPU's are missing */
    void (*route)(uint32_t number, const processor_t *processor);      /* a device's interrupt to one CPU */
    bool (*find_cpu)(processor_t *processor);                          /* false: this CPU can't be served */
    void (*cpu_on)(bool has_fast);
    void (*send)(const processor_t *processor, uint32_t number, bool is_fast);
    gic_token_t (*acknowledge)(bool is_fast);
    void (*end)(gic_token_t token, bool is_fast);
    /* Whether interrupts of group 0 can be had at all: only where there is no secure world. */
    bool (*has_group_0)(void);
} gic_driver_t;

extern const gic_driver_t gic_v2_driver;
extern const gic_driver_t gic_v3_driver;

#endif
