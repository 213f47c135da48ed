/*
 * The kernel's window: addresses at which the system shows pages of the arena a second time. So mappings share memory
 * with the direct map, and touching what is not mapped ends the process, as it should.
 */
#include "arch/kernel_window.h"

#include <stdbool.h>
#include <sys/mman.h>

#include "arena.h"
#include "base/check.h"
#include "host.h"

#define WINDOW_BYTES GIB(1)

/* For each page of the window: where it leads, plus 1; 0 when nowhere. */
static uint64_t window_pages[WINDOW_BYTES / PAGE_SIZE];
static char *window_base;

/* Address space that nothing may touch. */
static void reserve_window(void)
{
    if (window_base == NULL) {
        void *const base = mmap(NULL, WINDOW_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        CHECK(base != MAP_FAILED, "host refuses the kernel's window");
        window_base = base;
    }
}

kernel_window_t kernel_window(void)
{
    reserve_window();
    return (kernel_window_t){(uintptr_t)window_base, WINDOW_BYTES};
}

/* The page's index; the address lies in the window. */
static size_t index_of(uintptr_t address)
{
    return (address - (uintptr_t)window_base) >> PAGE_SHIFT;
}

static void check_range(uintptr_t address, uint64_t size)
{
    reserve_window();
    const uint64_t offset = address - (uintptr_t)window_base;
    CHECK(((address | size) & PAGE_OFFSET_MASK) == 0 && offset <= WINDOW_BYTES && size <= WINDOW_BYTES - offset,
          "range outside of the kernel's window");
}

status_t kernel_window_map(uintptr_t address, physical_address_t page, page_access_t access,
                           machine_page_source_t source, void *context)
{
    const int rights = PROT_READ | ((access & PAGE_ACCESS_WRITE) != 0 ? PROT_WRITE : 0);

    (void)source;
    (void)context;
    check_range(address, PAGE_SIZE);
    CHECK(window_pages[index_of(address)] == 0, "kernel page mapped twice");
    if (!host_map_arena((void *)address, page, PAGE_SIZE, rights)) {
        return STATUS_NO_MEMORY;
    }
    window_pages[index_of(address)] = page.value + 1;
    return STATUS_OK;
}

void kernel_window_unmap(uintptr_t address, uint64_t size)
{
    check_range(address, size);
    void *const place = (void *)address;
    CHECK(size == 0 ||
              mmap(place, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == place,
          "host refuses the kernel's window");
    for (size_t index = index_of(address); index < index_of(address) + (size >> PAGE_SHIFT); index++) {
        window_pages[index] = 0;
    }
}

void kernel_window_trim(uintptr_t address, uint64_t size, void (*release)(void *page, void *context), void *context)
{
    /* The system has the tables. */
    check_range(address, size);
    (void)release;
    (void)context;
}

bool kernel_window_find(uintptr_t address, physical_address_t *physical)
{
    const uintptr_t start = align_down(address, PAGE_SIZE);

    check_range(start, PAGE_SIZE);
    const uint64_t found = window_pages[index_of(start)];
    if (found == 0) {
        return false;
    }
    *physical = physical_address(found - 1 + (address - start));
    return true;
}
