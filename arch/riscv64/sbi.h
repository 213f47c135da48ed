/*
 * Calls to the firmware (RISC-V Supervisor Binary Interface 2.0): time, other CPUs, power, and bytes for the console.
 *
 * Firmware that lacks an extension answers "not supported", so every call may be made on any machine. Any context.
 */
#ifndef RISCV64_SBI_H
#define RISCV64_SBI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/units.h"

/* Whether the firmware has an extension, by number. */
#define SBI_EXTENSION_BASE    0x10
#define SBI_EXTENSION_TIME    0x54494d45 /* "TIME" */
#define SBI_EXTENSION_IPI     0x735049   /* "sPI" */
#define SBI_EXTENSION_HSM     0x48534d   /* "HSM" */
#define SBI_EXTENSION_RFENCE  0x52464e43 /* "RFNC" */
#define SBI_EXTENSION_RESET   0x53525354 /* "SRST" */
#define SBI_EXTENSION_CONSOLE 0x4442434e /* "DBCN" */
bool sbi_has(uint64_t extension);

/* Has the timer interrupt come when `time` reaches `deadline`, and takes a pending one back. UINT64_MAX: never. */
void sbi_set_timer(uint64_t deadline);

/* Raises the software interrupt on the hart. */
MUST_USE status_t sbi_send_ipi(uint64_t hart);

/*
 * Of the harts `first` + i for every bit i that is set: has them forget translations of [address, address + size), of
 * everything if size is UINT64_MAX, or fetch instructions anew. All have when it returns, whether they mask interrupts or not.
 */
MUST_USE status_t sbi_remote_flush(uint64_t harts, uint64_t first, uintptr_t address, uint64_t size);
MUST_USE status_t sbi_remote_fetch(uint64_t harts, uint64_t first);

/*
 * Starts a stopped hart at physical `entry`, with its number in a0 and `argument` in a1, interrupts and paging off. Returns
 * before it is there. STATUS_INVALID when there is none, STATUS_BUSY when it runs already, STATUS_UNSUPPORTED or
 * STATUS_CORRUPT when the firmware can't.
 */
MUST_USE status_t sbi_hart_start(uint64_t hart, physical_address_t entry, uint64_t argument);

/* Switches the machine off, saying whether all was well. Returns when the firmware can't. */
void sbi_shutdown(bool is_failure);

/* One byte out, one byte in (-1: none). The console of machines whose UART we don't know, or don't know yet. */
void sbi_console_write(char byte);
int sbi_console_read(void);

#endif
