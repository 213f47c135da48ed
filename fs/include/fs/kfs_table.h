/*
 * Statistics as text: a line of field names, then lines of values, words separated by single spaces.
 *
 * A file of one structure has two lines. A table has one line a row, and a first column of names. Readers find a field by its
 * name, so fields may be added at the end.
 */
#ifndef FS_KFS_TABLE_H
#define FS_KFS_TABLE_H

#include <stdbool.h>

#include "base/text.h"
#include "mm/stats.h"

/* Writes the header line. `first_column` is the name of the column of names, or NULL when there is none. */
void kfs_table_header(text_writer_t *writer, const char *first_column, const stats_layout_t *layout);

/* Writes a line of values. `name` stands in the first column, NULL when there is none; blanks in it become '_'. */
void kfs_table_row(text_writer_t *writer, const char *name, const stats_layout_t *layout, const void *structure);

/* Both lines of a file of one structure. */
void kfs_table_single(text_writer_t *writer, const stats_layout_t *layout, const void *structure);

/*
 * Reads back: finds the value of field `field` in row number `row` (0 is the first below the header). Copies it to
 * value[0 .. capacity), always terminated. STATUS_NOT_FOUND when there is no such field or row, STATUS_OUT_OF_RANGE when it was cut.
 */
MUST_USE status_t kfs_table_find(const char *text, size_t length, const char *field, size_t row, char *value,
                                 size_t capacity);

#endif
