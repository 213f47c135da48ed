/*
 * What every file may say about its code to the compiler: attributes and branch hints under their usual names.
 *
 * Relies on clang or gcc; nothing here makes code.
 */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define MUST_USE                               __attribute__((warn_unused_result))
#define NORETURN                               __attribute__((noreturn))
#define NOINLINE                               __attribute__((noinline))
#define ALWAYS_INLINE                          inline __attribute__((always_inline))
#define COLD                                   __attribute__((cold, noinline))
#define UNUSED                                 __attribute__((unused))
#define NOT_NULL                               __attribute__((nonnull)) /* no pointer argument is NULL */
#define ALIGNED(bytes)                         __attribute__((aligned(bytes)))
#define PRINTF_LIKE(format_index, first_index) __attribute__((format(printf, format_index, first_index)))

/* Code that accesses freed memory on purpose, in kernels that look for that (kernel/sanitizers). */
#define NOT_WATCHED __attribute__((no_sanitize("kernel-address")))

#define LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The structure that holds `member` at `pointer`. */
#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer) - __builtin_offsetof(type, member)))

/* Size of a cache line in bytes on every machine we run on; structures that CPUs must not share are aligned to it. */
#define CACHE_LINE_BYTES 64

#endif
