/*
 * Fields that one CPU writes and others may look at: relaxed atomic loads and stores (C17 5.1.2.4), which cost what
 * plain ones do.
 *
 * They say "this is shared" to the reader and to race detectors, and keep the compiler from tearing or inventing
 * accesses. They order nothing: where order matters, the code uses <stdatomic.h> and says why.
 */
#ifndef BASE_RELAXED_H
#define BASE_RELAXED_H

#define RELAXED_LOAD(pointer)         __atomic_load_n((pointer), __ATOMIC_RELAXED)
#define RELAXED_STORE(pointer, value) __atomic_store_n((pointer), (value), __ATOMIC_RELAXED)

/* Adds to a counter that only the calling context writes: no locked instruction. */
#define RELAXED_ADD(pointer, value) RELAXED_STORE((pointer), RELAXED_LOAD(pointer) + (value))

/*
 * Whether a sequentially consistent read-modify-write keeps all that comes before it in order with all that comes after:
 * x86's LOCK does (Intel SDM vol. 3, 9.2.3.9), and RISC-V's AMO.aqrl (RVWMO, rules 5 to 7). AArch64's LDAXR and STLXR let
 * later accesses in between. Where it does, a load or a store after one may as well be a relaxed one.
 */
#if defined(__x86_64__) || defined(__riscv)
#define RMW_IS_A_FENCE 1
#else
#define RMW_IS_A_FENCE 0
#endif

/*
 * A word of eight bytes, and in the field before or after it the counter of its changes: loaded together, and stored
 * together with the counter one higher, by one instruction each where the machine has such (AArch64 LDP and STP; each
 * half is a single access: Arm ARM, B2.2.1). Only the caller writes the two. `count` is for these two macros alone.
 */
#if defined(__aarch64__)
#define RELAXED_LOAD_COUNTED(object, word_field, counter_field, word, count)                                       \
    do {                                                                                                           \
        if (__builtin_offsetof(__typeof__(*(object)), word_field) <                                                \
            __builtin_offsetof(__typeof__(*(object)), counter_field)) {                                            \
            __asm__("ldp %0, %1, [%2, %3]"                                                                         \
                    : "=&r"(word), "=&r"(count)                                                                    \
                    : "r"(object), "i"(__builtin_offsetof(__typeof__(*(object)), word_field)), "m"(*(object)));    \
        } else {                                                                                                   \
            __asm__("ldp %1, %0, [%2, %3]"                                                                         \
                    : "=&r"(word), "=&r"(count)                                                                    \
                    : "r"(object), "i"(__builtin_offsetof(__typeof__(*(object)), counter_field)), "m"(*(object))); \
        }                                                                                                          \
    } while (0)
#define RELAXED_STORE_COUNTED(object, word_field, counter_field, word, count)         \
    do {                                                                              \
        if (__builtin_offsetof(__typeof__(*(object)), word_field) <                   \
            __builtin_offsetof(__typeof__(*(object)), counter_field)) {               \
            __asm__("stp %1, %2, [%3, %4]"                                            \
                    : "+m"(*(object))                                                 \
                    : "r"(word), "r"((count) + 1), "r"(object),                       \
                      "i"(__builtin_offsetof(__typeof__(*(object)), word_field)));    \
        } else {                                                                      \
            __asm__("stp %2, %1, [%3, %4]"                                            \
                    : "+m"(*(object))                                                 \
                    : "r"(word), "r"((count) + 1), "r"(object),                       \
                      "i"(__builtin_offsetof(__typeof__(*(object)), counter_field))); \
        }                                                                             \
    } while (0)
#else
#define RELAXED_LOAD_COUNTED(object, word_field, counter_field, word, count) \
    do {                                                                     \
        (word) = (object)->word_field;                                       \
        (count) = 0;                                                         \
    } while (0)
#define RELAXED_STORE_COUNTED(object, word_field, counter_field, word, count) \
    do {                                                                      \
        (void)(count);                                                        \
        RELAXED_STORE(&(object)->word_field, (word));                         \
        RELAXED_ADD(&(object)->counter_field, 1);                             \
    } while (0)
#endif

#endif
