/*
 * The shell proper: finding commands, running lists, and what every command may use.
 */
#include "kernel/shell.h"

#include "arch/timer.h"
#include "line_editor.h"
#include "mm/kmalloc.h"
#include "shell_commands.h"
#include "shell_parse.h"

#define PRINT_LENGTH_MAX 512
#define KEY_INTERRUPT    3 /* Ctrl-C */

void shell_init(shell_t *shell, const shell_io_t *io, kfs_t *kfs, shell_command_table_t extra)
{
    *shell = (shell_t){.io = *io, .kfs = kfs};
    shell->tables[shell->table_count++] = shell_file_commands;
    shell->tables[shell->table_count++] = shell_memory_commands;
    shell->tables[shell->table_count++] = shell_stress_commands;
    shell->tables[shell->table_count++] = shell_system_commands;
    shell->tables[shell->table_count++] = extra;
}

void shell_print(shell_t *shell, const char *format, ...)
{
    char buffer[PRINT_LENGTH_MAX];
    text_writer_t writer = text_writer(buffer, sizeof(buffer));
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&writer, format, arguments);
    va_end(arguments);
    shell->io.write(shell->io.context, buffer, writer.length < sizeof(buffer) ? writer.length : sizeof(buffer) - 1);
}

int shell_fail(shell_t *shell, const char *name, const char *format, ...)
{
    char buffer[PRINT_LENGTH_MAX];
    text_writer_t writer = text_writer(buffer, sizeof(buffer));
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&writer, format, arguments);
    va_end(arguments);
    shell_print(shell, "%s: %s\n", name, buffer);
    return SHELL_FAILED;
}

int shell_usage(shell_t *shell, const char *name)
{
    const shell_command_t *const command = shell_find_command(shell, name);
    shell_print(shell, "usage: %s %s\n", name, command != NULL ? command->arguments : "");
    return SHELL_USAGE;
}

const shell_command_t *shell_find_command(const shell_t *shell, const char *name)
{
    for (size_t table = 0; table < shell->table_count; table++) {
        for (size_t index = 0; index < shell->tables[table].count; index++) {
            if (text_equal(shell->tables[table].commands[index].name, name)) {
                return &shell->tables[table].commands[index];
            }
        }
    }
    return NULL;
}

/* Takes what has come in: Ctrl-C is noted, the rest kept for the prompt as far as there is room. */
static void collect_input(shell_t *shell)
{
    for (int byte = shell->io.read(shell->io.context); byte >= 0; byte = shell->io.read(shell->io.context)) {
        if (byte == KEY_INTERRUPT) {
            shell->is_interrupted = true;
            shell->typeahead_count = 0;
        } else if (shell->typeahead_count < SHELL_TYPEAHEAD_MAX) {
            shell->typeahead[shell->typeahead_count++] = (uint8_t)byte;
        }
    }
}

/* The next byte of what was kept, or else of the input; -1 when there is none. */
static int next_byte(shell_t *shell)
{
    if (shell->typeahead_count == 0) {
        return shell->io.read(shell->io.context);
    }
    const int byte = shell->typeahead[0];
    shell->typeahead_count--;
    for (size_t index = 0; index < shell->typeahead_count; index++) {
        shell->typeahead[index] = shell->typeahead[index + 1];
    }
    return byte;
}

bool shell_was_interrupted(shell_t *shell)
{
    collect_input(shell);
    return shell->is_interrupted;
}

int shell_wait_key(shell_t *shell, uint64_t nanoseconds)
{
    const uint64_t start = timer_nanoseconds();
    while (!shell_was_interrupted(shell)) {
        if (shell->typeahead_count != 0) {
            return next_byte(shell);
        }
        if (timer_nanoseconds() - start >= nanoseconds) {
            break;
        }
        shell->io.wait(shell->io.context);
    }
    return -1;
}

status_t shell_read_file(shell_t *shell, const char *path, char **text, size_t *length)
{
    kfs_file_t *file;
    kfs_stat_t stat;
    status_t status = kfs_stat(shell->kfs, path, &stat);
    if (status == STATUS_OK) {
        status = kfs_open(shell->kfs, path, &file);
    }
    if (status != STATUS_OK) {
        return status;
    }
    /* The snapshot may be longer than what stat said a moment ago; a doubling buffer reads it all, from one open file. */
    size_t capacity = (size_t)stat.size_bytes + 64;
    char *buffer = kmalloc(capacity);
    size_t used = 0;
    status = buffer != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    while (status == STATUS_OK) {
        size_t count;
        status = kfs_read(file, used, buffer + used, capacity - 1 - used, &count);
        used += count;
        if (status != STATUS_OK || used < capacity - 1) {
            break;
        }
        capacity *= 2;
        char *const larger = krealloc(buffer, capacity);
        if (larger == NULL) {
            status = STATUS_NO_MEMORY;
        } else {
            buffer = larger;
        }
    }
    kfs_close(file);
    if (status != STATUS_OK) {
        kfree(buffer);
        return status;
    }
    buffer[used] = '\0';
    *text = buffer;
    *length = used;
    return STATUS_OK;
}

/* Runs one command; its words are there. */
static int run_command(shell_t *shell, shell_words_t *words)
{
    const shell_command_t *const command = shell_find_command(shell, words->words[0]);
    if (command == NULL) {
        shell_print(shell, "%s: no such command; try help\n", words->words[0]);
        return SHELL_UNKNOWN;
    }
    const int status = command->run(shell, words->count, words->words);
    return shell->is_interrupted && status == SHELL_OK ? SHELL_INTERRUPTED : status;
}

int shell_run_list(shell_t *shell, const char *list)
{
    shell_words_t *const words = kmalloc(sizeof(*words));
    if (words == NULL) {
        return shell_fail(shell, "shell", "no memory to run a command");
    }
    int first_failure = SHELL_OK;
    shell->is_interrupted = false;
    while (!shell->is_ended && !shell->is_interrupted) {
        int status = SHELL_OK;
        const status_t parsed = shell_parse_command(&list, words);
        if (parsed == STATUS_NOT_FOUND) {
            break;
        }
        if (parsed != STATUS_OK) {
            status = shell_fail(shell, "shell", "%s",
                                parsed == STATUS_INVALID ? "a quote is not closed" : "the command is too long");
        } else if (words->count != 0) {
            status = run_command(shell, words);
        }
        first_failure = first_failure == SHELL_OK ? status : first_failure;
    }
    kfree(words);
    return first_failure;
}

static void editor_write(void *context, const char *bytes, size_t length)
{
    const shell_t *const shell = context;
    shell->io.write(shell->io.context, bytes, length);
}

/* Reads a line into editor->line. Returns false when the input ends. */
static bool read_line(shell_t *shell, line_editor_t *editor)
{
    line_editor_begin(editor);
    for (;;) {
        const int byte = next_byte(shell);
        if (byte < 0) {
            shell->io.wait(shell->io.context);
            continue;
        }
        switch (line_editor_key(editor, (uint8_t)byte)) {
        case LINE_EVENT_LINE:
            return true;
        case LINE_EVENT_INTERRUPT:
            line_editor_begin(editor);
            break;
        case LINE_EVENT_END:
            return false;
        case LINE_EVENT_NONE:
            break;
        }
    }
}

int shell_interact(shell_t *shell)
{
    static const line_editor_config_t config = {
        .prompt = "quarry> ",
        .write = editor_write,
        .complete = shell_complete,
    };
    line_editor_t *const editor = kmalloc(sizeof(*editor));
    if (editor == NULL) {
        return shell_fail(shell, "shell", "no memory for a line editor");
    }
    line_editor_config_t own = config;
    own.context = shell;
    line_editor_init(editor, &own);

    while (!shell->is_ended && read_line(shell, editor)) {
        const int status = shell_run_list(shell, editor->line);
        if (status != SHELL_OK && !shell->is_ended) {
            shell_print(shell, "(status %d)\n", status);
        }
    }
    kfree(editor);
    return shell->is_ended ? shell->end_status : SHELL_OK;
}
