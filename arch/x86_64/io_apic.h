/*
 * The I/O APIC: routes devices' interrupt lines to CPUs (Intel 82093AA data sheet).
 */
#ifndef X86_64_IO_APIC_H
#define X86_64_IO_APIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

/*
 * Has the old interrupt line `irq` (0 to 15) interrupt the boot CPU at `vector`. Returns false when the machine has no
 * I/O APIC for it, or no way to name the boot CPU. Boot CPU.
 */
MUST_USE bool io_apic_route_isa(unsigned irq, uint8_t vector);

#endif
