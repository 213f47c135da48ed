/*
 * Tab: completes the word before the cursor, a command's name in first place and a KFS path elsewhere.
 *
 * What all candidates have in common is put in; when that adds nothing, they are listed. A single candidate also gets what comes
 * after it: '/' for a directory, a blank for the rest.
 */
#include "line_editor.h"
#include "shell_commands.h"

#define CANDIDATE_MAX (KFS_NAME_MAX + 2)
#define COLUMN_WIDTH  20u

/* What the candidates seen so far have in common. */
typedef struct completion {
    shell_t *shell;
    const char *prefix; /* what is typed of the word's last part */
    size_t prefix_length;
    size_t count;
    char common[CANDIDATE_MAX]; /* starts with the prefix */
    bool is_directory;          /* of the last candidate */
    bool is_listing;            /* second pass: show instead of comparing */
} completion_t;

static bool matches(const completion_t *completion, const char *name)
{
    for (size_t index = 0; index < completion->prefix_length; index++) {
        if (name[index] != completion->prefix[index]) {
            return false;
        }
    }
    return true;
}

static void offer(completion_t *completion, const char *name, bool is_directory)
{
    if (!matches(completion, name)) {
        return;
    }
    if (completion->is_listing) {
        shell_print(completion->shell, "%s%-*s", completion->count % 3 == 0 ? "\n" : "", (int)COLUMN_WIDTH, name);
    } else if (completion->count == 0) {
        text_print(completion->common, sizeof(completion->common), "%s", name);
    } else {
        size_t same = 0;
        while (completion->common[same] != '\0' && completion->common[same] == name[same]) {
            same++;
        }
        completion->common[same] = '\0';
    }
    completion->is_directory = is_directory;
    completion->count++;
}

static void offer_commands(completion_t *completion)
{
    const shell_t *const shell = completion->shell;
    for (size_t table = 0; table < shell->table_count; table++) {
        for (size_t index = 0; index < shell->tables[table].count; index++) {
            offer(completion, shell->tables[table].commands[index].name, false);
        }
    }
}

/* Offers the entries of the directory that `word`, up to its last slash, names. */
static void offer_entries(completion_t *completion, const char *word, size_t directory_length)
{
    char directory[LINE_LENGTH_MAX + 1];
    text_writer_t writer = text_writer(directory, sizeof(directory));
    text_bytes(&writer, word, directory_length);
    kfs_file_t *file;
    if (kfs_open(completion->shell->kfs, directory, &file) != STATUS_OK) {
        return; /* nothing to offer: the bell says so */
    }
    kfs_entry_t entry;
    for (uint64_t index = 0; kfs_readdir(file, index, &entry) == STATUS_OK; index++) {
        offer(completion, entry.name, entry.is_directory);
    }
    kfs_close(file);
}

/* Where the word before the cursor starts, and whether a command is expected there. */
static size_t find_word(const line_editor_t *editor, bool *is_command)
{
    size_t start = editor->cursor;
    while (start > 0 && editor->line[start - 1] != ' ' && editor->line[start - 1] != ';') {
        start--;
    }
    size_t before = start;
    while (before > 0 && editor->line[before - 1] == ' ') {
        before--;
    }
    *is_command = before == 0 || editor->line[before - 1] == ';';
    return start;
}

static void offer_all(completion_t *completion, const char *word, size_t word_length, bool is_command)
{
    size_t last_part = word_length;
    while (last_part > 0 && word[last_part - 1] != '/') {
        last_part--;
    }
    completion->count = 0;
    completion->prefix = is_command ? word : word + last_part;
    completion->prefix_length = is_command ? word_length : word_length - last_part;
    if (is_command) {
        offer_commands(completion);
    } else {
        offer_entries(completion, word, last_part);
    }
}

void shell_complete(void *context, line_editor_t *editor)
{
    completion_t completion = {.shell = context};
    bool is_command;
    const size_t start = find_word(editor, &is_command);
    const char *const word = editor->line + start;
    const size_t word_length = editor->cursor - start;

    if (!is_command && word_length < 2) {
        /* A path starts at the root; there is nowhere else to start. */
        line_editor_insert(editor, "//", word_length == 0 ? 2 : editor->line[start] == '/' ? 1 : 0);
        return;
    }
    offer_all(&completion, word, word_length, is_command);
    if (completion.count == 0) {
        line_editor_bell(editor);
        return;
    }
    const size_t added = text_length(completion.common) - completion.prefix_length;
    if (added == 0 && completion.count > 1) {
        completion.is_listing = true;
        offer_all(&completion, word, word_length, is_command);
        shell_print(completion.shell, "\n");
        line_editor_redraw(editor);
        return;
    }
    char insertion[CANDIDATE_MAX + 1];
    const char *const end = completion.count > 1 ? "" : completion.is_directory ? "/" : " ";
    const size_t length =
        text_print(insertion, sizeof(insertion), "%s%s", completion.common + completion.prefix_length, end);
    line_editor_insert(editor, insertion, length);
}
