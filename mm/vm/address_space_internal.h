/*
 * An address space from inside.
 *
 *   address_space_t
 *     areas        safe list of vm_area_t: what may be there         [start, end) rights flags object
 *     table        the machine's page table: what is there           page -> frame, rights
 *
 * The table is a cache of decisions that the areas make: a page that is not in it faults, and the fault puts it there
 * with the rights that the area allows. Its rights may be fewer than the area's, never more.
 *
 *                          area allows it?          in the table?           alone with the frame?
 *   fault --> area found --------------------> yes -----------------> yes --------------------> yes: more rights
 *               | none      | no                      | no                    | no
 *               v           v                         v                       v
 *             no area    denied, guard      a frame of zeros, or        a copy (private), or
 *                                           the object's page           more rights (object)
 *
 * Locks. The areas' lock is the space's lock: it guards areas, table and counters, and is held for at most
 * ADDRESS_SPACE_BATCH_PAGES pages at a time. Who changes areas also holds `is_changing` for the whole of its
 * operation: a lock that leaves interrupts alone, taken before all spinlocks. Holding it, one may let go of the
 * spinlock and find the areas as they were; faults and copies, which need the spinlock only, come between. No two
 * spaces are held at once, in either way.
 *
 * Invariants, while nobody is changing the space
 *   V1  the areas are a safe list of pages in user space
 *   V2  neighbours that say the same are one area
 *   V3  an area's rights and flags are allowed, and its pages are within its object
 *   V4  each translation lies within one area that is neither guard nor pending
 *   V5  a translation's rights are the area's, but that it may lack write (and the others, until they are asked for)
 *   V6  a private frame has a holder, and only one when it is writable; a shared one is the object's
 *       page, and the object its one holder
 *   V7  the counters are what a walk counts
 */
#ifndef MM_VM_ADDRESS_SPACE_INTERNAL_H
#define MM_VM_ADDRESS_SPACE_INTERNAL_H

#include <stdatomic.h>

#include "base/list.h"
#include "mm/address_space.h"
#include "mm/kmem_cache.h"
#include "mm/quota.h"
#include "mm/structures/safe_list.h"

typedef struct vm_area {
    safe_list_node_t node; /* in the space's areas; while in none, `parent` links spare ones */
    vm_access_t access;
    vm_flags_t flags;
    bool is_pending; /* page_map() has reserved it: no pages, no changes, nobody is told of it */
    memory_object_t *object;
    uint64_t object_offset;
} vm_area_t;

struct address_space {
    safe_list_t areas;
    user_page_table_t table;
    quota_t *quota; /* or NULL; does not change */
    _Atomic uint32_t is_changing;
    uint32_t pending_count;
    list_link_t link; /* among all spaces */
    address_space_stats_t stats;
};

extern kmem_cache_t *vm_area_cache;

static inline vm_area_t *area_of_node(safe_list_node_t *node)
{
    return node == NULL ? NULL : CONTAINER_OF(node, vm_area_t, node);
}

/* ---- ranges and rights ---- */

/* Whether [address, address + size) is whole pages of user space, and not empty. */
bool vm_range_is_valid(uintptr_t address, uint64_t size);

/* STATUS_OK, or what to answer to a request for these rights. */
status_t vm_access_check(vm_access_t access, vm_flags_t flags);

/* The rights of a translation of `area`; without write if it may not have it yet. */
page_access_t vm_page_access(const vm_area_t *area, bool may_write);

/*
 * How far from `address` on, up to `end`, translations are looked for under one hold of the lock: tables that are
 * there and empty cost time, too.
 */
static inline uintptr_t vm_scan_limit(uintptr_t address, uintptr_t end)
{
    return end - address > GIB(1) ? align_down(address, USER_LARGE_PAGE_SIZE) + GIB(1) : end;
}

/* ---- areas (area.c) ---- */

/* One area that counts for the space's quota, or NULL; and back. */
MUST_USE vm_area_t *vm_area_alloc(const address_space_t *space);
void vm_area_free(const address_space_t *space, vm_area_t *area);

/* What to answer when something could not be had: that the space's quota is full, or that memory is. */
status_t vm_refusal(const address_space_t *space);

/* Makes up to `count` spare areas, on a list that starts at *spares. False, with none made, when memory is out. */
MUST_USE bool vm_spares_make(const address_space_t *space, vm_area_t **spares, unsigned count);
void vm_spares_free(const address_space_t *space, vm_area_t *spares);
void vm_spare_put(vm_area_t **spares, vm_area_t *area);
vm_area_t *vm_spare_take(vm_area_t **spares); /* of which there is one */

/*
 * address_space_map(), but that the area may be pending: page_map() then finds it at *made until it says otherwise.
 */
MUST_USE status_t vm_area_make(address_space_t *space, const vm_request_t *request, bool is_pending, uintptr_t *address,
                               vm_area_t **made);

/* Locked, changing. Cuts the area that reaches across `address` in two; takes a spare for it, of which there is one. */
void vm_area_split(address_space_t *space, uintptr_t address, vm_area_t **spares);

/* Whether two areas, of which `upper` may begin where `lower` ends, should be one (V2). */
MUST_USE bool vm_areas_say_the_same(const vm_area_t *lower, const vm_area_t *upper);

/* Locked. Whether an area reaches across `address`. */
MUST_USE bool vm_area_reaches_across(address_space_t *space, uintptr_t address);

/*
 * Locked, changing. Joins `area` with what lies before it, if the two say the same; an area that is no longer needed
 * goes to *spares. Returns the area that holds what was `area`.
 */
vm_area_t *vm_area_merge_before(address_space_t *space, vm_area_t *area, vm_area_t **spares);

/* Locked, changing. Joins it with what lies before and behind it. */
void vm_area_merge(address_space_t *space, vm_area_t *area, vm_area_t **spares);

/* Changing, not locked. Joins areas of [start, end), and those beside it, that say the same. */
void vm_merge_range(address_space_t *space, uintptr_t start, uintptr_t end);

/* Locked, changing. Adds to the bytes that are mapped. */
void vm_count_mapped(address_space_t *space, uint64_t size);

/* Changing, not locked. Splits tables and areas at both ends of a range, so that what follows needs no memory. */
MUST_USE status_t vm_prepare_range(address_space_t *space, uintptr_t start, uintptr_t end);

/* ---- life (address_space.c) ---- */

/* A space that statistics don't know yet; taking all areas from a space; ending one that is empty. */
MUST_USE status_t vm_space_make(quota_t *quota, address_space_t **made);
MUST_USE status_t vm_space_empty(address_space_t *space);
void vm_space_end(address_space_t *space);

/* ---- the lock of who changes areas ---- */

void vm_change_begin(address_space_t *space);
void vm_change_end(address_space_t *space);

/* ---- pages of the table itself ---- */

/* A machine_page_source_t, and its counterpart; the context is the space. Locked, or not shared yet. */
void *vm_table_page_alloc(void *context);
void vm_table_page_free(void *page, void *context);

/* ---- faults (fault.c) ---- */

/* Frames that a fault brought along, because they take long to fill with zeros. */
typedef struct vm_supply {
    void *large; /* or NULL */
    bool has_tried;
} vm_supply_t;

typedef enum vm_outcome {
    VM_OUTCOME_SPURIOUS, /* nothing was to be done */
    VM_OUTCOME_ZERO,
    VM_OUTCOME_COPY,
    VM_OUTCOME_REUSE,
    VM_OUTCOME_SHARED,
    VM_OUTCOME_FAILED,       /* see vm_fault_t */
    VM_OUTCOME_WANTS_SUPPLY, /* let go of the lock, fill the supply, and ask again */
} vm_outcome_t;

/* What is to be done at a page, and what came of it. */
typedef struct vm_visit {
    uintptr_t address;
    vm_access_t access; /* VM_READ, VM_WRITE or VM_EXECUTE */
    bool is_load;       /* the area's rights don't count */
    vm_supply_t supply;
    vm_fault_t fault; /* out: VM_FAULT_RESOLVED and `page`, or why not */
    char *page;       /* out: the frame, through the direct map */
} vm_visit_t;

/* Locked. Sees to it that the access works. */
vm_outcome_t vm_resolve(address_space_t *space, vm_visit_t *visit);

/* Not locked. */
void vm_supply_fill(const address_space_t *space, vm_supply_t *supply);
void vm_supply_drop(const address_space_t *space, vm_supply_t *supply);

/* Locked. Counts an outcome as a fault. */
void vm_count_fault(address_space_t *space, vm_outcome_t outcome, vm_fault_t fault);

/* ---- all spaces (vm.c) ---- */

void vm_space_register(address_space_t *space);
void vm_space_unregister(address_space_t *space);
void vm_count_clone(void);
MUST_USE bool vm_is_ready(void);
extern kmem_cache_t *vm_space_cache;

#endif
