/*
 * Parts of the kernel that need no machine: names for addresses, and the ring of log lines.
 */
#include "kernel/log_ring.h"
#include "kernel/symbols.h"
#include "testing/property/property.h"

#define SYMBOLS_MAX 12u

/* Validates 5.6: an address gets the name of the function that it is in, as a look at every function finds it. */
static void an_address_has_the_name_of_its_function(property_run_t *run)
{
    static const char names[] = "a\0b\0c\0d\0e\0f\0g\0h\0i\0j\0k\0l";
    kernel_symbol_t symbols[SYMBOLS_MAX];
    const size_t count = property_draw(run, SYMBOLS_MAX + 1);
    uint64_t next = property_draw(run, 10);
    for (size_t i = 0; i < count; i++) {
        const uint32_t size = (uint32_t)property_draw(run, 6);
        symbols[i] = (kernel_symbol_t){next, (uint32_t)(2 * i), size};
        next += size + (size == 0) + property_draw(run, 3);
    }
    const symbol_table_t table = {symbols, count, names};
    for (uint64_t address = 0; address < next + 3; address++) {
        const kernel_symbol_t *expected = NULL;
        for (size_t i = 0; i < count; i++) {
            const bool has_next = i + 1 < count;
            const uint64_t end = symbols[i].size != 0 ? symbols[i].address + symbols[i].size
                                 : has_next           ? symbols[i + 1].address
                                                      : symbols[i].address;
            expected = address >= symbols[i].address && address < end ? &symbols[i] : expected;
        }
        const char *name = NULL;
        uint64_t offset = 0;
        PROPERTY_EXPECT_EQUAL(run, symbol_find(&table, address, &name, &offset), expected != NULL);
        if (expected != NULL) {
            PROPERTY_EXPECT_EQUAL(run, name, names + expected->name_offset);
            PROPERTY_EXPECT_EQUAL(run, offset, address - expected->address);
        }
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t start = 0;
        uint64_t end = 0;
        const bool has_end = symbols[i].size != 0 || i + 1 < count;
        const bool is_found = symbol_find_name(&table, names + symbols[i].name_offset, &start, &end);
        PROPERTY_EXPECT_EQUAL(run, is_found, has_end);
        if (has_end) {
            PROPERTY_EXPECT_EQUAL(run, start, symbols[i].address);
            PROPERTY_EXPECT_EQUAL(run, end, symbols[i].size != 0 ? start + symbols[i].size : symbols[i + 1].address);
        }
    }
    uint64_t nothing;
    PROPERTY_EXPECT(run, !symbol_find_name(&table, "no_such_function", &nothing, &nothing));
}

/* Line `number` of the property below: its length and letters follow from the number and the seed. */
static size_t make_line(uint64_t seed, uint64_t number, char *line, size_t capacity)
{
    uint64_t state = seed + number;
    const size_t length = property_worker_draw(&state, capacity);
    for (size_t i = 0; i < length; i++) {
        line[i] = (char)('a' + property_worker_draw(&state, 26));
    }
    return length;
}

/* Validates 4.12: the ring shows whole lines only, the newest ones in order, and no fewer than fit. */
static void the_log_keeps_the_newest_lines(property_run_t *run)
{
    log_ring_t *const ring = property_alloc(run, sizeof(*ring));
    char *const text = property_alloc(run, LOG_RING_BYTES + 1);
    const uint64_t seed = property_bits64(run);
    const uint64_t lines = property_size_skewed(run, 3000);
    char line[120];
    for (uint64_t number = 0; number < lines; number++) {
        log_ring_add(ring, line, make_line(seed, number, line, sizeof(line)));
    }
    text_writer_t writer = text_writer(text, LOG_RING_BYTES + 1);
    log_ring_write(ring, &writer);
    PROPERTY_EXPECT(run, !text_is_truncated(&writer));

    /* From the end backwards, every line is the one before. */
    size_t end = writer.length;
    uint64_t number = lines;
    while (end != 0) {
        const size_t length = make_line(seed, --number, line, sizeof(line));
        PROPERTY_EXPECT(run, end >= length + 1 && text[end - 1] == '\n');
        for (size_t i = 0; i < length; i++) {
            PROPERTY_EXPECT_EQUAL(run, text[end - 1 - length + i], line[i]);
        }
        end -= length + 1;
    }
    /* The line before those would not have fitted, but for the one whose head may just have been cut. */
    if (number != 0) {
        const size_t length = make_line(seed, number - 1, line, sizeof(line));
        PROPERTY_EXPECT(run, writer.length + length + 1 >= LOG_RING_BYTES);
    }
}

PROPERTY_SUITE(kernel_parts, PROPERTY(an_address_has_the_name_of_its_function, "5.6"),
               PROPERTY(the_log_keeps_the_newest_lines, "4.12"));
