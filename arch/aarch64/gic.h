/*
 * The interrupt controller: a GIC, version 2 or 3, in one security state or in the normal world of two.
 *
 * Numbers 0 to 15 are from CPU to CPU, 16 to 31 each CPU's own, the others devices'. Without a controller that the device
 * tree knows, nothing is ever sent or taken.
 */
#ifndef AARCH64_GIC_H
#define AARCH64_GIC_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/shared/devicetree_board.h"
#include "base/compiler.h"
#include "processor.h"

/* From CPU to CPU. */
#define INTERRUPT_WAKE 0u
#define INTERRUPT_CALL 1u
#define INTERRUPT_STOP 2u

#define INTERRUPT_NONE UINT32_MAX

/* What was acknowledged, as the controller wants it back. */
typedef uint32_t gic_token_t;
#define GIC_TOKEN_NONE UINT32_MAX

/* Finds the controller in the tree and sets up what all CPUs share. Boot CPU, before gic_init_cpu(). */
void gic_find(const devicetree_t *tree);

bool gic_is_present(void);

/* Sets up the calling CPU's part. */
void gic_init_cpu(processor_t *processor);

/* The number of a device's interrupt as the tree has it, or INTERRUPT_NONE when it is none of this controller's. */
uint32_t gic_number_in_tree(const devicetree_interrupt_t *interrupt);

/* Lets an interrupt through to the calling CPU, or no longer. A CPU's own counts for that CPU only. */
void gic_enable(uint32_t number, bool is_edge_triggered);
void gic_disable(uint32_t number);

/* Sends number 0 to 15 to a CPU, after all stores before. */
void gic_send(const processor_t *processor, uint32_t number);

/* Takes the most urgent interrupt (GIC_TOKEN_NONE: there is none any more), and says that it has been dealt with. */
gic_token_t gic_acknowledge(void);
void gic_end(gic_token_t token);

/* The same for FIQ. */
gic_token_t gic_acknowledge_fast(void);
void gic_end_fast(gic_token_t token);

static inline uint32_t gic_number(gic_token_t token)
{
    return token & 0x3ff;
}

#endif
