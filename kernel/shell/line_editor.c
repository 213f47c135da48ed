/*
 * The line editor: what the line is.
 *
 * Invariants
 *   E1  cursor <= length <= LINE_LENGTH_MAX, line[length] is the terminator
 *   E2  the line holds printable ASCII only
 *   E3  what line_editor_draw() was last asked to show is what the terminal shows (line_editor_draw.c)
 */
#include "line_editor.h"

#include "base/text.h"
#include "line_editor_draw.h"

#define KEY(letter) ((letter) - 'A' + 1)
#define KEY_ESCAPE  27
#define KEY_DELETE  127

void line_editor_init(line_editor_t *editor, const line_editor_config_t *config)
{
    *editor = (line_editor_t){.config = *config};
}

void line_editor_begin(line_editor_t *editor)
{
    editor->line[0] = '\0';
    editor->length = editor->cursor = editor->window = 0;
    editor->history_at = editor->history_count;
    editor->escape = LINE_ESCAPE_NONE;
    line_editor_draw(editor);
}

/* Makes room for `count` characters at `at`, or with a negative count takes as many out. */
static void shift(line_editor_t *editor, size_t at, ptrdiff_t count)
{
    if (count >= 0) {
        for (size_t index = editor->length + 1; index-- > at;) {
            editor->line[index + (size_t)count] = editor->line[index];
        }
    } else {
        for (size_t index = at + (size_t)-count; index <= editor->length; index++) {
            editor->line[index - (size_t)-count] = editor->line[index];
        }
    }
    editor->length = (size_t)((ptrdiff_t)editor->length + count);
}

void line_editor_insert(line_editor_t *editor, const char *text, size_t length)
{
    const size_t room = LINE_LENGTH_MAX - editor->length;
    const size_t count = length < room ? length : room;
    const bool was_at_end = editor->cursor == editor->length;
    shift(editor, editor->cursor, (ptrdiff_t)count);
    for (size_t index = 0; index < count; index++) {
        editor->line[editor->cursor + index] = text[index];
    }
    editor->cursor += count;
    if (count < length) {
        line_editor_bell(editor);
    }
    if (count == 1 && was_at_end && line_editor_draw_last(editor)) {
        return;
    }
    line_editor_draw(editor);
}

/* Takes out [from, to), and leaves the cursor there. */
static void erase(line_editor_t *editor, size_t from, size_t to)
{
    if (from == to) {
        line_editor_bell(editor);
        return;
    }
    shift(editor, from, -(ptrdiff_t)(to - from));
    editor->cursor = from;
    line_editor_draw(editor);
}

/* Where the word before the cursor starts: blanks, then everything up to a blank. */
static size_t word_start(const line_editor_t *editor)
{
    size_t at = editor->cursor;
    while (at > 0 && editor->line[at - 1] == ' ') {
        at--;
    }
    while (at > 0 && editor->line[at - 1] != ' ') {
        at--;
    }
    return at;
}

static void move(line_editor_t *editor, size_t to)
{
    editor->cursor = to;
    line_editor_draw(editor);
}

static void copy_line(char *to, const char *from)
{
    text_print(to, LINE_LENGTH_MAX + 1, "%s", from);
}

static void set_line(line_editor_t *editor, const char *text)
{
    copy_line(editor->line, text);
    editor->length = editor->cursor = text_length(editor->line);
    editor->window = 0;
    line_editor_draw(editor);
}

/* Goes `up` or down in the history; the line being written is below its newest entry. */
static void browse(line_editor_t *editor, bool up)
{
    const uint64_t oldest = editor->history_count > LINE_HISTORY_COUNT ? editor->history_count - LINE_HISTORY_COUNT : 0;
    if (editor->history_at == (up ? oldest : editor->history_count)) {
        line_editor_bell(editor);
        return;
    }
    if (editor->history_at == editor->history_count) {
        copy_line(editor->draft, editor->line);
    }
    editor->history_at = up ? editor->history_at - 1 : editor->history_at + 1;
    set_line(editor, editor->history_at == editor->history_count
                         ? editor->draft
                         : editor->history[editor->history_at % LINE_HISTORY_COUNT]);
}

/* Remembers the line, unless it is blank or the same as the one before. */
static void remember(line_editor_t *editor)
{
    size_t blanks = 0;
    while (editor->line[blanks] == ' ') {
        blanks++;
    }
    if (editor->line[blanks] == '\0' ||
        (editor->history_count != 0 &&
         text_equal(editor->history[(editor->history_count - 1) % LINE_HISTORY_COUNT], editor->line))) {
        return;
    }
    copy_line(editor->history[editor->history_count % LINE_HISTORY_COUNT], editor->line);
    editor->history_count++;
}

static line_event_t finish(line_editor_t *editor)
{
    line_editor_draw_leave(editor, "\n");
    remember(editor);
    return LINE_EVENT_LINE;
}

static line_event_t give_up(line_editor_t *editor)
{
    line_editor_draw_leave(editor, "^C\n");
    return LINE_EVENT_INTERRUPT;
}

/* Cursor keys, by the final letter of their sequence; keys with a number end in '~'. */
static void escape_key(line_editor_t *editor, uint8_t final)
{
    const unsigned number = final == '~' ? editor->escape_number : 0;
    if (final == 'A') {
        browse(editor, true);
    } else if (final == 'B') {
        browse(editor, false);
    } else if (final == 'C' && editor->cursor < editor->length) {
        move(editor, editor->cursor + 1);
    } else if (final == 'D' && editor->cursor > 0) {
        move(editor, editor->cursor - 1);
    } else if (final == 'H' || number == 1 || number == 7) {
        move(editor, 0);
    } else if (final == 'F' || number == 4 || number == 8) {
        move(editor, editor->length);
    } else if (number == 3) {
        erase(editor, editor->cursor, editor->cursor + (editor->cursor < editor->length));
    }
}

/* A byte of an escape sequence. Parameters that no key of ours has are skipped, whatever their length. */
static void escape_byte(line_editor_t *editor, uint8_t byte)
{
    if (editor->escape == LINE_ESCAPE_BEGUN) {
        editor->escape_number = 0;
        editor->escape = byte == '[' ? LINE_ESCAPE_BRACKET : byte == 'O' ? LINE_ESCAPE_SINGLE : LINE_ESCAPE_NONE;
        return;
    }
    if (editor->escape == LINE_ESCAPE_BRACKET && byte >= '0' && byte <= '?') {
        const unsigned digit = byte <= '9' ? (unsigned)(byte - '0') : 0;
        editor->escape_number = editor->escape_number < 100 ? editor->escape_number * 10 + digit : 100;
        return;
    }
    editor->escape = LINE_ESCAPE_NONE;
    escape_key(editor, byte);
}

/* Ctrl keys that edit. */
static void control_key(line_editor_t *editor, uint8_t byte)
{
    const bool can_go_left = editor->cursor > 0;
    const bool can_go_right = editor->cursor < editor->length;
    switch (byte) {
    case KEY('A'):
        move(editor, 0);
        break;
    case KEY('B'):
        move(editor, editor->cursor - can_go_left);
        break;
    case KEY('D'):
        erase(editor, editor->cursor, editor->cursor + can_go_right);
        break;
    case KEY('E'):
        move(editor, editor->length);
        break;
    case KEY('F'):
        move(editor, editor->cursor + can_go_right);
        break;
    case KEY('H'):
    case KEY_DELETE:
        erase(editor, editor->cursor - can_go_left, editor->cursor);
        break;
    case KEY('I'):
        if (editor->config.complete != NULL) {
            editor->config.complete(editor->config.context, editor);
        } else {
            line_editor_bell(editor);
        }
        break;
    case KEY('K'):
        erase(editor, editor->cursor, editor->length);
        break;
    case KEY('L'):
        line_editor_draw_clear(editor);
        break;
    case KEY('N'):
        browse(editor, false);
        break;
    case KEY('P'):
        browse(editor, true);
        break;
    case KEY('U'):
        erase(editor, 0, editor->cursor);
        break;
    case KEY('W'):
        erase(editor, word_start(editor), editor->cursor);
        break;
    default:
        break;
    }
}

line_event_t line_editor_key(line_editor_t *editor, uint8_t byte)
{
    const bool follows_return = editor->ended_by_return;
    editor->ended_by_return = byte == '\r' && editor->escape == LINE_ESCAPE_NONE;
    if (byte == KEY_ESCAPE) {
        editor->escape = LINE_ESCAPE_BEGUN;
        return LINE_EVENT_NONE;
    }
    if (editor->escape != LINE_ESCAPE_NONE && byte >= ' ') {
        escape_byte(editor, byte);
        return LINE_EVENT_NONE;
    }
    editor->escape = LINE_ESCAPE_NONE;
    if (byte == '\n' && follows_return) {
        return LINE_EVENT_NONE;
    }
    if (byte == '\r' || byte == '\n') {
        return finish(editor);
    }
    if (byte == KEY('C')) {
        return give_up(editor);
    }
    if (byte == KEY('D') && editor->length == 0) {
        line_editor_draw_leave(editor, "\n");
        return LINE_EVENT_END;
    }
    if (byte >= ' ' && byte < KEY_DELETE) {
        const char character = (char)byte;
        line_editor_insert(editor, &character, 1);
    } else {
        control_key(editor, byte);
    }
    return LINE_EVENT_NONE;
}
