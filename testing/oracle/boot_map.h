/*
 * The kernel's reader of device trees, for C++ (include it as C): what it makes of bytes at a physical address, and of
 * nothing else.
 */
#ifndef TESTING_ORACLE_BOOT_MAP_H
#define TESTING_ORACLE_BOOT_MAP_H

#include "base/status.h"
#include "kernel/cmdline.h"
#include "mm/memory_map.h"

/* Sets up `map`, not finished, and `cmdline`; returns what devicetree_read() returns. */
status_t boot_map_read(const void *bytes, uint64_t length, uint64_t base, memory_map_t *map, cmdline_t *cmdline);

#endif
