/*
 * Fields that one CPU writes and others may look at: relaxed atomic loads and stores (C17 5.1.2.4), which cost what
 * plain ones do.
 *
 * They say "this is shared" to the reader and to race detectors, and keep the compiler from tearing or inventing
 * accesses. They order nothing: where order matters, the code uses <stdatomic.h> and says why.
 */
#ifndef BASE_RELAXED_H
#define BASE_RELAXED_H

#include <stdbool.h>
#include <stdint.h>

#define RELAXED_LOAD(pointer)         __atomic_load_n((pointer), __ATOMIC_RELAXED)
#define RELAXED_STORE(pointer, value) __atomic_store_n((pointer), (value), __ATOMIC_RELAXED)

/* Adds to a counter that only the calling context writes: no locked instruction. */
#define RELAXED_ADD(pointer, value) RELAXED_STORE((pointer), RELAXED_LOAD(pointer) + (value))

/*
 * Whether a sequentially consistent read-modify-write keeps all that comes before it in order with all that comes
 * after: x86's LOCK does (Intel SDM vol. 3, 9.2.3.9), and RISC-V's AMO.aqrl (RVWMO, rules 5 to 7). AArch64's LDAXR
 * and STLXR let later accesses in between. Where it does, a load or a store after one may as well be a relaxed one.
 */
#if defined(__x86_64__) || defined(__riscv)
#define RMW_IS_A_FENCE 1
#else
#define RMW_IS_A_FENCE 0
#endif

/*
 * Pairs of words of eight bytes, one behind the other, by as few instructions as the machine has for them: AArch64
 * loads and stores two at a time (LDP and STP; each half is a single access: Arm ARM, B2.2.1), x86 compares with
 * memory, which compilers don't do when it is shared. What the macros keep in their argument `kept` is for them
 * alone.
 *
 *   RELAXED_LOAD_LIMITED    loads `value` from `field`; the limit before it is asked for next, or is `kept` already
 *   RELAXED_IS_IN_LIMIT     whether `number` is below it
 *   RELAXED_LOAD_COUNTED    loads `value` from `field`; before it stands the counter of its changes
 *   RELAXED_STORE_COUNTED   stores it, and counts. Only the caller writes the two.
 *   RELAXED_LOAD_FIRST      loads `value` from the first field; the second is asked for later, or is `kept` already
 *   RELAXED_LOAD_SECOND     what the second field is
 *   RELAXED_ADD_BOTH        adds to two counters that only the caller writes
 */
#if defined(__aarch64__)
#define RELAXED_LOAD_BOTH(object, first_field, second_field, first, second)                                  \
    do {                                                                                                     \
        _Static_assert(__builtin_offsetof(__typeof__(*(object)), first_field) + 8 ==                         \
                           __builtin_offsetof(__typeof__(*(object)), second_field),                          \
                       "one behind the other");                                                              \
        __asm__("ldp %0, %1, [%2, %3]"                                                                       \
                : "=&r"(first), "=r"(second)                                                                 \
                : "r"(object), "i"(__builtin_offsetof(__typeof__(*(object)), first_field)), "m"(*(object))); \
    } while (0)
#define RELAXED_LOAD_LIMITED(object, limit_field, field, kept, value) \
    RELAXED_LOAD_BOTH(object, limit_field, field, kept, value)
#define RELAXED_IS_IN_LIMIT(object, limit_field, kept, number) ((number) < (kept))
#define RELAXED_LOAD_COUNTED(object, counter_field, field, kept, value) \
    RELAXED_LOAD_BOTH(object, counter_field, field, kept, value)
#define RELAXED_STORE_COUNTED(object, counter_field, field, kept, value) \
    __asm__("stp %1, %2, [%3, %4]"                                       \
            : "+m"(*(object))                                            \
            : "r"((kept) + 1), "r"(value), "r"(object), "i"(__builtin_offsetof(__typeof__(*(object)), counter_field)))
#define RELAXED_LOAD_FIRST(object, first_field, second_field, value, kept) \
    RELAXED_LOAD_BOTH(object, first_field, second_field, value, kept)
#define RELAXED_LOAD_SECOND(object, second_field, kept) (kept)
#define RELAXED_ADD_BOTH(object, first_field, second_field, first_amount, second_amount)     \
    do {                                                                                     \
        uint64_t first_;                                                                     \
        uint64_t second_;                                                                    \
        RELAXED_LOAD_BOTH(object, first_field, second_field, first_, second_);               \
        __asm__("stp %1, %2, [%3, %4]"                                                       \
                : "+m"(*(object))                                                            \
                : "r"(first_ + (first_amount)), "r"(second_ + (second_amount)), "r"(object), \
                  "i"(__builtin_offsetof(__typeof__(*(object)), first_field)));              \
    } while (0)
#else
#define RELAXED_LOAD_FIRST(object, first_field, second_field, value, kept) \
    do {                                                                   \
        (value) = (object)->first_field;                                   \
        (kept) = 0;                                                        \
    } while (0)
#define RELAXED_LOAD_SECOND(object, second_field, kept) ((void)(kept), (object)->second_field)
#define RELAXED_ADD_BOTH(object, first_field, second_field, first_amount, second_amount) \
    do {                                                                                 \
        RELAXED_ADD(&(object)->first_field, (first_amount));                             \
        RELAXED_ADD(&(object)->second_field, (second_amount));                           \
    } while (0)
#define RELAXED_LOAD_LIMITED(object, limit_field, field, kept, value) \
    do {                                                              \
        (value) = (object)->field;                                    \
        (kept) = 0;                                                   \
    } while (0)
#if defined(__x86_64__) && !__has_feature(thread_sanitizer)
#define RELAXED_IS_IN_LIMIT(object, limit_field, kept, number)                                 \
    __extension__({                                                                            \
        bool is_below_;                                                                        \
        (void)(kept);                                                                          \
        __asm__("cmpq %2, %1" : "=@ccb"(is_below_) : "r"(number), "m"((object)->limit_field)); \
        is_below_;                                                                             \
    })
#else
#define RELAXED_IS_IN_LIMIT(object, limit_field, kept, number) \
    ((void)(kept), (number) < RELAXED_LOAD(&(object)->limit_field))
#endif
#define RELAXED_LOAD_COUNTED(object, counter_field, field, kept, value) \
    do {                                                                \
        (value) = (object)->field;                                      \
        (kept) = 0;                                                     \
    } while (0)
#define RELAXED_STORE_COUNTED(object, counter_field, field, kept, value) \
    do {                                                                 \
        (void)(kept);                                                    \
        RELAXED_STORE(&(object)->field, (value));                        \
        RELAXED_ADD(&(object)->counter_field, 1);                        \
    } while (0)
#endif

#endif
