/*
 * What entry.S and start.c are to each other; entry.S says what its functions do.
 */
#ifndef AARCH64_BOOT_ENTRY_H
#define AARCH64_BOOT_ENTRY_H

#include <stdint.h>

#include "base/compiler.h"

/* Where exceptions go while there are no stacks but boot's. */
extern char boot_emergency_top[];

void boot_switch_root(uint64_t root, uint64_t empty, uint64_t image);
NORETURN void boot_leave(uintptr_t interrupt_top, uintptr_t thread_top);

/*
 * The first line of C, on boot's stack: the physical addresses of the device tree, whose header is mapped, and of the
 * image. `tree` is 0 when `given`, which was in x0, can be no address of a tree.
 */
NORETURN void boot_start(uint64_t tree, uint64_t image, uint64_t given);

/* The rest, on the boot CPU's own stacks. */
NORETURN void boot_continue(void);

#endif
