#include "shadow.h"

#include "arch/inline.h"
#include "arch/page_backend.h"
#include "base/log.h"
#include "base/units.h"
#include "mm/pages.h"

/* How far from the lowest usable memory the shadow reaches: it is made as a whole, at boot. */
#define WATCHED_BYTES_MAX GIB(1)

/* For physical address `a`, at table[a / SHADOW_GRANULE - first]; NULL when there is none. */
static uint8_t *table;
static uint64_t table_first;
static uint64_t table_bytes;

/* The shadow of an address, or NULL when it has none. */
static uint8_t *shadow_of(uintptr_t address)
{
    uint8_t *const bytes = __atomic_load_n(&table, __ATOMIC_ACQUIRE);
    if (bytes == NULL || !direct_map_contains((const void *)address)) {
        return NULL;
    }
    const uint64_t index = pointer_to_physical((const void *)address).value / SHADOW_GRANULE - table_first;
    return index < table_bytes ? &bytes[index] : NULL;
}

/* Writes the shadow of [start, start + size), as far as there is one; it begins with the first byte or not at all. */
static void fill(const void *start, size_t size, uint8_t value)
{
    uint8_t *const bytes = shadow_of((uintptr_t)start);
    if (bytes == NULL) {
        return;
    }
    const uint64_t room = (uint64_t)(table + table_bytes - bytes);
    const uint64_t wanted = size / SHADOW_GRANULE;
    __builtin_memset(bytes, value, wanted < room ? wanted : room);
}

void shadow_open(const void *start, size_t size, size_t capacity)
{
    const size_t whole = align_down(size, SHADOW_GRANULE);
    fill(start, whole, SHADOW_OPEN);
    size_t done = whole;
    if (size != whole) {
        fill((const char *)start + whole, SHADOW_GRANULE, (uint8_t)(size - whole));
        done += SHADOW_GRANULE;
    }
    fill((const char *)start + done, capacity - done, SHADOW_BEYOND);
}

void shadow_close(const void *start, size_t size, shadow_kind_t kind)
{
    fill(start, size, (uint8_t)kind);
}

bool shadow_allows(uintptr_t address, size_t size, shadow_kind_t *kind)
{
    const uintptr_t end = address + size;
    for (uintptr_t at = align_down(address, SHADOW_GRANULE); at < end; at += SHADOW_GRANULE) {
        const uint8_t *const byte = shadow_of(at);
        const uint8_t value = byte == NULL ? SHADOW_OPEN : __atomic_load_n(byte, __ATOMIC_RELAXED);
        if (UNLIKELY(value != SHADOW_OPEN && (value >= SHADOW_GRANULE || end > at + value))) {
            *kind = value >= SHADOW_GRANULE ? (shadow_kind_t)value : SHADOW_BEYOND;
            return false;
        }
    }
    return true;
}

void shadow_start(const memory_map_t *map)
{
    const memory_region_t *const lowest = memory_map_find_usable(map, physical_address(0));
    if (lowest == NULL) {
        return;
    }
    const physical_address_t first = physical_address(align_up(lowest->base.value, PAGE_SIZE));
    const uint64_t map_end = align_down(memory_map_usable_end(map).value, PAGE_SIZE);
    const bool is_too_much = map_end - first.value > WATCHED_BYTES_MAX;
    const physical_address_t end = physical_address(is_too_much ? first.value + WATCHED_BYTES_MAX : map_end);
    const uint64_t bytes = (end.value - first.value) / SHADOW_GRANULE;
    uint8_t *const fresh = pages_alloc_with(&(pages_request_t){.count = pages_for_bytes(bytes), .is_zeroed = true});
    if (fresh == NULL) {
        log_line("kasan: no %llu MiB in a row for the shadow; accesses are not checked",
                 (unsigned long long)(bytes >> 20));
        return;
    }
    table_first = first.value / SHADOW_GRANULE;
    table_bytes = bytes;
    __atomic_store_n(&table, fresh, __ATOMIC_RELEASE);
    for (uint64_t at = first.value; at < end.value; at += PAGE_SIZE) {
        if (pages_state(physical_address(at)) == PAGE_STATE_FREE) {
            shadow_close(physical_to_pointer(physical_address(at)), PAGE_SIZE, SHADOW_FREED_PAGE);
        }
    }
    log_line("kasan: accesses to the memory up to 0x%llx are checked", (unsigned long long)end.value);
}

void shadow_end(void)
{
    uint8_t *const old = table;
    __atomic_store_n(&table, NULL, __ATOMIC_RELEASE);
    if (old != NULL) {
        pages_free(old, pages_for_bytes(table_bytes));
    }
}
