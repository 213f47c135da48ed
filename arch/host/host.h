/*
 * Starting the host port: what a bootloader and entry code do on a real machine.
 */
#ifndef ARCH_HOST_HOST_H
#define ARCH_HOST_HOST_H

#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Reserves an arena of `bytes` (a multiple of the page size) as physical memory 0 up to `bytes`, untouched and so
 * free of cost until used, and makes the calling thread CPU 0. Once, before anything else. STATUS_NO_MEMORY when the
 * system refuses the mapping.
 */
MUST_USE status_t host_start(uint64_t bytes);

/*
 * How many threads cpu_start_all() shall start, the caller included; 1 to CPU_COUNT_MAX. Before cpu_start_all(); 4
 * unless set.
 */
void host_set_cpu_count(uint32_t count);

#ifdef __cplusplus
}
#endif

#endif
