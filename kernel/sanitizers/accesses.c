/*
 * What the compiler calls before every access to memory, in code built with -fsanitize=kernel-address (LLVM,
 * AddressSanitizer.cpp: the functions' names and arguments are its interface).
 *
 * An access that the shadow forbids is told once with address, size and caller, and then fails the check named for
 * it. Code below the allocators' interface (mm/slab, mm/kmalloc, mm/pages, arch) is not built so: it works on closed
 * memory.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/inline.h"
#include "base/check.h"
#include "base/log.h"
#include "kernel/symbols.h"
#include "shadow.h"

#define CALLER ((uintptr_t)__builtin_return_address(0))

static COLD void tell(uintptr_t address, size_t size, bool is_write, shadow_kind_t kind, uintptr_t caller)
{
    const symbol_table_t table = symbols_of_image();
    const char *name = "?";
    uint64_t offset = caller;
    (void)symbol_find(&table, caller, &name, &offset);
    log_line("kasan: %s of %zu bytes at %p by %s+0x%llx, shadow %02x", is_write ? "write" : "read", size,
             (void *)address, name, (unsigned long long)offset, (unsigned)kind);
    CHECK(kind != SHADOW_FREED, "kasan: use after free");
    CHECK(kind != SHADOW_FREED_PAGE, "kasan: use of a free page");
    CHECK(kind != SHADOW_BEYOND, "kasan: access out of bounds");
}

static ALWAYS_INLINE void access(uintptr_t address, size_t size, bool is_write, uintptr_t caller)
{
    shadow_kind_t kind;
    if (UNLIKELY(!shadow_allows(address, size, &kind))) {
        tell(address, size, is_write, kind, caller);
    }
}

/* Names that begin with two underscores are the compiler's own, and these functions are its. */
#define ACCESS_FUNCTIONS(size)                      \
    void __asan_load##size##_noabort(uintptr_t);    \
    void __asan_store##size##_noabort(uintptr_t);   \
    void __asan_load##size##_noabort(uintptr_t at)  \
    {                                               \
        access(at, size, false, CALLER);            \
    }                                               \
    void __asan_store##size##_noabort(uintptr_t at) \
    {                                               \
        access(at, size, true, CALLER);             \
    }

ACCESS_FUNCTIONS(1)
ACCESS_FUNCTIONS(2)
ACCESS_FUNCTIONS(4)
ACCESS_FUNCTIONS(8)
ACCESS_FUNCTIONS(16)

void __asan_loadN_noabort(uintptr_t address, size_t size);
void __asan_storeN_noabort(uintptr_t address, size_t size);
void *__asan_memcpy(void *destination, const void *source, size_t size);
void *__asan_memmove(void *destination, const void *source, size_t size);
void *__asan_memset(void *destination, int value, size_t size);
void __asan_handle_no_return(void);

void __asan_loadN_noabort(uintptr_t address, size_t size)
{
    access(address, size, false, CALLER);
}

void __asan_storeN_noabort(uintptr_t address, size_t size)
{
    access(address, size, true, CALLER);
}

void *__asan_memcpy(void *destination, const void *source, size_t size)
{
    access((uintptr_t)source, size, false, CALLER);
    access((uintptr_t)destination, size, true, CALLER);
    return __builtin_memcpy(destination, source, size);
}

void *__asan_memmove(void *destination, const void *source, size_t size)
{
    access((uintptr_t)source, size, false, CALLER);
    access((uintptr_t)destination, size, true, CALLER);
    return __builtin_memmove(destination, source, size);
}

void *__asan_memset(void *destination, int value, size_t size)
{
    access((uintptr_t)destination, size, true, CALLER);
    return __builtin_memset(destination, value, size);
}

/* Stacks are not instrumented, so there is nothing to open before a function that does not return. */
void __asan_handle_no_return(void)
{
}
