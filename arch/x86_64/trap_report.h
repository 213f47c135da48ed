/*
 * A trap frame in the words of arch/trap.h.
 */
#ifndef X86_64_TRAP_REPORT_H
#define X86_64_TRAP_REPORT_H

#include "arch/trap.h"
#include "trap_frame.h"

/* Page-fault error code (Intel SDM vol. 3, 4.7). */
#define PAGE_FAULT_WRITE   (UINT64_C(1) << 1)
#define PAGE_FAULT_USER    (UINT64_C(1) << 2)
#define PAGE_FAULT_EXECUTE (UINT64_C(1) << 4)

/* What happened, for a frame of vectors 0 to 31; `fault_address` is what CR2 was. */
void trap_report_fill(trap_report_t *report, const trap_frame_t *frame, uintptr_t fault_address);

/* The registers as several lines of text. */
void trap_frame_write(text_writer_t *writer, const trap_frame_t *frame, uintptr_t fault_address);

#endif
