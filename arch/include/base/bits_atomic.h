/*
 * Bits of a word that others change too: one atomic operation each, in as few instructions as the machine has for it.
 *
 * What sets bits acquires, and what clears them releases, or more. Written out for x86, where compilers compute the
 * index modulo 64 once more (Intel SDM vol. 2, LOCK BTS and BTR), and for machines that load a word and store it
 * unless somebody else has, where what is asked of the word can be asked in between, of what was loaded (Arm ARM,
 * B2.9; RISC-V Unprivileged ISA, "Eventual Success of Store-Conditional Instructions": no more than 16 instructions of
 * the base set). Race detectors see what the compiler makes.
 */
#ifndef BASE_BITS_ATOMIC_H
#define BASE_BITS_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bits.h"
#include "base/compiler.h"

/*
 * Sets, or clears, bit `index`, which is below 64; returns whether it was set before. Sequentially consistent.
 */
#if defined(__x86_64__) && !__has_feature(thread_sanitizer)
#define BITS_ATOMIC_TEST_IS_FREE 1
static ALWAYS_INLINE bool bit_atomic_test_and_set(_Atomic uint64_t *word, uint64_t index)
{
    bool was_set;
    __asm__ volatile("lock btsq %2, %0" : "+m"(*word), "=@ccc"(was_set) : "r"(index) : "memory");
    return was_set;
}

static ALWAYS_INLINE bool bit_atomic_test_and_clear(_Atomic uint64_t *word, uint64_t index)
{
    bool was_set;
    __asm__ volatile("lock btrq %2, %0" : "+m"(*word), "=@ccc"(was_set) : "r"(index) : "memory");
    return was_set;
}
#else
#define BITS_ATOMIC_TEST_IS_FREE 0 /* the old word comes back, and can be asked together with another one */
static ALWAYS_INLINE bool bit_atomic_test_and_set(_Atomic uint64_t *word, uint64_t index)
{
    const uint64_t bit = UINT64_C(1) << (index & (BITS_PER_WORD - 1));
    return (atomic_fetch_or(word, bit) & bit) != 0;
}

static ALWAYS_INLINE bool bit_atomic_test_and_clear(_Atomic uint64_t *word, uint64_t index)
{
    const uint64_t bit = UINT64_C(1) << (index & (BITS_PER_WORD - 1));
    return (atomic_fetch_and(word, ~bit) & bit) != 0;
}
#endif

/*
 * Sets the lowest clear bit, and stores its index. False, and nothing changed, when there is none, or, on some
 * machines, when somebody set it at this very moment.
 */
MUST_USE static ALWAYS_INLINE bool bits_atomic_set_first_clear(_Atomic uint64_t *word, uint64_t *index)
{
#if defined(__aarch64__)
    /* Adding 1 turns all below the lowest clear bit to 0, and that one to 1. A full word is stored as it was. */
    uint64_t above;
    uint64_t changed;
    uint32_t is_lost;
    __asm__ volatile("1: ldaxr %1, %3\n\t"
                     "add %0, %1, #1\n\t"
                     "orr %1, %1, %0\n\t"
                     "stxr %w2, %1, %3\n\t"
                     "cbnz %w2, 1b"
                     : "=&r"(above), "=&r"(changed), "=&r"(is_lost), "+Q"(*word)
                     :
                     : "memory");
    if (UNLIKELY(above == 0)) {
        return false;
    }
    *index = find_first_set_nonzero(above);
    return true;
#else
    const uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);
    if (BITS_ATOMIC_TEST_IS_FREE) {
        uint64_t clear = ~seen;
        return LIKELY(bits_take_first(&clear, index)) && LIKELY(!bit_atomic_test_and_set(word, *index));
    }
    /* Of a full word that is no bit at all, which nobody can have set, nor we. */
    const uint64_t bit = (seen + 1) & ~seen;
    if (UNLIKELY((bit & ~atomic_fetch_or(word, bit)) == 0)) {
        return false;
    }
    *index = bit_index(bit);
    return true;
#endif
}

/* Clears the bits of `mask`; returns the word as it was. */
static ALWAYS_INLINE uint64_t bits_atomic_clear(_Atomic uint64_t *word, uint64_t mask)
{
#if defined(__aarch64__)
    uint64_t before;
    uint64_t changed;
    uint32_t is_lost;
    __asm__ volatile("1: ldxr %0, %3\n\t"
                     "bic %1, %0, %4\n\t"
                     "stlxr %w2, %1, %3\n\t"
                     "cbnz %w2, 1b"
                     : "=&r"(before), "=&r"(changed), "=&r"(is_lost), "+Q"(*word)
                     : "r"(mask)
                     : "memory");
    return before;
#else
    return atomic_fetch_and(word, ~mask);
#endif
}

/*
 * Clears the bits of `mask` if all of them are set, and none of them in `barred`. False, with nothing changed, when
 * they are not, or, on some machines, when the word changed meanwhile. Sequentially consistent.
 */
MUST_USE static ALWAYS_INLINE bool bits_atomic_clear_all(_Atomic uint64_t *word, uint64_t mask, uint64_t barred)
{
    /* What is left of the word: it has bits of the mask where the word had none. */
#if defined(__aarch64__)
    uint64_t rest;
    uint64_t trouble;
    __asm__ goto("1: ldaxr %0, %2\n\t"
                 "eor %0, %0, %3\n\t"
                 "orr %1, %0, %4\n\t"
                 "tst %1, %3\n\t"
                 "b.ne %l[is_wrong]\n\t"
                 "stlxr %w1, %0, %2\n\t"
                 "cbnz %w1, 1b"
                 : "=&r"(rest), "=&r"(trouble), "+Q"(*word)
                 : "r"(mask), "r"(barred)
                 : "cc", "memory"
                 : is_wrong);
    return true;
is_wrong:
    return false;
#elif defined(__riscv_atomic)
    uint64_t rest;
    uint64_t trouble;
    __asm__ goto("1: lr.d %0, %2\n\t"
                 "xor %0, %0, %3\n\t"
                 "or %1, %0, %4\n\t"
                 "and %1, %1, %3\n\t"
                 "bnez %1, %l[is_wrong]\n\t"
                 "sc.d.aqrl %1, %0, %2\n\t"
                 "bnez %1, 1b"
                 : "=&r"(rest), "=&r"(trouble), "+A"(*word)
                 : "r"(mask), "r"(barred)
                 : "memory"
                 : is_wrong);
    return true;
is_wrong:
    return false;
#else
    uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);
    const uint64_t rest = seen ^ mask;
    return LIKELY(((rest | barred) & mask) == 0) && LIKELY(atomic_compare_exchange_strong(word, &seen, rest));
#endif
}

/* Makes the word `wanted` if it is still as it was seen; otherwise false. Sequentially consistent. */
MUST_USE static ALWAYS_INLINE bool bits_atomic_replace(_Atomic uint64_t *word, uint64_t seen, uint64_t wanted)
{
#if defined(__riscv_atomic)
    /* The compiler leaves it to what comes next to wait for the store. */
    uint64_t found;
    __asm__ goto("1: lr.d %0, %1\n\t"
                 "bne %0, %2, %l[is_wrong]\n\t"
                 "sc.d.aqrl %0, %3, %1\n\t"
                 "bnez %0, 1b"
                 : "=&r"(found), "+A"(*word)
                 : "r"(seen), "r"(wanted)
                 : "memory"
                 : is_wrong);
    return true;
is_wrong:
    return false;
#else
    return LIKELY(atomic_compare_exchange_strong(word, &seen, wanted));
#endif
}

#endif
