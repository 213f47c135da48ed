/*
 * The direct map and the words of its pages, for ports whose map starts at the only multiple of its size whose signed
 * quotient by the size is -2: then one shift and one compare tell what lies in it, and page_word() is a shift more.
 *
 * Part of port.h, which defines before: ADDRESS_DIRECT_MAP, where the map starts, and ADDRESS_DIRECT_MAP_SHIFT, the power
 * of two that is its size; constants or, on a machine that chooses at boot, variables. arch/inline.h says what the functions
 * promise.
 */
#ifndef ARCH_SHARED_DIRECT_MAP_H
#define ARCH_SHARED_DIRECT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/units.h"

static ALWAYS_INLINE bool direct_map_contains(const void *pointer)
{
    return (int64_t)(uintptr_t)pointer >> ADDRESS_DIRECT_MAP_SHIFT == -2;
}

static ALWAYS_INLINE void *physical_to_pointer(physical_address_t address)
{
    return (void *)(uintptr_t)(ADDRESS_DIRECT_MAP + address.value);
}

static ALWAYS_INLINE physical_address_t pointer_to_physical(const void *pointer)
{
    return physical_address((uint64_t)(uintptr_t)pointer - ADDRESS_DIRECT_MAP);
}

/*
 * The window of page words is where 8 * (p >> 12), on signed numbers, sends the direct map: no base is ever in a register.
 */
static ALWAYS_INLINE uint64_t *page_word(const void *pointer)
{
    if (UNLIKELY(!direct_map_contains(pointer))) {
        return NULL;
    }
    int64_t page = (int64_t)(uintptr_t)pointer >> PAGE_SHIFT;
    /* Or the compiler joins the two shifts, and masks with a constant that may be too long for one operand. */
    __asm__("" : "+r"(page));
    uint64_t *const word = (uint64_t *)(uintptr_t)(page * (int64_t)sizeof(uint64_t));
    __builtin_assume(word != NULL); /* so that callers' checks for NULL cost one branch, not two */
    return word;
}

#endif
