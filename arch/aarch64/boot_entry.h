/*
 * What entry.S and start.c are to each other; entry.S says what its functions do.
 */
#ifndef AARCH64_BOOT_ENTRY_H
#define AARCH64_BOOT_ENTRY_H

#include <stdint.h>

#include "base/compiler.h"

void boot_switch_root(uint64_t root, uint64_t empty, uint64_t image);
NORETURN void boot_leave(uintptr_t interrupt_top, uintptr_t thread_top);

/* The first line of C, on boot's stack: the device tree's physical address, or 0, and the image's. */
NORETURN void boot_start(uint64_t tree, uint64_t image);

/* The rest, on the boot CPU's own stacks. */
NORETURN void boot_continue(void);

#endif
