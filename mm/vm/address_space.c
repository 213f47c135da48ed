/*
 * Address spaces: their life, making areas, and looking at them. What is common to all is in address_space_internal.h.
 */
#include "address_space_internal.h"

#include "base/check.h"
#include "mm/pages.h"
#include "mm/slab_debug.h"
#include "mm/vm/memory_object_internal.h"

kmem_cache_t *vm_space_cache;

const char *vm_fault_name(vm_fault_t fault)
{
    static const char *const names[VM_FAULT_COUNT] = {"resolved",      "no area",   "guard",
                                                      "access denied", "no memory", "over quota"};
    return (unsigned)fault < VM_FAULT_COUNT ? names[fault] : "unknown";
}

void vm_access_text(vm_access_t access, char text[4])
{
    text[0] = (access & VM_READ) != 0 ? 'r' : '-';
    text[1] = (access & VM_WRITE) != 0 ? 'w' : '-';
    text[2] = (access & VM_EXECUTE) != 0 ? 'x' : '-';
    text[3] = '\0';
}

/* ---- the lock of who changes areas ---- */

void vm_change_begin(address_space_t *space)
{
    while (atomic_exchange_explicit(&space->is_changing, 1, memory_order_acquire) != 0) {
        while (atomic_load_explicit(&space->is_changing, memory_order_relaxed) != 0) {
            cpu_relax();
        }
    }
}

void vm_change_end(address_space_t *space)
{
    atomic_store_explicit(&space->is_changing, 0, memory_order_release);
}

/* ---- life ---- */

void *vm_table_page_alloc(void *context)
{
    address_space_t *const space = context;
    if (!quota_take(space->quota, QUOTA_PAGES, 1)) {
        return NULL;
    }
    void *const page = pages_alloc(1);
    if (page == NULL) {
        quota_give_back(space->quota, QUOTA_PAGES, 1);
        return NULL;
    }
    space->stats.pages_tables++;
    return page;
}

void vm_table_page_free(void *page, void *context)
{
    address_space_t *const space = context;
    pages_free(page, 1);
    quota_give_back(space->quota, QUOTA_PAGES, 1);
    space->stats.pages_tables--;
}

status_t vm_space_make(quota_t *quota, address_space_t **made)
{
    if (!vm_is_ready()) {
        return STATUS_NOT_READY;
    }
    address_space_t *const space = kmem_cache_alloc(vm_space_cache);
    if (space == NULL) {
        return STATUS_NO_MEMORY;
    }
    *space = (address_space_t){.quota = quota_retain(quota)};
    safe_list_init(&space->areas, LOCK_RANK_ADDRESS_SPACE);
    const status_t status = user_page_table_create(&space->table, vm_table_page_alloc, space);
    if (status != STATUS_OK) {
        kmem_cache_free(vm_space_cache, space);
        quota_release(quota);
        return quota_is_full(quota, QUOTA_PAGES) ? STATUS_OVER_QUOTA : status; /* the caller has a reference */
    }
    *made = space;
    return STATUS_OK;
}

void vm_space_end(address_space_t *space)
{
    user_page_table_destroy(&space->table, vm_table_page_free, space);
    DEBUG_CHECK(space->stats.pages_tables == 0 && space->stats.pages_private == 0);
    quota_release(space->quota);
    kmem_cache_free(vm_space_cache, space);
}

status_t address_space_create(address_space_t **created)
{
    return address_space_create_for(NULL, created);
}

status_t address_space_create_for(quota_t *quota, address_space_t **created)
{
    const status_t status = vm_space_make(quota, created);
    if (status == STATUS_OK) {
        vm_space_register(*created);
    }
    return status;
}

void address_space_destroy(address_space_t *space)
{
    if (space == NULL) {
        return;
    }
    const status_t status UNUSED = vm_space_empty(space);
    DEBUG_CHECK(status == STATUS_OK);
    vm_space_unregister(space);
    vm_space_end(space);
}

void address_space_activate(address_space_t *space)
{
    user_page_table_activate(space == NULL ? NULL : &space->table);
}

/* ---- making areas ---- */

static status_t check_request(const vm_request_t *request)
{
    const bool is_fixed = (request->flags & VM_FIXED) != 0;
    if ((request->size & PAGE_OFFSET_MASK) != 0 || request->size == 0 ||
        request->size > USER_SPACE_END - USER_SPACE_START ||
        (is_fixed ? !vm_range_is_valid(request->address, request->size) : request->address > USER_SPACE_END)) {
        return STATUS_INVALID;
    }
    const status_t status = vm_access_check(request->access, request->flags);
    if (status != STATUS_OK || request->object == NULL) {
        return status;
    }
    if ((request->object_offset & PAGE_OFFSET_MASK) != 0 || (request->flags & VM_GUARD) != 0) {
        return STATUS_INVALID;
    }
    return memory_object_contains(request->object, request->object_offset, request->size) ? STATUS_OK
                                                                                          : STATUS_OUT_OF_RANGE;
}

/* Locked, changing. The place for a request. */
static status_t choose_place(address_space_t *space, const vm_request_t *request, uint64_t *place)
{
    if ((request->flags & VM_FIXED) != 0) {
        *place = request->address;
        return safe_list_is_free(&space->areas, *place, *place + request->size) ? STATUS_OK : STATUS_EXISTS;
    }
    const uint64_t low = request->address < USER_SPACE_START ? USER_SPACE_START : request->address;
    const bool is_large = (request->flags & VM_LARGE_PAGES) != 0 && request->size >= USER_LARGE_PAGE_SIZE;
    const uint64_t alignment = is_large ? USER_LARGE_PAGE_SIZE : PAGE_SIZE;
    /* A gap with room for the worst start; only when there is none, one that is too small for a good start. */
    if (safe_list_first_fit(&space->areas, align_up(low, PAGE_SIZE), USER_SPACE_END,
                            request->size + alignment - PAGE_SIZE, place)) {
        *place = align_up(*place, alignment);
        return STATUS_OK;
    }
    return safe_list_first_fit(&space->areas, align_up(low, PAGE_SIZE), USER_SPACE_END, request->size, place)
               ? STATUS_OK
               : STATUS_OUT_OF_RANGE;
}

status_t vm_area_make(address_space_t *space, const vm_request_t *request, bool is_pending, uintptr_t *address,
                      vm_area_t **made)
{
    vm_area_t *spares;
    uint64_t place;
    status_t status = check_request(request);
    if (status != STATUS_OK) {
        return status;
    }
    if (!vm_spares_make(space, &spares, 1)) {
        return vm_refusal(space);
    }
    vm_change_begin(space);
    const spinlock_hold_t hold = safe_list_lock(&space->areas);
    status = choose_place(space, request, &place);
    if (status == STATUS_OK) {
        vm_area_t *const area = vm_spare_take(&spares);
        *area = (vm_area_t){
            .access = request->access,
            .flags = request->flags & ~VM_FIXED,
            .is_pending = is_pending,
            .object = request->object == NULL ? NULL : memory_object_retain(request->object),
            .object_offset = request->object == NULL ? 0 : request->object_offset,
        };
        const bool is_in UNUSED = safe_list_insert(&space->areas, &area->node, place, place + request->size);
        DEBUG_CHECK(is_in);
        space->pending_count += is_pending;
        if (is_pending) {
            slab_debug_disown(area); /* page_map() works for the source; this is the target's */
        }
        vm_count_mapped(space, request->size);
        *address = place;
        *made = area; /* good while it is pending; otherwise it may be joined with another at once */
        vm_area_merge(space, area, &spares);
    }
    safe_list_unlock(&space->areas, hold);
    vm_change_end(space);
    vm_spares_free(space, spares);
    return status;
}

status_t address_space_map(address_space_t *space, const vm_request_t *request, uintptr_t *address)
{
    vm_area_t *area;
    return vm_area_make(space, request, false, address, &area);
}

/* ---- looking ---- */

static vm_area_info_t describe(const vm_area_t *area)
{
    return (vm_area_info_t){
        .start = area->node.start,
        .end = area->node.end,
        .access = area->access,
        .flags = area->flags,
        .is_shared = area->object != NULL,
        .object_id = area->object == NULL ? 0 : memory_object_id(area->object),
        .object_offset = area->object_offset,
    };
}

bool address_space_find(address_space_t *space, uintptr_t address, vm_area_info_t *info)
{
    const spinlock_hold_t hold = safe_list_lock(&space->areas);
    const vm_area_t *const area = area_of_node(safe_list_find(&space->areas, address));
    const bool is_found = area != NULL && !area->is_pending;
    if (is_found) {
        *info = describe(area);
    }
    safe_list_unlock(&space->areas, hold);
    return is_found;
}

void address_space_visit(address_space_t *space, bool (*visit)(const vm_area_info_t *area, void *argument),
                         void *argument)
{
    uintptr_t address = USER_SPACE_START;
    bool goes_on = true;
    vm_change_begin(space);
    while (goes_on) {
        vm_area_info_t info = {0};
        bool is_shown = false;
        const spinlock_hold_t hold = safe_list_lock(&space->areas);
        const vm_area_t *const area = area_of_node(safe_list_find_from(&space->areas, address));
        if (area != NULL) {
            info = describe(area);
            is_shown = !area->is_pending;
        }
        safe_list_unlock(&space->areas, hold);
        goes_on = area != NULL && (!is_shown || visit(&info, argument));
        address = info.end;
    }
    vm_change_end(space);
}

void address_space_stats(address_space_t *space, address_space_stats_t *stats)
{
    const spinlock_hold_t hold = safe_list_lock(&space->areas);
    *stats = space->stats;
    stats->areas = space->areas.count;
    safe_list_unlock(&space->areas, hold);
    stats->pages_resident = stats->pages_private + stats->pages_shared;
    stats->faults = 0;
#define ADD(field) stats->faults += stats->field;
    VM_FAULT_FIELDS(ADD)
#undef ADD
}
