/*
 * The shapes of runs, for mm/page_fast.h.
 */
#include "mm/page_fast.h"

#define FOUR(of, first)    of(first), of((first) + 1), of((first) + 2), of((first) + 3)
#define SIXTEEN(of, first) FOUR(of, first), FOUR(of, (first) + 4), FOUR(of, (first) + 8), FOUR(of, (first) + 12)
#define FROM_1_TO_64(of)   SIXTEEN(of, 1), SIXTEEN(of, 17), SIXTEEN(of, 33), SIXTEEN(of, 49)

const page_run_shapes_t page_run_shapes = {
    .starts =
        {
            [1] = PAGE_RUN_STARTS(1),
            [2] = PAGE_RUN_STARTS(2),
            [4] = PAGE_RUN_STARTS(4),
            [8] = PAGE_RUN_STARTS(8),
            [16] = PAGE_RUN_STARTS(16),
            [32] = PAGE_RUN_STARTS(32),
            [64] = PAGE_RUN_STARTS(64),
        },
    .ends =
        {
            [1] = PAGE_RUN_ENDS(1),
            [2] = PAGE_RUN_ENDS(2),
            [4] = PAGE_RUN_ENDS(4),
            [8] = PAGE_RUN_ENDS(8),
            [16] = PAGE_RUN_ENDS(16),
            [32] = PAGE_RUN_ENDS(32),
            [64] = PAGE_RUN_ENDS(64),
        },
    .masks = {0, FROM_1_TO_64(PAGE_RUN_MASK)},
    .limits = {0, FROM_1_TO_64(PAGE_RUN_LIMIT)},
};
