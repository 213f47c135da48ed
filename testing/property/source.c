/* Choices made up, recorded, or read from bytes; see source.h. */
#include "source.h"

#include "base/check.h"

uint64_t generator_next(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

uint64_t generator_scale(uint64_t output, uint64_t bound)
{
    return bound == 0 ? output : (uint64_t)(((unsigned __int128)output * bound) >> 64);
}

choice_source_t choice_source_generated(uint64_t seed)
{
    return (choice_source_t){.origin = CHOICES_GENERATED, .generator = seed};
}

choice_source_t choice_source_recorded(const uint64_t *values, size_t count)
{
    return (choice_source_t){.origin = CHOICES_RECORDED, .recording = values, .length = count};
}

choice_source_t choice_source_from_bytes(const uint8_t *bytes, size_t count)
{
    return (choice_source_t){.origin = CHOICES_FROM_BYTES, .bytes = bytes, .length = count};
}

/* A recording may meet other bounds than it was made for: what does not fit is folded, so that every recording means something. */
static uint64_t fold(uint64_t value, uint64_t bound)
{
    return bound == 0 || value < bound ? value : value % bound;
}

/* As few bytes as the bound needs, so that a fuzzer's flipped byte changes one choice. */
static uint64_t next_from_bytes(choice_source_t *source, uint64_t bound)
{
    const unsigned bytes_needed = bound == 0 || bound > UINT64_C(1) << 32 ? 8
                                  : bound > UINT64_C(1) << 16             ? 4
                                  : bound > UINT64_C(1) << 8              ? 2
                                                                          : 1;
    uint64_t value = 0;
    for (unsigned index = 0; index < bytes_needed && source->position < source->length; index++) {
        value |= (uint64_t)source->bytes[source->position++] << (8 * index);
    }
    return fold(value, bound);
}

static uint64_t next_value(choice_source_t *source, uint64_t bound)
{
    switch (source->origin) {
    case CHOICES_GENERATED:
        return generator_scale(generator_next(&source->generator), bound);
    case CHOICES_FROM_BYTES:
        return next_from_bytes(source, bound);
    case CHOICES_RECORDED:
        break;
    }
    return source->position < source->length ? fold(source->recording[source->position++], bound) : 0;
}

static void note(choice_list_t *list, uint64_t value)
{
    if (list != NULL && list->count < list->capacity) {
        list->values[list->count++] = value;
    }
}

uint64_t choice_source_next(choice_source_t *source, uint64_t bound)
{
    const uint64_t value = next_value(source, bound);

    note(source->trace, value);
    note(source->bounds, bound);
    source->choices_made++;
    return value;
}

bool choice_source_is_traced(const choice_source_t *source)
{
    return source->trace != NULL && source->trace->count == source->choices_made;
}

void choice_list_trim(choice_list_t *list)
{
    while (list->count > 0 && list->values[list->count - 1] == 0) {
        list->count--;
    }
}

bool choice_list_is_simpler(const choice_list_t *left, const choice_list_t *right)
{
    if (left->count != right->count) {
        return left->count < right->count;
    }
    for (size_t index = 0; index < left->count; index++) {
        if (left->values[index] != right->values[index]) {
            return left->values[index] < right->values[index];
        }
    }
    return false;
}

void choice_list_copy(choice_list_t *to, const choice_list_t *from)
{
    CHECK(from->count <= to->capacity, "choice list too small");
    for (size_t index = 0; index < from->count; index++) {
        to->values[index] = from->values[index];
    }
    to->count = from->count;
}
