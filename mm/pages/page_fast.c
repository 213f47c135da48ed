/*
 * The shapes of runs, for page_fast.h.
 */
#include "mm/pages/page_fast.h"

#define ALL ~UINT64_C(0)

/* Fields of `length` bits: the first bits are the quotient of all bits and one field. */
#define STARTS(length) [(length)] = ALL / (ALL >> (BITS_PER_WORD - (length)))
#define ENDS(length)   [(length)] = ALL / (ALL >> (BITS_PER_WORD - (length))) << ((length) - 1)

#define MASK(length)       (ALL >> (BITS_PER_WORD - (length)))
#define LIMIT(length)      (BITS_PER_WORD + 1 - (length))
#define FOUR(of, first)    of(first), of((first) + 1), of((first) + 2), of((first) + 3)
#define SIXTEEN(of, first) FOUR(of, first), FOUR(of, (first) + 4), FOUR(of, (first) + 8), FOUR(of, (first) + 12)
#define FROM_1_TO_64(of)   SIXTEEN(of, 1), SIXTEEN(of, 17), SIXTEEN(of, 33), SIXTEEN(of, 49)

const page_run_shapes_t page_run_shapes = {
    .starts = {STARTS(1), STARTS(2), STARTS(4), STARTS(8), STARTS(16), STARTS(32), STARTS(64)},
    .ends = {ENDS(1), ENDS(2), ENDS(4), ENDS(8), ENDS(16), ENDS(32), ENDS(64)},
    .masks = {0, FROM_1_TO_64(MASK)},
    .limits = {0, FROM_1_TO_64(LIMIT)},
};
