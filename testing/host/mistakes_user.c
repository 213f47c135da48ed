/*
 * What callers get wrong with user page tables and the kernel's window.
 */
#include "arch/kernel_window.h"
#include "arch/page_backend.h"
#include "arch/user_page_table.h"
#include "host.h"
#include "testing/host/mistakes.h"

#define ADDRESS  GIB(1)
#define PHYSICAL GIB(7)

static user_page_table_t table;

static void *take_page(void *context)
{
    (void)context;
    return pages_alloc(1);
}

static void release_page(void *page, void *context)
{
    (void)context;
    pages_free(page, 1);
}

static void map(uintptr_t address, uint64_t physical, uint64_t size, page_access_t access)
{
    mistake_needs(user_page_table_map(&table, address, physical_address(physical), size, access, take_page, NULL) ==
                      STATUS_OK,
                  "mapping");
}

static void create(void)
{
    mistake_needs(user_page_table_create(&table, take_page, NULL) == STATUS_OK, "a table");
}

static void mapping_outside_of_user_space(void)
{
    create();
    map(USER_SPACE_END, PHYSICAL, PAGE_SIZE, PAGE_ACCESS_WRITE);
}

static void mapping_to_the_middle_of_a_page(void)
{
    create();
    map(ADDRESS, PHYSICAL + 8, PAGE_SIZE, PAGE_ACCESS_WRITE);
}

static void mapping_device_registers_for_a_user(void)
{
    create();
    map(ADDRESS, PHYSICAL, PAGE_SIZE, PAGE_ACCESS_DEVICE);
}

static void mapping_a_user_page_twice(void)
{
    create();
    map(ADDRESS, PHYSICAL, PAGE_SIZE, PAGE_ACCESS_WRITE);
    map(ADDRESS, PHYSICAL, PAGE_SIZE, PAGE_ACCESS_WRITE);
}

static void protecting_a_part_of_a_large_page(void)
{
    create();
    map(ADDRESS, PHYSICAL, USER_LARGE_PAGE_SIZE, PAGE_ACCESS_WRITE);
    user_page_table_protect(&table, ADDRESS, PAGE_SIZE, PAGE_ACCESS_READ);
}

static void unmapping_into_no_room(void)
{
    uintptr_t address = ADDRESS;
    user_leaf_t leaf;

    create();
    (void)user_page_table_unmap(&table, &address, ADDRESS + PAGE_SIZE, &leaf, 0);
}

static void destroying_an_active_page_table(void)
{
    create();
    user_page_table_activate(&table);
    user_page_table_destroy(&table, release_page, NULL);
}

static void accessing_across_pages(void)
{
    uint64_t value;

    (void)host_user_access(ADDRESS + PAGE_SIZE - 1, PAGE_ACCESS_READ, 2, &value);
}

static void mapping_outside_of_the_window(void)
{
    const kernel_window_t window = kernel_window();

    mistake_needs(kernel_window_map(window.start + window.size, physical_address(0), PAGE_ACCESS_READ, take_page,
                                    NULL) == STATUS_OK,
                  "mapping");
}

static void mapping_a_kernel_page_twice(void)
{
    const kernel_window_t window = kernel_window();

    for (unsigned time = 0; time < 2; time++) {
        mistake_needs(kernel_window_map(window.start, physical_address(MIB(1)), PAGE_ACCESS_READ, take_page, NULL) ==
                          STATUS_OK,
                      "mapping");
    }
}

const mistake_t user_mistakes[] = {
    MISTAKE(mapping_outside_of_user_space, "range outside of user space"),
    MISTAKE(mapping_to_the_middle_of_a_page, "physical address inside a page"),
    MISTAKE(mapping_device_registers_for_a_user, "rights that no user page has"),
    MISTAKE(mapping_a_user_page_twice, "user page mapped twice"),
    MISTAKE(protecting_a_part_of_a_large_page, "large page reaches out of the range"),
    MISTAKE(unmapping_into_no_room, "no room for what is unmapped"),
    MISTAKE(destroying_an_active_page_table, "page table destroyed while it is active"),
    MISTAKE(accessing_across_pages, "user access across pages"),
    MISTAKE(mapping_outside_of_the_window, "range outside of the kernel's window"),
    MISTAKE(mapping_a_kernel_page_twice, "kernel page mapped twice"),
    MISTAKES_END,
};
