/*
 * Header and data lines: fs/kfs_table.h.
 */
#include "fs/kfs_table.h"

void kfs_table_header(text_writer_t *writer, const char *first_column, const stats_layout_t *layout)
{
    bool is_first = first_column == NULL;
    if (first_column != NULL) {
        text_string(writer, first_column);
    }
    for (size_t index = 0; index < layout->count; index++) {
        text_format(writer, is_first ? "%s" : " %s", layout->fields[index].name);
        is_first = false;
    }
    text_char(writer, '\n');
}

void kfs_table_row(text_writer_t *writer, const char *name, const stats_layout_t *layout, const void *structure)
{
    bool is_first = name == NULL;
    for (const char *at = name; at != NULL && *at != '\0'; at++) {
        text_char(writer, *at > ' ' ? *at : '_');
    }
    for (size_t index = 0; index < layout->count; index++) {
        const unsigned long long value = stats_value(&layout->fields[index], structure);
        text_format(writer, is_first ? "%llu" : " %llu", value);
        is_first = false;
    }
    text_char(writer, '\n');
}

void kfs_table_single(text_writer_t *writer, const stats_layout_t *layout, const void *structure)
{
    kfs_table_header(writer, NULL, layout);
    kfs_table_row(writer, NULL, layout, structure);
}

/* Text that is being cut into words. */
typedef struct table_cursor {
    const char *at;
    const char *end;
} table_cursor_t;

/* Takes the next word of the line; false at the end of the line, which it stays at. */
static bool take_word(table_cursor_t *cursor, const char **word, size_t *length)
{
    while (cursor->at < cursor->end && *cursor->at == ' ') {
        cursor->at++;
    }
    *word = cursor->at;
    while (cursor->at < cursor->end && *cursor->at != ' ' && *cursor->at != '\n') {
        cursor->at++;
    }
    *length = (size_t)(cursor->at - *word);
    return *length != 0;
}

/* Goes to the start of the next line; false when there is none. */
static bool next_line(table_cursor_t *cursor)
{
    while (cursor->at < cursor->end && *cursor->at != '\n') {
        cursor->at++;
    }
    cursor->at += cursor->at < cursor->end;
    return cursor->at < cursor->end;
}

static bool word_equals(const char *word, size_t length, const char *name)
{
    size_t index = 0;
    while (index < length && name[index] == word[index]) {
        index++;
    }
    return index == length && name[index] == '\0';
}

status_t kfs_table_find(const char *text, size_t length, const char *field, size_t row, char *value, size_t capacity)
{
    table_cursor_t cursor = {text, text + length};
    const char *word;
    size_t word_length;
    size_t column = 0;
    while (take_word(&cursor, &word, &word_length) && !word_equals(word, word_length, field)) {
        column++;
    }
    if (word_length == 0) {
        return STATUS_NOT_FOUND;
    }
    for (size_t line = 0; line <= row; line++) {
        if (!next_line(&cursor)) {
            return STATUS_NOT_FOUND;
        }
    }
    for (size_t index = 0; index <= column; index++) {
        if (!take_word(&cursor, &word, &word_length)) {
            return STATUS_NOT_FOUND;
        }
    }
    text_writer_t writer = text_writer(value, capacity);
    text_bytes(&writer, word, word_length);
    return text_is_truncated(&writer) ? STATUS_OUT_OF_RANGE : STATUS_OK;
}
