/*
 * The platform-level interrupt controller, as far as a console needs it: a few sources, all to the boot CPU.
 */
#ifndef RISCV64_PLIC_H
#define RISCV64_PLIC_H

#include <stdbool.h>

#include "arch/shared/devicetree_board.h"

/*
 * Has the device's first interrupt arrive at the calling CPU as an external interrupt. Returns false, and nothing
 * arrives, when the tree does not say how, or says nothing that makes sense. Boot CPU, once.
 */
bool plic_route(const devicetree_node_t *device);

/* From the external interrupt: takes all that is pending. The device's own state is left to whoever reads it. */
void plic_take_all(void);

#endif
