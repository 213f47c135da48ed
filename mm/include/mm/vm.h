/*
 * Virtual memory as a whole: its beginning, its end and its numbers.
 *
 * The parts are mm/address_space.h, mm/memory_object.h and mm/kernel_mapping.h.
 */
#ifndef MM_VM_H
#define MM_VM_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"
#include "mm/address_space.h"

/*
 * Makes virtual memory ready. Boot CPU, once, after slab_init(). STATUS_NO_MEMORY: nothing was taken; STATUS_EXISTS: it
 * was ready; STATUS_NOT_READY: kmalloc does not work yet.
 */
MUST_USE status_t vm_init(void);

/*
 * Ends it: returns how many address spaces, memory objects and kernel mappings are still there (leaked); 0 is a clean
 * end, after which vm_init() may begin again. Other CPUs are stopped.
 */
uint64_t vm_shutdown(void);

/* What has been made and ended since boot. */
#define VM_LIFE_FIELDS(FIELD) \
    FIELD(spaces_created)     \
    FIELD(spaces_destroyed)   \
    FIELD(clones)             \
    FIELD(objects_created)    \
    FIELD(objects_destroyed)

/*
 * The fields of virtual memory's statistics: one list, as in mm/stats_fields.h. The first group is as of now, summed
 * over spaces, each of which is looked at under its lock, so that the laws of ADDRESS_SPACE_STATS_FIELDS hold for the
 * sums, too. The others count since boot: spaces_live = spaces_created - spaces_destroyed, objects_live =
 * objects_created - objects_destroyed.
 */
#define VM_STATS_FIELDS(FIELD)                                                               \
    FIELD(spaces_live)                                                                       \
    FIELD(areas)                                                                             \
    FIELD(bytes_mapped)                                                                      \
    FIELD(pages_resident)                                                                    \
    FIELD(pages_private)                                                                     \
    FIELD(pages_shared)                                                                      \
    FIELD(pages_large)                                                                       \
    FIELD(pages_tables)                                                                      \
    FIELD(objects_live)                                                                      \
    FIELD(objects_pages) /* that objects hold, mapped or not */                              \
    FIELD(kernel_mappings)                                                                   \
    FIELD(kernel_bytes)     /* of the kernel's window that mappings take, guards included */ \
    FIELD(kernel_bytes_max) /* the window's size */                                          \
    FIELD(faults)                                                                            \
    VM_FAULT_FIELDS(FIELD)                                                                   \
    VM_LIFE_FIELDS(FIELD)

typedef struct vm_stats {
#define VM_STATS_DECLARE(field) uint64_t field;
    VM_STATS_FIELDS(VM_STATS_DECLARE)
#undef VM_STATS_DECLARE
} vm_stats_t;

void vm_stats(vm_stats_t *stats);

#endif
