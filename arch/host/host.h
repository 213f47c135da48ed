/*
 * Starting the host port: what a bootloader and entry code do on a real machine.
 */
#ifndef ARCH_HOST_HOST_H
#define ARCH_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/page_access.h"
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

/*
 * One access as user code on this CPU would make it: to `size` bytes, 1 to 8 within one page, at `address` in the active
 * user page table, through this CPU's translation cache. `access` is PAGE_ACCESS_READ, which loads *value,
 * PAGE_ACCESS_WRITE, which stores it, or PAGE_ACCESS_EXECUTE, which loads it as an instruction. Returns false where user
 * code would fault; *value is then untouched.
 */
MUST_USE bool host_user_access(uintptr_t address, page_access_t access, size_t size, uint64_t *value);

#ifdef __cplusplus
}
#endif

#endif
