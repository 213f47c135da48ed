/*
 * The line editor's view: the part of the line that fits, on one row of the terminal.
 */
#ifndef KERNEL_SHELL_LINE_EDITOR_DRAW_H
#define KERNEL_SHELL_LINE_EDITOR_DRAW_H

#include "line_editor.h"

/* Shows prompt, line and cursor on the current row. */
void line_editor_draw(line_editor_t *editor);

/* Shows just the last character, with the cursor behind it; false when the row has no room, and nothing was written. */
bool line_editor_draw_last(line_editor_t *editor);

/* Puts the terminal's cursor behind the line and writes `text`. */
void line_editor_draw_leave(line_editor_t *editor, const char *text);

/* Clears the screen and shows the line at its top. */
void line_editor_draw_clear(line_editor_t *editor);

#endif
