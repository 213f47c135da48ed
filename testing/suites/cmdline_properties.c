/*
 * The command line: what is written is found, however it is quoted; any bytes at all are read in bounds.
 */
#include "kernel/cmdline.h"

#include "base/text.h"
#include "testing/property/property.h"

#define WORDS_MAX 12u
#define VALUE_MAX 24u

typedef struct cmdline_word {
    char key[8];
    char value[VALUE_MAX + 1];
    bool is_flag;
} cmdline_word_t;

typedef struct cmdline_world {
    cmdline_t cmdline;
    char text[2048];
    cmdline_word_t words[WORDS_MAX];
    size_t count;
} cmdline_world_t;

static void draw_word(property_run_t *run, cmdline_word_t *word)
{
    static const char keys[] = "abc";
    static const char values[] = "ab1 =;/\\\"'";
    const size_t key_length = property_range(run, 1, 3);
    for (size_t i = 0; i < key_length; i++) {
        word->key[i] = keys[property_draw(run, sizeof(keys) - 1)];
    }
    word->is_flag = property_bool(run);
    const size_t value_length = word->is_flag ? 0 : property_draw(run, VALUE_MAX + 1);
    for (size_t i = 0; i < value_length; i++) {
        word->value[i] = values[property_draw(run, sizeof(values) - 1)];
    }
}

/* Writes text in double quotes, with the backslashes that it then needs. */
static void write_quoted(text_writer_t *writer, const char *text)
{
    text_char(writer, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            text_char(writer, '\\');
        }
        text_char(writer, *text);
    }
    text_char(writer, '"');
}

/* Writes a word in one of the ways that mean the same: quotes around the value, around all of it, or a backslash a character. */
static void write_word(property_run_t *run, text_writer_t *writer, const cmdline_word_t *word)
{
    char whole[64];
    (void)text_print(whole, sizeof(whole), word->is_flag ? "%s" : "%s=%s", word->key, word->value);
    switch (property_draw(run, 3)) {
    case 0:
        text_string(writer, word->key);
        if (!word->is_flag) {
            text_char(writer, '=');
            write_quoted(writer, word->value);
        }
        break;
    case 1:
        write_quoted(writer, whole);
        break;
    default:
        for (const char *at = whole; *at != '\0'; at++) {
            text_char(writer, '\\');
            text_char(writer, *at);
        }
        break;
    }
}

static cmdline_world_t *draw_world(property_run_t *run)
{
    cmdline_world_t *const world = property_alloc(run, sizeof(*world));
    text_writer_t writer = text_writer(world->text, sizeof(world->text));
    world->count = property_draw(run, WORDS_MAX + 1);
    for (size_t i = 0; i < world->count; i++) {
        draw_word(run, &world->words[i]);
        write_word(run, &writer, &world->words[i]);
        for (uint64_t blanks = 1 + property_draw(run, 2); blanks != 0; blanks--) {
            text_char(&writer, ' ');
        }
    }
    PROPERTY_EXPECT(run, !text_is_truncated(&writer));
    property_note(run, "%s", world->text);
    cmdline_set(&world->cmdline, world->text, writer.length);
    return world;
}

/* Validates 2.6, 2.13: the first word of a key is found with its value, whatever the quoting; other keys are not. */
static void what_was_written_is_found(property_run_t *run)
{
    cmdline_world_t *const world = draw_world(run);
    static const char *const keys[] = {"a", "b", "c", "aa", "ab", "abc", "cc", "d", "aaaa"};
    for (size_t k = 0; k < ARRAY_COUNT(keys); k++) {
        const cmdline_word_t *first = NULL;
        for (size_t i = world->count; i-- > 0;) {
            first = text_equal(world->words[i].key, keys[k]) ? &world->words[i] : first;
        }
        char value[VALUE_MAX + 1];
        size_t length = 999;
        const status_t status = cmdline_find(&world->cmdline, keys[k], value, sizeof(value), &length);
        PROPERTY_EXPECT_STATUS(run, first != NULL ? STATUS_OK : STATUS_NOT_FOUND, status);
        PROPERTY_EXPECT_EQUAL(run, cmdline_has(&world->cmdline, keys[k]), first != NULL);
        if (first != NULL) {
            PROPERTY_EXPECT_TEXT(run, first->value, value);
            PROPERTY_EXPECT_EQUAL(run, length, text_length(first->value));
        }
    }
}

/* Validates 2.13: a value that does not fit is cut, terminated, and said to be cut. */
static void a_short_buffer_gets_the_beginning(property_run_t *run)
{
    cmdline_world_t *const world = draw_world(run);
    char whole[VALUE_MAX + 1];
    char cut[VALUE_MAX + 2];
    if (cmdline_find(&world->cmdline, "a", whole, sizeof(whole), NULL) != STATUS_OK) {
        return;
    }
    for (size_t capacity = 1; capacity <= VALUE_MAX + 1; capacity++) {
        __builtin_memset(cut, '#', sizeof(cut));
        const bool fits = text_length(whole) < capacity;
        PROPERTY_EXPECT_STATUS(run, fits ? STATUS_OK : STATUS_OUT_OF_RANGE,
                               cmdline_find(&world->cmdline, "a", cut, capacity, NULL));
        PROPERTY_EXPECT(run, text_starts_with(whole, cut));
        PROPERTY_EXPECT_EQUAL(run, text_length(cut), fits ? text_length(whole) : capacity - 1);
        PROPERTY_EXPECT_EQUAL(run, cut[capacity], '#');
    }
}

/* Validates 2.6, 2.13: any bytes are kept up to the first zero, in printable form, and can be searched. */
static void any_bytes_are_a_command_line(property_run_t *run)
{
    cmdline_world_t *const world = property_alloc(run, sizeof(*world));
    const size_t length = property_draw(run, 200);
    size_t kept = 0;
    for (size_t i = 0; i < length; i++) {
        world->text[i] = (char)property_draw(run, 256);
        kept = kept == i && world->text[i] != '\0' ? i + 1 : kept;
    }
    cmdline_set(&world->cmdline, world->text, length);
    PROPERTY_EXPECT_EQUAL(run, world->cmdline.length, kept);
    PROPERTY_EXPECT_EQUAL(run, text_length(world->cmdline.text), kept);
    PROPERTY_EXPECT(run, !world->cmdline.is_truncated);
    for (size_t i = 0; i < kept; i++) {
        PROPERTY_EXPECT(run, world->cmdline.text[i] >= ' ' && world->cmdline.text[i] <= '~');
    }
    char value[VALUE_MAX];
    size_t value_length = 0;
    const status_t status = cmdline_find(&world->cmdline, "a", value, sizeof(value), &value_length);
    PROPERTY_EXPECT(run, status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_OUT_OF_RANGE);
    PROPERTY_EXPECT(run, value_length <= kept);
}

/* Validates 2.13: up to 4096 characters are kept; more are cut, and it says so. */
static void a_long_line_is_cut_at_the_limit(property_run_t *run)
{
    char *const text = property_alloc(run, CMDLINE_LENGTH_MAX + 64);
    cmdline_t *const cmdline = property_alloc(run, sizeof(*cmdline));
    const size_t length = CMDLINE_LENGTH_MAX - 32 + property_draw(run, 64);
    const bool is_terminated = property_bool(run);
    __builtin_memset(text, 'x', CMDLINE_LENGTH_MAX + 64);
    if (is_terminated) {
        text[length] = '\0';
    }
    cmdline_set(cmdline, text, length + is_terminated);
    PROPERTY_EXPECT_EQUAL(run, cmdline->is_truncated, length > CMDLINE_LENGTH_MAX);
    PROPERTY_EXPECT_EQUAL(run, cmdline->length, length < CMDLINE_LENGTH_MAX ? length : CMDLINE_LENGTH_MAX);
    PROPERTY_EXPECT_EQUAL(run, text_length(cmdline->text), cmdline->length);
}

PROPERTY_SUITE(cmdline, PROPERTY(what_was_written_is_found, "2.6 2.13"),
               PROPERTY(a_short_buffer_gets_the_beginning, "2.13"), PROPERTY(any_bytes_are_a_command_line, "2.6 2.13"),
               PROPERTY(a_long_line_is_cut_at_the_limit, "2.13"));
