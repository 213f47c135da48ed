/*
 * The line editor: line and screen are what a naive model of a line and of a terminal make of the same keys.
 */
#include "kernel/shell/line_editor.h"

#include "base/text.h"
#include "testing/property/property.h"

/* ---- a terminal, as far as the editor uses one ---- */

typedef struct terminal {
    char row[LINE_COLUMNS];
    size_t column;
    char escape[8];
    size_t escape_length;
    bool is_broken; /* a byte that this terminal does not know, or a column beyond its edge */
} terminal_t;

static void terminal_clear(terminal_t *terminal, size_t from)
{
    for (size_t i = from; i < LINE_COLUMNS; i++) {
        terminal->row[i] = ' ';
    }
}

/* Takes a whole sequence: ESC [ digits letter. */
static void terminal_escape(terminal_t *terminal, char final)
{
    size_t number = 0;
    for (size_t i = 2; i + 1 < terminal->escape_length; i++) {
        number = number * 10 + (size_t)(terminal->escape[i] - '0');
    }
    if (final == 'K') {
        terminal_clear(terminal, terminal->column);
    } else if (final == 'C') {
        terminal->column += number == 0 ? 1 : number;
    } else if (final == 'H') {
        terminal->column = 0;
    } else if (final == 'J') {
        terminal_clear(terminal, 0);
    } else {
        terminal->is_broken = true;
    }
}

static void terminal_byte(terminal_t *terminal, char byte)
{
    if (terminal->escape_length != 0) {
        if (terminal->escape_length == sizeof(terminal->escape)) {
            terminal->is_broken = true;
            return;
        }
        terminal->escape[terminal->escape_length++] = byte;
        if (terminal->escape_length > 2 && (byte < '0' || byte > '9')) {
            terminal_escape(terminal, byte);
            terminal->escape_length = 0;
        }
    } else if (byte == '\x1b') {
        terminal->escape[terminal->escape_length++] = byte;
    } else if (byte == '\r') {
        terminal->column = 0;
    } else if (byte == '\n') {
        terminal->column = 0;
        terminal_clear(terminal, 0);
    } else if (byte >= ' ' && byte <= '~' && terminal->column < LINE_COLUMNS) {
        terminal->row[terminal->column++] = byte;
    } else if (byte != '\a') {
        terminal->is_broken = true;
    }
    terminal->is_broken = terminal->is_broken || terminal->column >= LINE_COLUMNS;
}

static void terminal_write(void *context, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        terminal_byte(context, bytes[i]);
    }
}

/* ---- the editor against a model of a line ---- */

#define MODEL_HISTORY 64u

typedef struct editor_world {
    line_editor_t editor;
    terminal_t terminal;
    char line[LINE_LENGTH_MAX + 1];
    size_t cursor;
    char draft[LINE_LENGTH_MAX + 1];
    char history[MODEL_HISTORY][LINE_LENGTH_MAX + 1];
    size_t history_count;
    size_t history_at;
    bool follows_return; /* the last byte was one */
} editor_world_t;

#define PROMPT "test> "

static void model_set(char *to, const char *from)
{
    (void)text_print(to, LINE_LENGTH_MAX + 1, "%s", from);
}

/* Replaces [from, to) of the model's line by `text`, and puts the cursor behind that. */
static void model_replace(editor_world_t *world, size_t from, size_t to, const char *text)
{
    char result[LINE_LENGTH_MAX + 1];
    text_writer_t writer = text_writer(result, sizeof(result));
    text_bytes(&writer, world->line, from);
    text_string(&writer, text);
    const size_t cursor = writer.length;
    text_string(&writer, world->line + to);
    if (!text_is_truncated(&writer)) {
        model_set(world->line, result);
        world->cursor = cursor;
    }
}

static void model_browse(editor_world_t *world, bool up)
{
    const size_t oldest = world->history_count > LINE_HISTORY_COUNT ? world->history_count - LINE_HISTORY_COUNT : 0;
    if (up ? world->history_at == oldest : world->history_at == world->history_count) {
        return;
    }
    if (world->history_at == world->history_count) {
        model_set(world->draft, world->line);
    }
    world->history_at += up ? (size_t)-1 : 1;
    model_set(world->line,
              world->history_at == world->history_count ? world->draft : world->history[world->history_at]);
    world->cursor = text_length(world->line);
}

static void model_new_line(editor_world_t *world)
{
    world->line[0] = '\0';
    world->cursor = 0;
    world->history_at = world->history_count;
}

static void model_enter(editor_world_t *world)
{
    bool is_blank = true;
    for (const char *at = world->line; *at != '\0'; at++) {
        is_blank = is_blank && *at == ' ';
    }
    const bool is_again =
        world->history_count != 0 && text_equal(world->history[world->history_count - 1], world->line);
    if (!is_blank && !is_again) {
        model_set(world->history[world->history_count++], world->line);
    }
}

static size_t model_word_start(const editor_world_t *world)
{
    size_t at = world->cursor;
    bool seen_word = false;
    while (at > 0 && !(seen_word && world->line[at - 1] == ' ')) {
        at--;
        seen_word = seen_word || world->line[at] != ' ';
    }
    return at;
}

typedef enum editor_key {
    KEY_CHARACTER,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_HOME,
    KEY_END,
    KEY_BACKSPACE,
    KEY_DELETE,
    KEY_KILL_START,
    KEY_KILL_END,
    KEY_KILL_WORD,
    KEY_UP,
    KEY_DOWN,
    KEY_RETURN,
    KEY_GIVE_UP,
    KEY_CLEAR,
    KEY_NONSENSE,
    KEY_COUNT
} editor_key_t;

/* The bytes that terminals send for a key: one of several spellings. */
static const char *const key_bytes[KEY_COUNT][3] = {
    [KEY_LEFT] = {"\x1b[D", "\x02", "\x1bOD"},
    [KEY_RIGHT] = {"\x1b[C", "\x06", "\x1bOC"},
    [KEY_HOME] = {"\x01", "\x1b[H", "\x1b[1~"},
    [KEY_END] = {"\x05", "\x1b[F", "\x1b[4~"},
    [KEY_BACKSPACE] = {"\x7f", "\x08", "\x7f"},
    [KEY_DELETE] = {"\x1b[3~", "\x1b[3~", "\x1b[3~"},
    [KEY_KILL_START] = {"\x15", "\x15", "\x15"},
    [KEY_KILL_END] = {"\x0b", "\x0b", "\x0b"},
    [KEY_KILL_WORD] = {"\x17", "\x17", "\x17"},
    [KEY_UP] = {"\x1b[A", "\x10", "\x1bOA"},
    [KEY_DOWN] = {"\x1b[B", "\x0e", "\x1bOB"},
    [KEY_RETURN] = {"\r", "\n", "\r\n"},
    [KEY_GIVE_UP] = {"\x03", "\x03", "\x03"},
    [KEY_CLEAR] = {"\x0c", "\x0c", "\x0c"},
    [KEY_NONSENSE] = {"\x1b[99;1;1;1;1z", "\x1c", "\x1bx"},
};

static void model_key(editor_world_t *world, editor_key_t key, char character)
{
    const size_t length = text_length(world->line);
    const char text[2] = {character, '\0'};
    switch (key) {
    case KEY_CHARACTER:
        model_replace(world, world->cursor, world->cursor, text);
        break;
    case KEY_LEFT:
        world->cursor -= world->cursor > 0;
        break;
    case KEY_RIGHT:
        world->cursor += world->cursor < length;
        break;
    case KEY_HOME:
        world->cursor = 0;
        break;
    case KEY_END:
        world->cursor = length;
        break;
    case KEY_BACKSPACE:
        model_replace(world, world->cursor - (world->cursor > 0), world->cursor, "");
        break;
    case KEY_DELETE:
        model_replace(world, world->cursor, world->cursor + (world->cursor < length), "");
        break;
    case KEY_KILL_START:
        model_replace(world, 0, world->cursor, "");
        break;
    case KEY_KILL_END:
        model_replace(world, world->cursor, length, "");
        break;
    case KEY_KILL_WORD:
        model_replace(world, model_word_start(world), world->cursor, "");
        break;
    case KEY_UP:
    case KEY_DOWN:
        model_browse(world, key == KEY_UP);
        break;
    case KEY_RETURN:
        model_enter(world);
        model_new_line(world);
        break;
    case KEY_GIVE_UP:
        model_new_line(world);
        break;
    case KEY_CLEAR:
    case KEY_NONSENSE:
    case KEY_COUNT:
        break;
    }
}

/* Sends a key's bytes; after an event the next line is begun, as the shell does. */
static void send_key(property_run_t *run, editor_world_t *world, editor_key_t key, const char *bytes)
{
    line_event_t event = LINE_EVENT_NONE;
    for (; *bytes != '\0'; bytes++) {
        const line_event_t one = line_editor_key(&world->editor, (uint8_t)*bytes);
        if (one == LINE_EVENT_LINE) {
            PROPERTY_EXPECT_TEXT(run, world->line, world->editor.line);
        }
        if (one != LINE_EVENT_NONE) {
            PROPERTY_EXPECT_EQUAL(run, event, LINE_EVENT_NONE); /* a "\r\n" is one end of line */
            event = one;
            line_editor_begin(&world->editor);
        }
    }
    const line_event_t expected = key == KEY_RETURN    ? LINE_EVENT_LINE
                                  : key == KEY_GIVE_UP ? LINE_EVENT_INTERRUPT
                                                       : LINE_EVENT_NONE;
    PROPERTY_EXPECT_EQUAL(run, event, expected);
}

/* The row shows the prompt and a stretch of the line that has the cursor in it, and nothing else. */
static void expect_screen(property_run_t *run, const editor_world_t *world)
{
    const size_t prompt = text_length(PROMPT);
    const size_t length = text_length(world->line);
    PROPERTY_EXPECT(run, !world->terminal.is_broken);
    PROPERTY_EXPECT_EQUAL(run, world->terminal.escape_length, 0);
    const size_t window = world->cursor - (world->terminal.column - prompt);
    PROPERTY_EXPECT(run, world->terminal.column >= prompt && window <= world->cursor);
    const size_t visible = LINE_COLUMNS - LINE_COLUMNS_SPARE - prompt;
    PROPERTY_EXPECT(run, window == 0 || length - window >= visible); /* no more is hidden than must be */
    for (size_t column = 0; column < LINE_COLUMNS; column++) {
        const size_t index = window + column - prompt;
        const char expected = column < prompt                               ? PROMPT[column]
                              : column - prompt < visible && index < length ? world->line[index]
                                                                            : ' ';
        PROPERTY_EXPECT_EQUAL(run, world->terminal.row[column], expected);
    }
}

/* Validates 4.12: whatever keys come, the line and the screen are what a naive editor makes of them. */
static void any_keys_edit_as_the_model_does(property_run_t *run)
{
    editor_world_t *const world = property_alloc(run, sizeof(*world));
    const line_editor_config_t config = {
        .prompt = PROMPT,
        .write = terminal_write,
        .context = &world->terminal,
    };
    terminal_clear(&world->terminal, 0);
    line_editor_init(&world->editor, &config);
    line_editor_begin(&world->editor);
    for (uint32_t step = 0; step < run->steps && world->history_count < MODEL_HISTORY; step++) {
        static const uint32_t weights[KEY_COUNT] = {12, 3, 2, 1, 1, 2, 2, 1, 1, 2, 3, 2, 2, 1, 1, 1};
        const editor_key_t key = (editor_key_t)property_choice(run, weights, KEY_COUNT);
        /* Long stretches of one key reach the edges: the window's, the line's, the history's. */
        const uint64_t times = property_draw(run, 8) == 7 ? 1 + property_draw(run, 120) : 1;
        const char character = " ab/"[property_draw(run, 4)];
        const size_t spelling = property_draw(run, 3);
        property_note(run, "key %u, %u times, '%c'", (unsigned)key, (unsigned)times, character);
        for (uint64_t time = 0; time < times && world->history_count < MODEL_HISTORY; time++) {
            const char typed[2] = {character, '\0'};
            const char *const usual = key == KEY_CHARACTER ? typed : key_bytes[key][spelling];
            /* A newline right after a return is no key of its own. */
            const char *const bytes = usual[0] == '\n' && world->follows_return ? "\r" : usual;
            world->follows_return = bytes[0] == '\r' && bytes[1] == '\0';
            send_key(run, world, key, bytes);
            model_key(world, key, character);
            PROPERTY_EXPECT_TEXT(run, world->line, world->editor.line);
            PROPERTY_EXPECT_EQUAL(run, world->cursor, world->editor.cursor);
            expect_screen(run, world);
        }
    }
}

/* Validates 4.12: any bytes at all leave the editor sound. */
static void any_bytes_leave_the_editor_sound(property_run_t *run)
{
    editor_world_t *const world = property_alloc(run, sizeof(*world));
    const line_editor_config_t config = {
        .prompt = PROMPT,
        .write = terminal_write,
        .context = &world->terminal,
    };
    terminal_clear(&world->terminal, 0);
    line_editor_init(&world->editor, &config);
    line_editor_begin(&world->editor);
    for (uint32_t step = 0; step < run->steps; step++) {
        if (line_editor_key(&world->editor, (uint8_t)property_draw(run, 256)) != LINE_EVENT_NONE) {
            line_editor_begin(&world->editor);
        }
        PROPERTY_EXPECT(run, world->editor.cursor <= world->editor.length);
        PROPERTY_EXPECT_EQUAL(run, text_length(world->editor.line), world->editor.length);
        PROPERTY_EXPECT(run, !world->terminal.is_broken);
    }
}

PROPERTY_SUITE(line_editor, PROPERTY(any_keys_edit_as_the_model_does, "4.12"),
               PROPERTY(any_bytes_leave_the_editor_sound, "4.12"));
