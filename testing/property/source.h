/*
 * Where choices come from, and the record of those that were made.
 *
 * A choice is a number below a bound that the property names. A source makes it up from a seed (SplitMix64: Steele, Lea, Flood,
 * "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014), takes it from a recording, or reads it from a fuzzer's
 * bytes. A recording that has run out gives 0, so a recording without its trailing zeros means the same.
 */
#ifndef TESTING_PROPERTY_SOURCE_H
#define TESTING_PROPERTY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for choices, lent by the engine. */
typedef struct choice_list {
    uint64_t *values;
    size_t count;
    size_t capacity;
} choice_list_t;

typedef enum choice_origin { CHOICES_GENERATED, CHOICES_RECORDED, CHOICES_FROM_BYTES } choice_origin_t;

typedef struct choice_source {
    choice_origin_t origin;
    uint64_t generator;        /* generated: the state */
    const uint64_t *recording; /* recorded */
    const uint8_t *bytes;      /* from bytes */
    size_t length;             /* of recording or bytes */
    size_t position;
    choice_list_t *trace;  /* every choice as it was made; may be NULL */
    choice_list_t *bounds; /* and what it was below; may be NULL */
    uint64_t choices_made;
} choice_source_t;

/* SplitMix64: the next output, all 64 bits; moves `state` on. */
uint64_t generator_next(uint64_t *state);

/* Scales a generator's output to a number below `bound` (Lemire 2019, without the rejection: the bias is below bound / 2^64). */
uint64_t generator_scale(uint64_t output, uint64_t bound);

choice_source_t choice_source_generated(uint64_t seed);
choice_source_t choice_source_recorded(const uint64_t *values, size_t count);
choice_source_t choice_source_from_bytes(const uint8_t *bytes, size_t count);

/* The next choice below `bound`; bound 0 means 2^64. Noted in the trace, as long as that has room. */
uint64_t choice_source_next(choice_source_t *source, uint64_t bound);

/* Whether the trace holds every choice that was made. */
bool choice_source_is_traced(const choice_source_t *source);

/* Drops trailing zeros. */
void choice_list_trim(choice_list_t *list);

/* Fewer choices, or as many with the first difference smaller. */
bool choice_list_is_simpler(const choice_list_t *left, const choice_list_t *right);

void choice_list_copy(choice_list_t *to, const choice_list_t *from);

#endif
