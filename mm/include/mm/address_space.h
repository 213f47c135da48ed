/*
 * Address spaces: what a process may see of memory, and where.
 *
 * A space is a set of areas, each a range of user addresses with rights, and the machine's page table, which is
 * filled as pages are first used. Private memory starts as zeros and is the space's own; a clone shares its pages
 * with the original until either writes (copy-on-write). Shared memory is a memory object (mm/memory_object.h) that
 * any number of spaces map. The machine enforces the rights; this module decides them.
 *
 * Addresses and sizes are multiples of PAGE_SIZE unless said otherwise, and all of them may come from hostile
 * programs: ranges that wrap, leave [USER_SPACE_START, USER_SPACE_END) or are empty are refused with STATUS_INVALID.
 *
 * Thread context; the caller holds no lock of rank LOCK_RANK_ADDRESS_SPACES or later. Any number of CPUs may use one
 * space at once. Changes of areas (map, unmap, protect, clone, page_map) follow one another, each as a whole; faults
 * and copies run between their parts, which are at most ADDRESS_SPACE_BATCH_PAGES pages long. So while a long range
 * is being changed, another CPU may meet its lower part changed and its upper part not yet; when the call returns,
 * all is done, on every CPU. A call that fails has changed nothing.
 */
#ifndef MM_ADDRESS_SPACE_H
#define MM_ADDRESS_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/user_page_table.h"
#include "base/compiler.h"
#include "base/status.h"
#include "mm/memory_object.h"
#include "mm/quota.h"

typedef struct address_space address_space_t;

/* The most pages that are dealt with while others wait for the space's lock (one large page counts as one). */
#define ADDRESS_SPACE_BATCH_PAGES 512

/*
 * Rights of an area. Allowed are none, read, read + write, read + execute, and all three where VM_WX_ALLOWED says so;
 * other sets are STATUS_INVALID, since not every machine can tell them apart.
 */
typedef unsigned vm_access_t;
#define VM_NONE    0u
#define VM_READ    1u
#define VM_WRITE   2u
#define VM_EXECUTE 4u

/* What an area is besides. */
typedef unsigned vm_flags_t;
#define VM_FIXED       1u /* map() only: at `address` exactly, or STATUS_EXISTS */
#define VM_GUARD       2u /* never holds a page; rights are none, for good: what runs off its neighbour faults here */
#define VM_LARGE_PAGES 4u /* large pages may be used where 2 MiB of the area and of memory allow */
#define VM_WX_ALLOWED  8u /* writable and executable at once may be asked for, now and by protect() */

/* What address_space_map() should make. All fields not named in an initializer are off. */
typedef struct vm_request {
    uintptr_t address; /* with VM_FIXED the place; else the lowest acceptable one, and the first that fits is taken */
    uint64_t size;
    vm_access_t access;
    vm_flags_t flags;
    memory_object_t *object; /* NULL: private, zeros; else shared, and the area keeps a reference */
    uint64_t object_offset;  /* bytes into the object of the area's first page */
} vm_request_t;

/* One area, as of the moment it was asked for. */
typedef struct vm_area_info {
    uintptr_t start;
    uintptr_t end; /* the first address behind it */
    vm_access_t access;
    vm_flags_t flags; /* without VM_FIXED */
    bool is_shared;   /* maps an object */
    uint64_t object_id;
    uint64_t object_offset;
} vm_area_info_t;

/* What became of a page fault. */
typedef enum vm_fault {
    VM_FAULT_RESOLVED = 0, /* the access will work now */
    VM_FAULT_NO_AREA,      /* nothing is mapped there, or it is no user address */
    VM_FAULT_GUARD,        /* a guard area */
    VM_FAULT_DENIED,       /* the area's rights don't include that */
    VM_FAULT_NO_MEMORY,    /* allowed, but there is no page for it */
    VM_FAULT_OVER_QUOTA,   /* allowed, but the space's quota has no page for it (or the object's) */
    VM_FAULT_COUNT
} vm_fault_t;

/* "resolved", "no area", "guard", "access denied", "no memory", "over quota"; never NULL. */
const char *vm_fault_name(vm_fault_t fault);

/* "rwx" with '-' for what is not allowed: 3 characters and the end. */
void vm_access_text(vm_access_t access, char text[4]);

/* ---- life ---- */

/* Makes an empty space. STATUS_NO_MEMORY: nothing was taken. STATUS_NOT_READY before vm_init() (mm/vm.h). */
MUST_USE status_t address_space_create(address_space_t **created);

/*
 * The same, with a quota (mm/quota.h) that its areas, frames and tables count for; the space keeps a reference to it.
 * What says STATUS_NO_MEMORY here and below may then say STATUS_OVER_QUOTA as well.
 */
MUST_USE status_t address_space_create_for(quota_t *quota, address_space_t **created);

/*
 * Makes a space with the same quota that holds what `original` holds: private pages are copied when one of the two first writes to them,
 * objects are mapped by both. What other CPUs write into `original` meanwhile is in the clone or is not, page by page.
 * STATUS_NO_MEMORY: nothing was taken.
 */
MUST_USE status_t address_space_clone(address_space_t *original, address_space_t **created);

/*
 * Ends a space: every page, table and reference goes back. Nobody else uses it any more and no CPU has it active.
 * NULL is allowed and does nothing.
 */
void address_space_destroy(address_space_t *space);

/* Has the calling CPU run in `space`; NULL: in none. */
void address_space_activate(address_space_t *space);

/* ---- areas ---- */

/*
 * Makes an area and stores its address in *address. No page is taken before it is used. Neighbours that say the same
 * become one area. Returns STATUS_INVALID for numbers that break a rule above, STATUS_DENIED for write + execute
 * without VM_WX_ALLOWED, STATUS_EXISTS when part of a fixed range is taken, STATUS_OUT_OF_RANGE when the range is not
 * within the object or no place is free, STATUS_NO_MEMORY.
 */
MUST_USE status_t address_space_map(address_space_t *space, const vm_request_t *request, uintptr_t *address);

/*
 * Takes away whatever is mapped in the range; parts without area are passed over. STATUS_NO_MEMORY when an area or a
 * large page would have to be split and can't be; STATUS_BUSY when page_map() is about to fill a part.
 */
MUST_USE status_t address_space_unmap(address_space_t *space, uintptr_t address, uint64_t size);

/*
 * Gives the range other rights. Returns STATUS_NOT_FOUND when a part has no area, STATUS_DENIED when a part is a guard,
 * or would be write + execute in an area without VM_WX_ALLOWED, and what unmap returns.
 */
MUST_USE status_t address_space_protect(address_space_t *space, uintptr_t address, uint64_t size, vm_access_t access);

/*
 * page_map: lets `to` have [address, address + size) of `from`, at the place that `request` says (its address, access
 * and flags; size and object are taken from here), and stores that place in *mapped. Both see the same pages from
 * then on: private memory of `from` becomes an object that both map, with its contents; a range that maps one object
 * already is mapped from that. The range must be one area's, and `from` may write it if the request does: else
 * STATUS_DENIED. At most PAGE_MAP_SIZE_MAX bytes. STATUS_NOT_FOUND when no area covers the range, and what map() and
 * unmap() return. `from` and `to` may be the same.
 */
#define PAGE_MAP_SIZE_MAX MIB(2)
MUST_USE status_t page_map(address_space_t *from, uintptr_t address, uint64_t size, address_space_t *to,
                           const vm_request_t *request, uintptr_t *mapped);

/* The area that holds `address` (any number); false when there is none. */
MUST_USE bool address_space_find(address_space_t *space, uintptr_t address, vm_area_info_t *info);

/*
 * Calls visit for every area in order of address, until it returns false. Areas do not change meanwhile; visit must not
 * change them, but may allocate, log, and copy in or out.
 */
void address_space_visit(address_space_t *space, bool (*visit)(const vm_area_info_t *area, void *argument),
                         void *argument);

/* ---- use ---- */

/*
 * Resolves a fault of user code at `address` (any number) that tried `access`: exactly one of VM_READ, VM_WRITE,
 * VM_EXECUTE. When another CPU has resolved it meanwhile, that is VM_FAULT_RESOLVED, too.
 */
MUST_USE vm_fault_t address_space_fault(address_space_t *space, uintptr_t address, vm_access_t access);

/*
 * Copies between the kernel's memory and the user's, with the user's rights (read for in, write for out), through the
 * direct map: no user address is ever followed. Any address, any size; an address range that wraps or leaves user
 * space fails where it does. *copied is how many bytes were, also on failure; it may be NULL. Returns STATUS_DENIED
 * at a place that the user could not access, STATUS_NO_MEMORY.
 */
MUST_USE status_t address_space_copy_in(address_space_t *space, void *to, uintptr_t from, size_t size, size_t *copied);
MUST_USE status_t address_space_copy_out(address_space_t *space, uintptr_t to, const void *from, size_t size,
                                         size_t *copied);

/*
 * Copies a text up to and with its '\0' into text[0 .. capacity). *length is its length without that. Returns
 * STATUS_OUT_OF_RANGE when it does not end within the capacity; text is then cut, and ends with '\0' all the same
 * (capacity is at least 1). Otherwise as above, with an empty text.
 */
MUST_USE status_t address_space_copy_text_in(address_space_t *space, char *text, size_t capacity, uintptr_t from,
                                             size_t *length);

/* As copy_out, for the kernel as the loader of programs: rights of the area don't count, being no guard does. */
MUST_USE status_t address_space_load(address_space_t *space, uintptr_t to, const void *from, size_t size,
                                     size_t *copied);

/* ---- numbers ---- */

/* What page faults came to. */
#define VM_FAULT_FIELDS(FIELD)                                                     \
    FIELD(faults_zero)      /* got a page of zeros */                              \
    FIELD(faults_copy)      /* got a copy of a page that others have, too */       \
    FIELD(faults_reuse)     /* may write now: nobody else has the page any more */ \
    FIELD(faults_shared)    /* got a page of an object */                          \
    FIELD(faults_spurious)  /* all was well already */                             \
    FIELD(faults_refused)   /* no area, guard, or rights */                        \
    FIELD(faults_no_memory) /* or quota */

/*
 * The fields of a space's statistics, which are one snapshot, taken under its lock. pages_private, pages_shared and
 * pages_large x 512 count 4 KiB pages that the page table holds: pages_resident = pages_private + pages_shared;
 * pages_large x 512 <= pages_private; pages_resident x 4096 <= bytes_mapped <= bytes_mapped_peak; faults =
 * faults_zero + faults_copy + faults_reuse + faults_shared + faults_spurious + faults_refused + faults_no_memory.
 */
#define ADDRESS_SPACE_STATS_FIELDS(FIELD)                                              \
    FIELD(areas)                                                                       \
    FIELD(bytes_mapped)                                                                \
    FIELD(bytes_mapped_peak)                                                           \
    FIELD(pages_resident)                                                              \
    FIELD(pages_private)                                                               \
    FIELD(pages_shared) /* pages of objects */                                         \
    FIELD(pages_large)  /* runs of 512 that were mapped as one, and not split since */ \
    FIELD(pages_tables) /* the page table itself */                                    \
    FIELD(faults)                                                                      \
    VM_FAULT_FIELDS(FIELD)

typedef struct address_space_stats {
#define ADDRESS_SPACE_STATS_DECLARE(field) uint64_t field;
    ADDRESS_SPACE_STATS_FIELDS(ADDRESS_SPACE_STATS_DECLARE)
#undef ADDRESS_SPACE_STATS_DECLARE
} address_space_stats_t;

void address_space_stats(address_space_t *space, address_space_stats_t *stats);

/*
 * NULL, or the name of the first broken invariant ("V2"), as mm/vm/address_space_internal.h numbers them. Walks all of
 * the space; no CPU may use it meanwhile.
 */
const char *address_space_validate(address_space_t *space);

#endif
