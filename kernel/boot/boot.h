/*
 * From what the bootloader left to a finished memory map.
 */
#ifndef KERNEL_BOOT_BOOT_H
#define KERNEL_BOOT_BOOT_H

#include "arch/boot.h"
#include "boot_data.h"

/*
 * Reads the boot data into `boot`, whose map and cmdline the caller has set up, and adds to the map what must not be handed out: the first
 * MiB, the kernel image, boot data, modules, ACPI tables. Complaints go to the log.
 *
 * Returns what the protocol's reader says (multiboot2.h, pvh.h, devicetree.h), and STATUS_UNSUPPORTED for a protocol that this kernel has no reader for.
 */
MUST_USE status_t boot_read_data(const boot_handoff_t *handoff, const boot_window_t *window, boot_data_t *boot);

/*
 * Makes all available memory of `draft`, a finished map, reachable through the direct map, and `map` a finished map of what then remains to be
 * handed out: page tables on the way come from the end of an available region, or of its part in the hand-over's window, and are reserved. A region that
 * can't be mapped is reserved as well, with a word in the log.
 *
 * Returns STATUS_NOT_FOUND when no usable memory is left.
 */
MUST_USE status_t boot_map_memory(const memory_map_t *draft, const boot_handoff_t *handoff, memory_map_t *map);

#endif
