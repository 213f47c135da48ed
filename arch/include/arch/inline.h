/*
 * Operations of a machine that are too small to be calls. Each port's port.h defines them all; this header names them.
 *
 * port.h defines, as static inline functions:
 *
 *   cpu_t *cpu_current(void)                        the calling CPU's structure
 *   struct allocation_context *allocation_context_current(void)
 *                                                   cpu_current()->allocation_context, in one load
 *   void cpu_relax(void)                            a hint inside a waiting loop
 *   interrupt_state_t interrupts_save(void)         masks interrupts on this CPU; returns the state before
 *   void interrupts_restore(interrupt_state_t)      puts that state back
 *   void interrupts_enable(void)                    for the first time on a CPU: nothing was saved yet
 *   bool interrupts_are_enabled(void)
 *   uint64_t cycle_counter(void)                    a free-running counter: cheap, monotonic on one CPU, any frequency
 *
 *   bool direct_map_contains(const void *pointer)   whether the pointer lies where memory is mapped one to one
 *   void *physical_to_pointer(physical_address_t)   the direct map's pointer to that byte of memory
 *   physical_address_t pointer_to_physical(const void *pointer)
 *                                                   the inverse; the pointer lies in the window
 *   uint64_t *page_word(const void *pointer)        see arch/page_backend.h
 *
 * the macro PORT_FRAME_RECORD_OFFSET: where a frame's record (the caller's frame pointer, then the return address) is,
 * in bytes from the frame pointer; and the type interrupt_state_t (an integer). All may be called from any context.
 */
#ifndef ARCH_INLINE_H
#define ARCH_INLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/cpu_local.h"
#include "base/units.h"

#include "port.h"

#endif
