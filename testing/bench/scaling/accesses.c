/*
 * What the compiler calls for each access of code that it compiles as for ThreadSanitizer (LLVM,
 * compiler-rt/include/sanitizer/ tsan_interface_atomic.h; llvm/lib/Transforms/Instrumentation/ThreadSanitizer.cpp):
 * the access is counted, and other CPUs may go on before it is made. Atomic operations are made here, all others by
 * the code itself after the call.
 *
 * A lock is known by what base/spinlock.h does: it exchanges a word of 32 bits for 1, and nothing else in mm does so.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "testing/bench/scaling/simulator.h"

void __tsan_init(void);
void __tsan_init(void)
{
}

#define PLAIN(bytes)                                               \
    void __tsan_read##bytes(void *address);                        \
    void __tsan_read##bytes(void *address)                         \
    {                                                              \
        simulator_access((uintptr_t)address, bytes, ACCESS_READ);  \
    }                                                              \
    void __tsan_write##bytes(void *address);                       \
    void __tsan_write##bytes(void *address)                        \
    {                                                              \
        simulator_access((uintptr_t)address, bytes, ACCESS_WRITE); \
    }                                                              \
    void __tsan_unaligned_read##bytes(void *address);              \
    void __tsan_unaligned_read##bytes(void *address)               \
    {                                                              \
        simulator_access((uintptr_t)address, bytes, ACCESS_READ);  \
    }                                                              \
    void __tsan_unaligned_write##bytes(void *address);             \
    void __tsan_unaligned_write##bytes(void *address)              \
    {                                                              \
        simulator_access((uintptr_t)address, bytes, ACCESS_WRITE); \
    }

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void *__tsan_memset(void *to, int value, size_t size);
void *__tsan_memset(void *to, int value, size_t size)
{
    simulator_access((uintptr_t)to, size, ACCESS_WRITE);
    return memset(to, value, size);
}

void *__tsan_memcpy(void *to, const void *from, size_t size);
void *__tsan_memcpy(void *to, const void *from, size_t size)
{
    simulator_access((uintptr_t)from, size, ACCESS_READ);
    simulator_access((uintptr_t)to, size, ACCESS_WRITE);
    return memcpy(to, from, size);
}

void *__tsan_memmove(void *to, const void *from, size_t size);
void *__tsan_memmove(void *to, const void *from, size_t size)
{
    simulator_access((uintptr_t)from, size, ACCESS_READ);
    simulator_access((uintptr_t)to, size, ACCESS_WRITE);
    return memmove(to, from, size);
}

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
    (void)order; /* one thread sees its own accesses in order */
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
    (void)order;
}

#define FETCH(bits, name, operation)                                                                          \
    uint##bits##_t __tsan_atomic##bits##_fetch_##name(uint##bits##_t *word, uint##bits##_t value, int order); \
    uint##bits##_t __tsan_atomic##bits##_fetch_##name(uint##bits##_t *word, uint##bits##_t value, int order)  \
    {                                                                                                         \
        (void)order;                                                                                          \
        simulator_access((uintptr_t)word, bits / 8, ACCESS_READ_MODIFY_WRITE);                                \
        const uint##bits##_t before = *word;                                                                  \
        *word = (uint##bits##_t)(operation);                                                                  \
        return before;                                                                                        \
    }

#define ATOMIC(bits)                                                                                               \
    uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t *word, int order);                              \
    uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t *word, int order)                               \
    {                                                                                                              \
        (void)order;                                                                                               \
        do {                                                                                                       \
            simulator_access((uintptr_t)word, bits / 8, ACCESS_READ);                                              \
        } while (bits == 32 && *word != 0 && simulator_spins_on(word));                                            \
        return *word;                                                                                              \
    }                                                                                                              \
    void __tsan_atomic##bits##_store(uint##bits##_t *word, uint##bits##_t value, int order);                       \
    void __tsan_atomic##bits##_store(uint##bits##_t *word, uint##bits##_t value, int order)                        \
    {                                                                                                              \
        (void)order;                                                                                               \
        simulator_access((uintptr_t)word, bits / 8, ACCESS_WRITE);                                                 \
        *word = value;                                                                                             \
        if (bits == 32 && value == 0) {                                                                            \
            simulator_changed(word);                                                                               \
        }                                                                                                          \
    }                                                                                                              \
    uint##bits##_t __tsan_atomic##bits##_exchange(uint##bits##_t *word, uint##bits##_t value, int order);          \
    uint##bits##_t __tsan_atomic##bits##_exchange(uint##bits##_t *word, uint##bits##_t value, int order)           \
    {                                                                                                              \
        (void)order;                                                                                               \
        simulator_access((uintptr_t)word, bits / 8, ACCESS_READ_MODIFY_WRITE);                                     \
        const uint##bits##_t before = *word;                                                                       \
        *word = value;                                                                                             \
        if (bits == 32 && value == 1) {                                                                            \
            simulator_tried_lock(before != 0);                                                                     \
        }                                                                                                          \
        return before;                                                                                             \
    }                                                                                                              \
    int __tsan_atomic##bits##_compare_exchange_strong(uint##bits##_t *word, uint##bits##_t *expected,              \
                                                      uint##bits##_t value, int order, int failure_order);         \
    int __tsan_atomic##bits##_compare_exchange_strong(uint##bits##_t *word, uint##bits##_t *expected,              \
                                                      uint##bits##_t value, int order, int failure_order)          \
    {                                                                                                              \
        (void)order;                                                                                               \
        (void)failure_order;                                                                                       \
        simulator_access((uintptr_t)word, bits / 8, ACCESS_READ_MODIFY_WRITE);                                     \
        const uint##bits##_t before = *word;                                                                       \
        if (before != *expected) {                                                                                 \
            *expected = before;                                                                                    \
            return 0;                                                                                              \
        }                                                                                                          \
        *word = value;                                                                                             \
        return 1;                                                                                                  \
    }                                                                                                              \
    int __tsan_atomic##bits##_compare_exchange_weak(uint##bits##_t *word, uint##bits##_t *expected,                \
                                                    uint##bits##_t value, int order, int failure_order);           \
    int __tsan_atomic##bits##_compare_exchange_weak(uint##bits##_t *word, uint##bits##_t *expected,                \
                                                    uint##bits##_t value, int order, int failure_order)            \
    {                                                                                                              \
        return __tsan_atomic##bits##_compare_exchange_strong(word, expected, value, order, failure_order);         \
    }                                                                                                              \
    uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(uint##bits##_t *word, uint##bits##_t expected,       \
                                                              uint##bits##_t value, int order, int failure_order); \
    uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(uint##bits##_t *word, uint##bits##_t expected,       \
                                                              uint##bits##_t value, int order, int failure_order)  \
    {                                                                                                              \
        (void)__tsan_atomic##bits##_compare_exchange_strong(word, &expected, value, order, failure_order);         \
        return expected;                                                                                           \
    }                                                                                                              \
    FETCH(bits, add, before + value)                                                                               \
    FETCH(bits, sub, before - value)                                                                               \
    FETCH(bits, and, before &value)                                                                                \
    FETCH(bits, or, before | value)                                                                                \
    FETCH(bits, xor, before ^ value)                                                                               \
    FETCH(bits, nand, ~(before & value))

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)
