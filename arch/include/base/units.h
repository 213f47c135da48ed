/*
 * Units, and one type for each quantity that must not mix with another.
 *
 * Adding a page number to an address does not compile; converting between them is a function with a name.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)
#define TIB(n) ((uint64_t)(n) << 40)

#define PAGE_SHIFT       12
#define PAGE_SIZE        ((size_t)1 << PAGE_SHIFT)
#define PAGE_OFFSET_MASK (PAGE_SIZE - 1)

/* An address on the memory bus, in bytes. */
typedef struct physical_address {
    uint64_t value;
} physical_address_t;

/* A physical address divided by PAGE_SIZE. */
typedef struct page_number {
    uint64_t value;
} page_number_t;

static inline physical_address_t physical_address(uint64_t value)
{
    return (physical_address_t){value};
}

static inline page_number_t page_number(uint64_t value)
{
    return (page_number_t){value};
}

/* The page that holds `address`. */
static inline page_number_t page_of_physical(physical_address_t address)
{
    return page_number(address.value >> PAGE_SHIFT);
}

/* The first byte of `page`. */
static inline physical_address_t physical_of_page(page_number_t page)
{
    return physical_address(page.value << PAGE_SHIFT);
}

static inline bool is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/*
 * Rounds to a multiple of `alignment`, a power of two. align_up wraps to 0 past the top: callers with outside input
 * check first.
 */
static inline uint64_t align_down(uint64_t value, uint64_t alignment)
{
    return value & ~(alignment - 1);
}

static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

/* How many pages hold `bytes`. Right for every value up to SIZE_MAX. */
static inline size_t pages_for_bytes(size_t bytes)
{
    return (bytes >> PAGE_SHIFT) + ((bytes & PAGE_OFFSET_MASK) != 0);
}

#endif
