/*
 * The shapes of runs, for page_fast.h.
 */
#include "mm/pages/page_fast.h"

#define ALL ~UINT64_C(0)

/* Fields of `length` bits: the first bits are the quotient of all bits and one field. */
#define STARTS(length) (ALL / (ALL >> (BITS_PER_WORD - (length))))
#define ENDS(length)   (STARTS(length) << ((length) - 1))

#define MASK(length)       (ALL >> (BITS_PER_WORD - (length)))
#define LIMIT(length)      (BITS_PER_WORD + 1 - (length))
#define FOUR(of, first)    of(first), of((first) + 1), of((first) + 2), of((first) + 3)
#define SIXTEEN(of, first) FOUR(of, first), FOUR(of, (first) + 4), FOUR(of, (first) + 8), FOUR(of, (first) + 12)
#define FROM_1_TO_64(of)   SIXTEEN(of, 1), SIXTEEN(of, 17), SIXTEEN(of, 33), SIXTEEN(of, 49)

const page_run_shapes_t page_run_shapes = {
    .starts =
        {
            [1] = STARTS(1),
            [2] = STARTS(2),
            [4] = STARTS(4),
            [8] = STARTS(8),
            [16] = STARTS(16),
            [32] = STARTS(32),
            [64] = STARTS(64),
        },
    .ends =
        {
            [1] = ENDS(1),
            [2] = ENDS(2),
            [4] = ENDS(4),
            [8] = ENDS(8),
            [16] = ENDS(16),
            [32] = ENDS(32),
            [64] = ENDS(64),
        },
    .masks = {0, FROM_1_TO_64(MASK)},
    .limits = {0, FROM_1_TO_64(LIMIT)},
};
