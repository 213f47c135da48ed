/*
 * The words that all code shares (arch/include/base/), against models that are too simple to be wrong: bits counted one
 * by one, memory copied byte by byte, numbers written digit by digit.
 */
#include "base/bits.h"
#include "base/bits_atomic.h"
#include "base/text.h"
#include "base/units.h"
#include "testing/property/property.h"

#define BUFFER_BYTES 96
#define TEXT_BYTES   80

void *memcpy(void *restrict destination, const void *restrict source, size_t size);
void *memmove(void *destination, const void *source, size_t size);
void *memset(void *destination, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);

/* Words that allocators meet: empty, full, nearly so, one range, anything. */
static uint64_t draw_word(property_run_t *run)
{
    const uint64_t shape = property_draw(run, 5);
    const uint64_t bits = property_bits64(run);
    const unsigned first = (unsigned)(bits % 64);
    const unsigned count = (unsigned)(bits / 64 % 65);

    switch (shape) {
    case 0:
        return bits;
    case 1:
        return bits & bits >> 7 & bits << 13;
    case 2:
        return ~(UINT64_C(1) << first);
    case 3:
        return UINT64_C(1) << first;
    default:
        return count == 0 ? 0 : ~UINT64_C(0) >> (64 - count) << first;
    }
}

static bool model_bit(uint64_t word, unsigned bit)
{
    return bit < 64 && (word >> bit & 1) != 0;
}

/* Validates 1.6, 2.10: the scans find what a look at each bit finds. */
static void scans_agree_with_a_loop(property_run_t *run)
{
    const uint64_t word = draw_word(run);
    unsigned first_set = BITS_NONE;
    unsigned first_zero = BITS_NONE;
    unsigned last_set = BITS_NONE;
    unsigned count = 0;

    for (unsigned bit = 0; bit < 64; bit++) {
        if (model_bit(word, bit)) {
            first_set = first_set == BITS_NONE ? bit : first_set;
            last_set = bit;
            count++;
        } else {
            first_zero = first_zero == BITS_NONE ? bit : first_zero;
        }
    }
    PROPERTY_EXPECT_EQUAL(run, find_first_set(word), first_set);
    PROPERTY_EXPECT_EQUAL(run, find_first_zero(word), first_zero);
    PROPERTY_EXPECT_EQUAL(run, find_last_set(word), last_set);
    PROPERTY_EXPECT_EQUAL(run, count_set(word), count);
    if (word != 0) {
        PROPERTY_EXPECT_EQUAL(run, find_first_set_nonzero(word), first_set);
        PROPERTY_EXPECT_EQUAL(run, find_last_set_nonzero(word), last_set);
    }
    uint64_t rest = word;
    uint64_t taken = BITS_NONE;
    PROPERTY_EXPECT_EQUAL(run, bits_take_first(&rest, &taken), word != 0);
    if (word != 0) {
        PROPERTY_EXPECT_EQUAL(run, taken, first_set);
        PROPERTY_EXPECT_EQUAL(run, rest, word ^ UINT64_C(1) << first_set);
    }
}

/* Validates 1.5, 5.2: rotated, each bit is where counting around the word says. */
static void rotations_agree_with_a_loop(property_run_t *run)
{
    const uint64_t word = draw_word(run);
    const uint64_t count = property_draw(run, 64) + 64 * property_draw(run, 3);
    for (unsigned bit = 0; bit < 64; bit++) {
        const unsigned from = (unsigned)((bit + count) % 64);
        PROPERTY_EXPECT_EQUAL(run, model_bit(bits_rotate_right(word, count), bit), model_bit(word, from));
        PROPERTY_EXPECT_EQUAL(run, model_bit(bits_rotate_left(word, count), from), model_bit(word, bit));
    }
}

/* Validates 1.5, 5.2: one bit is looked at and set, counted modulo 64, unless it was set before. */
static void one_bit_is_set_and_told(property_run_t *run)
{
    const uint64_t word = draw_word(run);
    const uint64_t index = property_draw(run, 64) + 64 * property_draw(run, 3);
    const bool was_set = model_bit(word, (unsigned)(index % 64));
    uint64_t changed = word;

    PROPERTY_EXPECT_EQUAL(run, bit_is_set(word, index), was_set);
    PROPERTY_EXPECT_EQUAL(run, bit_set_clear(&changed, index), !was_set);
    for (unsigned bit = 0; bit < 64 && !was_set; bit++) {
        PROPERTY_EXPECT_EQUAL(run, model_bit(changed, bit), bit == index % 64 || model_bit(word, bit));
    }
}

/*
 * Validates 1.6, 5.7: what is done to a word that others change too is done as a whole, or not at all, and told.
 */
static void shared_bits_change_as_a_whole_or_not_at_all(property_run_t *run)
{
    const uint64_t word = draw_word(run);
    const uint64_t mask = draw_word(run) | UINT64_C(1) << property_draw(run, 64);
    const uint64_t barred = draw_word(run) & (property_bool(run) ? ~mask : ~UINT64_C(0));
    _Atomic uint64_t shared = word;
    uint64_t index = 0;

    PROPERTY_EXPECT_EQUAL(run, bits_atomic_set_first_clear(&shared, &index), word != ~UINT64_C(0));
    if (word != ~UINT64_C(0)) {
        PROPERTY_EXPECT_EQUAL(run, index, find_first_zero(word));
        PROPERTY_EXPECT_EQUAL(run, shared, word | UINT64_C(1) << index);
    } else {
        PROPERTY_EXPECT_EQUAL(run, shared, word);
    }

    shared = word;
    PROPERTY_EXPECT_EQUAL(run, bits_atomic_clear(&shared, mask), word);
    PROPERTY_EXPECT_EQUAL(run, shared, word & ~mask);

    const uint64_t held = property_bool(run) ? word | mask : word;
    const bool is_right = (held & mask) == mask && (barred & mask) == 0;
    shared = held;
    PROPERTY_EXPECT_EQUAL(run, bits_atomic_clear_all(&shared, mask, barred), is_right);
    PROPERTY_EXPECT_EQUAL(run, shared, is_right ? held & ~mask : held);

    const uint64_t seen = property_bool(run) ? held : held ^ mask;
    shared = held;
    PROPERTY_EXPECT_EQUAL(run, bits_atomic_replace(&shared, seen, barred), seen == held);
    PROPERTY_EXPECT_EQUAL(run, shared, seen == held ? barred : held);

    index = property_draw(run, 64);
    PROPERTY_EXPECT_EQUAL(run, bit_index(UINT64_C(1) << index), index);
}

/* Validates 2.1, 2.10: a run is found exactly where a loop over all places finds the first one, at every alignment. */
static void runs_agree_with_a_loop(property_run_t *run)
{
    const uint64_t word = draw_word(run);
    const unsigned alignment = 1u << property_draw(run, 7);
    const unsigned count = property_bool(run) ? alignment : (unsigned)property_range(run, 1, 64);
    uint64_t starts = 0;
    unsigned first = BITS_NONE;

    for (unsigned start = 0; start < 64; start++) {
        bool fits = true;
        for (unsigned bit = 0; bit < count; bit++) {
            fits = fits && model_bit(word, start + bit);
        }
        if (fits) {
            starts |= UINT64_C(1) << start;
            first = first == BITS_NONE && start % alignment == 0 ? start : first;
        }
    }
    PROPERTY_EXPECT_EQUAL(run, find_run_starts(word, count), starts);
    PROPERTY_EXPECT_EQUAL(run, find_first_run(word, count, alignment), first);
    if (count == alignment) {
        const uint64_t ends = bits_clear_field_ends(~word, bits_every(count), bits_every(count) << (count - 1));
        PROPERTY_EXPECT_EQUAL(run, find_first_set(ends), first == BITS_NONE ? BITS_NONE : first + count - 1);
    }
}

/* Validates 2.10: masks have the bits that they say, for every first bit and count there is. */
static void masks_have_the_bits_they_say(property_run_t *run)
{
    const unsigned first = (unsigned)property_draw(run, 65);
    const unsigned count = (unsigned)property_draw(run, 65 - first);
    const unsigned alignment = 1u << property_draw(run, 7);

    for (unsigned bit = 0; bit < 64; bit++) {
        PROPERTY_EXPECT_EQUAL(run, model_bit(bits_low(count), bit), bit < count);
        PROPERTY_EXPECT_EQUAL(run, model_bit(bits_range(first, count), bit), bit >= first && bit < first + count);
        PROPERTY_EXPECT_EQUAL(run, model_bit(bits_every(alignment), bit), bit % alignment == 0);
    }
}

/* Validates 1.3, 2.1: rounding lands on the nearest multiple on its side. */
static void rounding_lands_on_multiples(property_run_t *run)
{
    const uint64_t alignment = UINT64_C(1) << property_draw(run, 40);
    const uint64_t value = property_bits64(run) >> property_range(run, 1, 63);
    const uint64_t down = align_down(value, alignment);
    const uint64_t up = align_up(value, alignment);

    PROPERTY_EXPECT(run, down % alignment == 0 && down <= value && value - down < alignment);
    PROPERTY_EXPECT(run, up % alignment == 0 && up >= value && up - value < alignment);
    PROPERTY_EXPECT(run, is_power_of_two(alignment) && is_power_of_two(value) == (count_set(value) == 1));
    PROPERTY_EXPECT_EQUAL(run, pages_for_bytes(value), value / PAGE_SIZE + (value % PAGE_SIZE != 0));
}

static void fill_by_draws(property_run_t *run, unsigned char *bytes)
{
    uint64_t state = property_bits64(run);

    for (size_t index = 0; index < BUFFER_BYTES; index++) {
        bytes[index] = (unsigned char)property_worker_draw(&state, 256);
    }
}

/*
 * Validates 1.2: the memory functions do what loops over bytes do, at every misalignment and overlap, and touch
 * nothing else.
 */
static void memory_functions_agree_with_loops(property_run_t *run)
{
    unsigned char real[BUFFER_BYTES];
    unsigned char model[BUFFER_BYTES];
    unsigned char before[BUFFER_BYTES];

    fill_by_draws(run, real);
    for (uint32_t step = 0; step < run->steps; step++) {
        const uint64_t operation = property_draw(run, 3);
        const size_t size = (size_t)property_draw(run, BUFFER_BYTES / 2);
        const size_t to = (size_t)property_draw(run, BUFFER_BYTES - size);
        const size_t from = (size_t)property_draw(run, BUFFER_BYTES - size);
        const bool overlaps = to < from + size && from < to + size;

        for (size_t index = 0; index < BUFFER_BYTES; index++) {
            before[index] = model[index] = real[index];
        }
        if (operation == 0) {
            for (size_t index = 0; index < size; index++) {
                model[to + index] = (unsigned char)from;
            }
            PROPERTY_EXPECT(run, memset(real + to, (int)from | 0x100, size) == real + to);
        } else {
            for (size_t index = 0; index < size; index++) {
                model[to + index] = before[from + index];
            }
            void *const result = operation == 1 && !overlaps ? memcpy(real + to, real + from, size)
                                                             : memmove(real + to, real + from, size);
            PROPERTY_EXPECT(run, result == real + to);
        }
        for (size_t index = 0; index < BUFFER_BYTES; index++) {
            PROPERTY_EXPECT_EQUAL(run, real[index], model[index]);
        }

        int order = 0;
        for (size_t index = 0; index < size && order == 0; index++) {
            order = (int)real[to + index] - (int)real[from + index];
        }
        const int answer = memcmp(real + to, real + from, size);
        PROPERTY_EXPECT(run, (answer < 0) == (order < 0) && (answer > 0) == (order > 0));
    }
}

/* The digits of a number, the slow way; returns how many. */
static size_t model_number(char *text, uint64_t value, unsigned base)
{
    char reversed[20];
    size_t count = 0;

    do {
        reversed[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    for (size_t index = 0; index < count; index++) {
        text[index] = reversed[count - 1 - index];
    }
    text[count] = '\0';
    return count;
}

/* Validates 4.5: numbers are written as their digits, at every width and padding, and read back as themselves. */
static void numbers_are_written_and_read_back(property_run_t *run)
{
    const uint64_t value = property_bits64(run) >> property_draw(run, 64);
    const bool is_hexadecimal = property_bool(run);
    const int width = (int)property_draw(run, 24);
    char digits[24];
    char padded[TEXT_BYTES];
    char expected[TEXT_BYTES];
    const size_t count = model_number(digits, value, is_hexadecimal ? 16 : 10);
    size_t at = 0;
    uint64_t read = ~value;

    while (at + count < (size_t)width) {
        expected[at++] = '0';
    }
    for (size_t index = 0; index <= count; index++) {
        expected[at + index] = digits[index];
    }
    const size_t length = is_hexadecimal
                              ? text_print(padded, sizeof(padded), "%0*llx", width, (unsigned long long)value)
                              : text_print(padded, sizeof(padded), "%0*llu", width, (unsigned long long)value);
    PROPERTY_EXPECT_TEXT(run, expected, padded);
    PROPERTY_EXPECT_EQUAL(run, length, at + count);

    char whole[TEXT_BYTES];
    (void)text_print(whole, sizeof(whole), "%s%s", is_hexadecimal ? "0x" : "", digits);
    PROPERTY_EXPECT(run, text_parse_u64(whole, false, &read));
    PROPERTY_EXPECT_EQUAL(run, read, value);
}

/*
 * Validates 4.5: a text never leaves its buffer, is terminated, and its length is that of the whole, whatever the
 * capacity.
 */
static void text_stays_in_its_buffer(property_run_t *run)
{
    const size_t capacity = (size_t)property_draw(run, TEXT_BYTES / 2);
    const size_t pieces = (size_t)property_draw(run, 12);
    char buffer[TEXT_BYTES];
    char whole[TEXT_BYTES];
    size_t whole_length = 0;

    for (size_t index = 0; index < TEXT_BYTES; index++) {
        buffer[index] = '#';
    }
    text_writer_t writer = text_writer(buffer, capacity);
    for (size_t piece = 0; piece < pieces; piece++) {
        const char letter = (char)('a' + property_draw(run, 26));
        const size_t count = (size_t)property_draw(run, 6);
        for (size_t index = 0; index < count; index++) {
            whole[whole_length++] = letter;
            text_char(&writer, letter);
        }
    }
    whole[whole_length] = '\0';

    PROPERTY_EXPECT_EQUAL(run, writer.length, whole_length);
    const size_t kept = whole_length < capacity ? whole_length : capacity == 0 ? 0 : capacity - 1;
    for (size_t index = 0; index < kept; index++) {
        PROPERTY_EXPECT_EQUAL(run, buffer[index], whole[index]);
    }
    if (capacity != 0) {
        PROPERTY_EXPECT_EQUAL(run, buffer[kept], 0);
    }
    for (size_t index = capacity; index < TEXT_BYTES; index++) {
        PROPERTY_EXPECT_EQUAL(run, buffer[index], '#');
    }
    PROPERTY_EXPECT_EQUAL(run, text_length(whole), whole_length);
}

PROPERTY_SUITE(base_words, PROPERTY(scans_agree_with_a_loop, "1.6 2.10"), PROPERTY(one_bit_is_set_and_told, "1.5 5.2"),
               PROPERTY(shared_bits_change_as_a_whole_or_not_at_all, "1.6 5.7"),
               PROPERTY(rotations_agree_with_a_loop, "1.5 5.2"), PROPERTY(runs_agree_with_a_loop, "2.1 2.10"),
               PROPERTY_EXHAUSTIVE(masks_have_the_bits_they_say, 1, "2.10"),
               PROPERTY(rounding_lands_on_multiples, "1.3 2.1"), PROPERTY(memory_functions_agree_with_loops, "1.2"),
               PROPERTY(numbers_are_written_and_read_back, "4.5"), PROPERTY(text_stays_in_its_buffer, "4.5"));
