/*
 * Making CPUs forget translations (Intel SDM vol. 3, 4.10.4 and 4.10.5).
 */
#ifndef X86_64_TLB_H
#define X86_64_TLB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

/*
 * Has the CPUs whose bits are set in `cpus`, the caller's perhaps among them, forget what they remember of
 * [address, address + size) in the tables that they use; when it returns, all have. Others are told by NMI, so locks
 * may be held and interrupts masked on either side. Not from an NMI. A CPU that does not answer stops the kernel; one
 * that cpu_stop_others() has stopped is passed over.
 */
void tlb_flush(uint64_t cpus, uintptr_t address, uint64_t size);

/* From the NMI handler: does what another CPU's flush asks of this one; false when none does. */
MUST_USE bool tlb_flush_was_asked(void);

#endif
