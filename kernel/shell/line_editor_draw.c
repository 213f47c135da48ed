/*
 * Drawing the line: one row, redrawn as a whole unless a character was just added at its end.
 *
 *   quarry> cat //kern/mem/sta|            columns - prompt - spare characters fit, so that nothing wraps to the next row
 *           ^ line[window]    ^ cursor
 */
#include "line_editor_draw.h"

#include "base/text.h"

static void write_text(line_editor_t *editor, const char *text)
{
    editor->config.write(editor->config.context, text, text_length(text));
}

/* How many characters of the line fit on the row. */
static size_t visible_max(const line_editor_t *editor)
{
    return LINE_COLUMNS - LINE_COLUMNS_SPARE - text_length(editor->config.prompt);
}

/* Moves the window so that the cursor is in it, and no more than needed. */
static void scroll(line_editor_t *editor)
{
    const size_t visible = visible_max(editor);
    if (editor->cursor < editor->window) {
        editor->window = editor->cursor;
    } else if (editor->cursor > editor->window + visible) {
        editor->window = editor->cursor - visible;
    }
    /* After an erasure the window may show less than it could. */
    if (editor->length < editor->window + visible) {
        editor->window = editor->length > visible ? editor->length - visible : 0;
    }
}

/* One write for the whole row, so that no other CPU's line gets between its parts. */
static void draw_row(line_editor_t *editor, size_t cursor)
{
    char row[2 * LINE_COLUMNS + 32];
    text_writer_t writer = text_writer(row, sizeof(row));
    const size_t visible = visible_max(editor);
    const size_t rest = editor->length - editor->window;
    const size_t prompt = text_length(editor->config.prompt);

    text_format(&writer, "\r%s", editor->config.prompt);
    text_bytes(&writer, editor->line + editor->window, rest < visible ? rest : visible);
    text_string(&writer, "\x1b[K\r");
    if (prompt + cursor - editor->window != 0) {
        text_format(&writer, "\x1b[%zuC", prompt + cursor - editor->window);
    }
    editor->config.write(editor->config.context, row, writer.length);
}

void line_editor_draw(line_editor_t *editor)
{
    scroll(editor);
    draw_row(editor, editor->cursor);
}

bool line_editor_draw_last(line_editor_t *editor)
{
    if (editor->window != 0 || editor->length > visible_max(editor)) {
        return false;
    }
    editor->config.write(editor->config.context, editor->line + editor->length - 1, 1);
    return true;
}

void line_editor_draw_leave(line_editor_t *editor, const char *text)
{
    if (editor->cursor != editor->length) {
        editor->cursor = editor->length;
        line_editor_draw(editor);
    }
    write_text(editor, text);
}

void line_editor_draw_clear(line_editor_t *editor)
{
    write_text(editor, "\x1b[H\x1b[2J");
    line_editor_draw(editor);
}

void line_editor_redraw(line_editor_t *editor)
{
    line_editor_draw(editor);
}

void line_editor_bell(line_editor_t *editor)
{
    write_text(editor, "\a");
}
