/*
 * The arena's pages under other addresses, between the host port's files.
 */
#ifndef ARCH_HOST_ARENA_H
#define ARCH_HOST_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/units.h"

/*
 * Has [place, place + bytes) show the arena from `physical` on, with PROT_READ and the like for `rights`, in place of
 * what was there. False when the system refuses.
 */
MUST_USE bool host_map_arena(void *place, physical_address_t physical, uint64_t bytes, int rights);

#endif
