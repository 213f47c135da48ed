/*
 * What code built with -fsanitize=undefined calls when it has met undefined behaviour (clang's
 * UndefinedBehaviorSanitizer documentation; LLVM, compiler-rt/lib/ubsan/ubsan_handlers.h: the functions' names are
 * its interface).
 *
 * Each handler's first argument begins with the place in the source. The kind and the place are told, and then a
 * check fails.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/compiler.h"
#include "base/log.h"

typedef struct source_place {
    const char *file;
    uint32_t line;
    uint32_t column;
} source_place_t;

static COLD void tell(const source_place_t *place, const char *kind)
{
    log_line("ubsan: %s at %s:%u:%u", kind, place->file, place->line, place->column);
    CHECK(false, "ubsan: undefined behaviour");
}

/* Handlers that differ in what follows their first argument, which none of them needs here. */
#define HANDLER(name, kind)                                  \
    void __ubsan_handle_##name(const source_place_t *place); \
    void __ubsan_handle_##name(const source_place_t *place)  \
    {                                                        \
        tell(place, kind);                                   \
    }

HANDLER(add_overflow, "signed addition overflows")
HANDLER(sub_overflow, "signed subtraction overflows")
HANDLER(mul_overflow, "signed multiplication overflows")
HANDLER(negate_overflow, "negation overflows")
HANDLER(divrem_overflow, "division by zero or overflow")
HANDLER(shift_out_of_bounds, "shift out of bounds")
HANDLER(out_of_bounds, "array index out of bounds")
HANDLER(pointer_overflow, "pointer arithmetic overflows")
HANDLER(type_mismatch_v1, "misaligned or null access")
HANDLER(alignment_assumption, "false assumption of alignment")
HANDLER(load_invalid_value, "load of a value that its type does not have")
HANDLER(builtin_unreachable, "unreachable code reached")
HANDLER(missing_return, "function without a return value")
HANDLER(vla_bound_not_positive, "variable array without elements")
HANDLER(float_cast_overflow, "number does not fit its new type")
HANDLER(invalid_builtin, "invalid argument of a builtin")
HANDLER(nonnull_arg, "null for an argument that is never null")
HANDLER(nonnull_return_v1, "null from a function that never returns it")
HANDLER(function_type_mismatch, "call through a pointer to another type of function")
