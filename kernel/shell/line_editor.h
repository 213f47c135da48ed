/*
 * Editing one line on a serial terminal: keys in, a finished line out.
 *
 * A state machine without input or output of its own: bytes go in through line_editor_key(), what the terminal shall show comes out
 * through `write`. So it runs on the host, on any sequence of bytes.
 *
 *   arrows, Ctrl-B Ctrl-F    move            Ctrl-U Ctrl-K    erase to the start, to the end
 *   Ctrl-A Ctrl-E Home End   to the ends     Ctrl-W           erase the word before
 *   Up Down, Ctrl-P Ctrl-N   history         Ctrl-L           clear the screen
 *   Backspace, Delete        erase           Ctrl-C Ctrl-D    give up the line; end, on an empty line
 *   Tab                      complete
 *
 * A line longer than the window scrolls sideways. Terminals are taken to know ECMA-48's cursor sequences, as all do.
 */
#ifndef KERNEL_SHELL_LINE_EDITOR_H
#define KERNEL_SHELL_LINE_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_LENGTH_MAX    511u
#define LINE_HISTORY_COUNT 32u
#define LINE_COLUMNS       80u
#define LINE_COLUMNS_SPARE 3u /* for the cursor, and for "^C" */

typedef struct line_editor line_editor_t;

typedef enum line_event {
    LINE_EVENT_NONE,
    LINE_EVENT_LINE,      /* editor->line is complete; line_editor_begin() starts the next */
    LINE_EVENT_INTERRUPT, /* Ctrl-C: the line was given up */
    LINE_EVENT_END,       /* Ctrl-D on an empty line */
} line_event_t;

/* What an editor needs of its surroundings. */
typedef struct line_editor_config {
    const char *prompt; /* shorter than LINE_COLUMNS / 2; outlives the editor */
    void (*write)(void *context, const char *bytes, size_t length); /* to the terminal */
    void (*complete)(void *context, line_editor_t *editor);         /* Tab: may insert and show; NULL: a bell */
    void *context;
} line_editor_config_t;

struct line_editor {
    line_editor_config_t config;
    char line[LINE_LENGTH_MAX + 1]; /* terminated */
    size_t length;
    size_t cursor; /* 0 to length */
    size_t window; /* index of the first character on the screen */

    char history[LINE_HISTORY_COUNT][LINE_LENGTH_MAX + 1]; /* entry n of all time is in slot n % LINE_HISTORY_COUNT */
    uint64_t history_count;                                /* of all time */
    uint64_t history_at;                                   /* the entry shown; history_count: the line being written */
    char draft[LINE_LENGTH_MAX + 1];                       /* that line, while history is looked at */

    enum { LINE_ESCAPE_NONE, LINE_ESCAPE_BEGUN, LINE_ESCAPE_BRACKET, LINE_ESCAPE_SINGLE } escape;
    unsigned escape_number;
    bool ended_by_return; /* so that the newline of a "\r\n" is swallowed */
};

/* Starts an editor without history. */
void line_editor_init(line_editor_t *editor, const line_editor_config_t *config);

/* Shows the prompt and an empty line. */
void line_editor_begin(line_editor_t *editor);

/* Takes one byte of input. */
line_event_t line_editor_key(line_editor_t *editor, uint8_t byte);

/* For completion: puts text in at the cursor (as much as fits). */
void line_editor_insert(line_editor_t *editor, const char *text, size_t length);

/* For completion: rings the bell; shows the prompt and line again after something else was written. */
void line_editor_bell(line_editor_t *editor);
void line_editor_redraw(line_editor_t *editor);

#endif
