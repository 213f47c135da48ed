/*
 * A machine word as a set of 64 things: find one, find a run, count them, in constant time.
 *
 * Every allocator here stands on these few functions. Bit 0 is the first thing. The compiler turns each scan into the
 * machine's own instruction where it has one (x86 BSF/BSR or TZCNT/LZCNT, AArch64 RBIT+CLZ, RISC-V Zbb CTZ/CLZ), and
 * into a multiplication by a de Bruijn sequence and a table where it has none (Leiserson, Prokop, Randall 1998,
 * "Using de Bruijn sequences to index a 1 in a computer word").
 */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

#define BITS_PER_WORD       64u
#define BITS_PER_WORD_SHIFT 6
#define BITS_NONE           BITS_PER_WORD /* "no such bit", as an index */

/* A word with the lowest `count` bits set; `count` from 0 to 64. */
static ALWAYS_INLINE uint64_t bits_low(unsigned count)
{
    return count >= BITS_PER_WORD ? ~UINT64_C(0) : (UINT64_C(1) << count) - 1;
}

/* A word with `count` bits set from bit `first` up; first + count is at most 64. */
static ALWAYS_INLINE uint64_t bits_range(unsigned first, unsigned count)
{
    return first >= BITS_PER_WORD ? 0 : bits_low(count) << first;
}

#if defined(__riscv) && !defined(__riscv_zbb)
/*
 * Where the lowest set bit is, by the six bits that a de Bruijn sequence times that bit has at the top. The
 * compiler's own is the same, but for one instruction: it makes the table's address before it adds the index.
 */
static const uint8_t bits_first_set_table[BITS_PER_WORD] UNUSED = {
    0,  1,  2,  7,  3,  13, 8,  19, 4,  25, 14, 28, 9,  34, 20, 40, 5,  17, 26, 38, 15, 46,
    29, 48, 10, 31, 35, 54, 21, 50, 41, 57, 63, 6,  12, 18, 24, 27, 33, 39, 16, 37, 45, 47,
    30, 53, 49, 56, 62, 11, 23, 32, 36, 44, 52, 55, 61, 22, 43, 51, 60, 42, 59, 58,
};
#define BITS_DE_BRUIJN UINT64_C(0x0218a392cd3d5dbf)
#endif

/* The index of the only bit that is set. */
static ALWAYS_INLINE unsigned bit_index(uint64_t bit)
{
#if defined(__riscv) && !defined(__riscv_zbb)
    if (!__builtin_constant_p(bit)) {
        uint64_t index = (bit * BITS_DE_BRUIJN) >> 58;
        uintptr_t place;
        __asm__(".Lfirst_set%=: auipc %1, %%pcrel_hi(%2)\n\t"
                "add %1, %1, %0\n\t"
                "lbu %0, %%pcrel_lo(.Lfirst_set%=)(%1)"
                : "+r"(index), "=&r"(place)
                : "i"(bits_first_set_table));
        __builtin_assume(index < BITS_PER_WORD);
        return (unsigned)index;
    }
#endif
    return (unsigned)__builtin_ctzll(bit);
}

/* The index of the lowest set bit. `word` is not 0. */
static ALWAYS_INLINE unsigned find_first_set_nonzero(uint64_t word)
{
#if defined(__riscv) && !defined(__riscv_zbb)
    return bit_index(word & -word);
#else
    return (unsigned)__builtin_ctzll(word);
#endif
}

/* The index of the lowest set bit, or BITS_NONE. */
static ALWAYS_INLINE unsigned find_first_set(uint64_t word)
{
    return word == 0 ? BITS_NONE : find_first_set_nonzero(word);
}

/*
 * Takes the lowest set bit out of *word and stores its index; returns false, with *index unspecified, when there is
 * none. Written out for x86, where BSF says in a flag that its operand was 0, and BTR clears one bit (Intel SDM vol.
 * 2).
 */
MUST_USE static ALWAYS_INLINE bool bits_take_first(uint64_t *word, uint64_t *index)
{
#if defined(__x86_64__)
    bool is_empty;
    __asm__("bsfq %2, %1" : "=@ccz"(is_empty), "=r"(*index) : "r"(*word));
    if (UNLIKELY(is_empty)) {
        return false;
    }
    __asm__("btrq %1, %0" : "+r"(*word) : "r"(*index) : "cc");
    __builtin_assume(*index < BITS_PER_WORD);
    return true;
#else
    if (UNLIKELY(*word == 0)) {
        return false;
    }
    *index = find_first_set_nonzero(*word);
    *word &= *word - 1;
    return true;
#endif
}

/* The index of the lowest clear bit, or BITS_NONE. */
static ALWAYS_INLINE unsigned find_first_zero(uint64_t word)
{
    return find_first_set(~word);
}

/*
 * The index of the highest set bit. `word` is not 0. Written out for x86, where compilers make BSR's result into a
 * count of leading zeros and back (Intel SDM vol. 2, BSR).
 */
static ALWAYS_INLINE unsigned find_last_set_nonzero(uint64_t word)
{
#if defined(__x86_64__)
    if (!__builtin_constant_p(word)) {
        uint64_t index;
        __asm__("bsrq %1, %0" : "=r"(index) : "r"(word) : "cc");
        __builtin_assume(index < BITS_PER_WORD);
        return (unsigned)index;
    }
#endif
#if defined(__riscv) && !defined(__riscv_zbb)
    /* Every bit below the highest one set; then that one alone, which a scan from below finds. */
    if (!__builtin_constant_p(word)) {
        for (unsigned shift = 1; shift < BITS_PER_WORD; shift <<= 1) {
            word |= word >> shift;
        }
        return find_first_set_nonzero(word ^ word >> 1);
    }
#endif
    return 63u - (unsigned)__builtin_clzll(word);
}

/*
 * Whether the highest set bit takes so many steps to find that a table is worth its memory where all words are small.
 */
#if defined(__riscv) && !defined(__riscv_zbb)
#define BITS_LAST_SET_IS_SLOW 1
#else
#define BITS_LAST_SET_IS_SLOW 0
#endif

/* Whether a word with a bit pattern of its own takes no more instructions to make than to load. */
#if defined(__riscv)
#define BITS_CONSTANTS_ARE_SHORT 0
#else
#define BITS_CONSTANTS_ARE_SHORT 1
#endif

/*
 * Where the highest set bit is, as a number from 0 to 63 that counts from below or from above, as the machine finds it
 * sooner: for tables that may stand either way round. `word` is not 0. BITS_ORDER_OF is that number for a bit's index.
 */
#if defined(__aarch64__)
#define BITS_ORDER_OF(index) (BITS_PER_WORD - 1u - (index))
#else
#define BITS_ORDER_OF(index) (index)
#endif
static ALWAYS_INLINE unsigned find_last_set_order(uint64_t word)
{
#if defined(__aarch64__)
    return (unsigned)__builtin_clzll(word);
#else
    return find_last_set_nonzero(word);
#endif
}

/* The index of the highest set bit, or BITS_NONE. */
static ALWAYS_INLINE unsigned find_last_set(uint64_t word)
{
    return word == 0 ? BITS_NONE : find_last_set_nonzero(word);
}

/*
 * The word with its bits moved right, or left, by `count` modulo 64, and those that fall out put in at the other end.
 */
static ALWAYS_INLINE uint64_t bits_rotate_right(uint64_t word, uint64_t count)
{
    return word >> (count & (BITS_PER_WORD - 1)) | word << (-count & (BITS_PER_WORD - 1));
}

static ALWAYS_INLINE uint64_t bits_rotate_left(uint64_t word, uint64_t count)
{
    return word << (count & (BITS_PER_WORD - 1)) | word >> (-count & (BITS_PER_WORD - 1));
}

/*
 * index * size, below 2^32, for a size that is the least power of two above `last`: by the fewest instructions that the
 * machine has for it, some of which need only one of the two.
 */
static ALWAYS_INLINE uint64_t bits_scale(uint64_t index, uint32_t size, uint64_t last)
{
#if defined(__x86_64__)
    (void)last;
    return (uint32_t)index * size;
#elif defined(__riscv_zbb)
    (void)size;
    return bits_rotate_right(index, (uint64_t)__builtin_clzll(last));
#else
    (void)last;
    return index * size;
#endif
}

/* Whether bit `index` modulo 64 is set. */
static ALWAYS_INLINE bool bit_is_set(uint64_t word, uint64_t index)
{
    return ((word >> (index & (BITS_PER_WORD - 1))) & 1) != 0;
}

/*
 * Sets bit `index` modulo 64, if it is clear; returns false, with *word unspecified, when it was set. Written out for
 * x86, where compilers make four instructions of what BTS does in one (Intel SDM vol. 2, BTS: the register form takes
 * the index modulo 64 and leaves the old bit in the carry flag). Elsewhere a word that a flipped bit makes smaller had
 * it set, and a machine that branches on a comparison need not cut the bit out.
 */
MUST_USE static ALWAYS_INLINE bool bit_set_clear(uint64_t *word, uint64_t index)
{
#if defined(__x86_64__)
    bool was_set;
    __asm__("btsq %2, %0" : "+r"(*word), "=@ccc"(was_set) : "r"(index));
    return !was_set;
#else
    const uint64_t before = *word;
    *word ^= UINT64_C(1) << (index & (BITS_PER_WORD - 1));
    return *word > before;
#endif
}

/* How many bits are set. */
static ALWAYS_INLINE unsigned count_set(uint64_t word)
{
    return (unsigned)__builtin_popcountll(word);
}

/*
 * The bits at which a run of `count` (1 to 64) set bits starts: each step ANDs the word with itself shifted by the
 * length known so far, so a run of n takes about log2(n) steps (Warren, Hacker's Delight, 2nd ed., section 6-2).
 */
static inline uint64_t find_run_starts(uint64_t word, unsigned count)
{
    unsigned known = 1;
    while (known < count) {
        const unsigned step = known < count - known ? known : count - known;
        word &= word >> step;
        known += step;
    }
    return word;
}

/* A word with a bit at every multiple of `alignment`, a power of two from 1 to 64: the mask for aligned runs. */
static inline uint64_t bits_every(unsigned alignment)
{
    uint64_t mask = 1;
    for (unsigned span = alignment; span < BITS_PER_WORD; span <<= 1) {
        mask |= mask << span;
    }
    return mask;
}

/*
 * The same for clear bits, without a loop: in `used` the first field of n bits that are all clear, if any, is the one
 * that ends with the lowest bit set in the result. `starts` and `ends` have the first and the last bits of all fields
 * of n bits, or are 0, and nothing is found. Taking 1 from each field reaches the last bit of a field that was 0, and
 * what it borrows spoils only the fields above (Warren, Hacker's Delight, 2nd ed., section 6-1, "Find First 0-Byte").
 */
static ALWAYS_INLINE uint64_t bits_clear_field_ends(uint64_t used, uint64_t starts, uint64_t ends)
{
    return (used - starts) & ~used & ends;
}

/* The start of the first run of `count` set bits that begins at a multiple of `alignment`, or BITS_NONE. */
static inline unsigned find_first_run(uint64_t word, unsigned count, unsigned alignment)
{
    return find_first_set(find_run_starts(word, count) & bits_every(alignment));
}

#endif
