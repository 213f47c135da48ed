/*
 * ls, cat, tree, stat, write: KFS by the same calls that any other reader uses.
 */
#include "mm/kmalloc.h"
#include "shell_commands.h"

#define TREE_DEPTH_MAX 16
#define READ_CHUNK     256

/* Says what went wrong with a path. */
static int path_failed(shell_t *shell, const char *command, const char *path, status_t status)
{
    const char *const reason = status == STATUS_INVALID ? "a path starts with //" : status_name(status);
    return shell_fail(shell, command, "%s: %s", path, reason);
}

static int ls_one(shell_t *shell, const char *path)
{
    kfs_stat_t stat;
    kfs_file_t *file;
    status_t status = kfs_stat(shell->kfs, path, &stat);
    if (status == STATUS_OK && !stat.entry.is_directory) {
        shell_print(shell, "%s\n", path);
        return SHELL_OK;
    }
    if (status == STATUS_OK) {
        status = kfs_open(shell->kfs, path, &file);
    }
    if (status != STATUS_OK) {
        return path_failed(shell, "ls", path, status);
    }
    kfs_entry_t entry;
    for (uint64_t index = 0; kfs_readdir(file, index, &entry) == STATUS_OK; index++) {
        shell_print(shell, "%s%s\n", entry.name, entry.is_directory ? "/" : "");
    }
    kfs_close(file);
    return SHELL_OK;
}

static int run_ls(shell_t *shell, int count, char **arguments)
{
    int status = count == 1 ? ls_one(shell, "//") : SHELL_OK;
    for (int index = 1; index < count; index++) {
        const int one = ls_one(shell, arguments[index]);
        status = status == SHELL_OK ? one : status;
    }
    return status;
}

static int cat_one(shell_t *shell, const char *path)
{
    kfs_file_t *file;
    status_t status = kfs_open(shell->kfs, path, &file);
    if (status != STATUS_OK) {
        return path_failed(shell, "cat", path, status);
    }
    char chunk[READ_CHUNK];
    size_t length = 1;
    for (uint64_t offset = 0; status == STATUS_OK && length != 0 && !shell_was_interrupted(shell); offset += length) {
        status = kfs_read(file, offset, chunk, sizeof(chunk), &length);
        shell->io.write(shell->io.context, chunk, length);
    }
    kfs_close(file);
    if (status == STATUS_INVALID) {
        return shell_fail(shell, "cat", "%s: is a directory", path);
    }
    return status == STATUS_OK ? SHELL_OK : path_failed(shell, "cat", path, status);
}

static int run_cat(shell_t *shell, int count, char **arguments)
{
    if (count < 2) {
        return shell_usage(shell, arguments[0]);
    }
    int status = SHELL_OK;
    for (int index = 1; index < count; index++) {
        const int one = cat_one(shell, arguments[index]);
        status = status == SHELL_OK ? one : status;
    }
    return status;
}

/* Shows what is below `path`, which is in a buffer of KFS_PATH_MAX + 1 and comes back as it was. Recursion ends at TREE_DEPTH_MAX. */
static int tree_below(shell_t *shell, char *path, unsigned depth)
{
    kfs_file_t *file;
    const status_t status = kfs_open(shell->kfs, path, &file);
    if (status != STATUS_OK) {
        return path_failed(shell, "tree", path, status);
    }
    int result = SHELL_OK;
    const size_t length = text_length(path);
    kfs_entry_t entry;
    for (uint64_t index = 0; kfs_readdir(file, index, &entry) == STATUS_OK && !shell_was_interrupted(shell); index++) {
        shell_print(shell, "%*s%s%s\n", (int)(depth * 4), "", entry.name, entry.is_directory ? "/" : "");
        if (!entry.is_directory || depth == TREE_DEPTH_MAX) {
            continue;
        }
        text_print(path + length, KFS_PATH_MAX + 1 - length, "/%s", entry.name);
        const int below = tree_below(shell, path, depth + 1);
        result = result == SHELL_OK ? below : result;
        path[length] = '\0';
    }
    kfs_close(file);
    return result;
}

static int run_tree(shell_t *shell, int count, char **arguments)
{
    if (count > 2) {
        return shell_usage(shell, arguments[0]);
    }
    char *const path = kmalloc(KFS_PATH_MAX + 1);
    if (path == NULL) {
        return shell_fail(shell, "tree", "%s", status_name(STATUS_NO_MEMORY));
    }
    const char *const start = count == 2 ? arguments[1] : "//";
    int status = SHELL_FAILED;
    if (text_print(path, KFS_PATH_MAX + 1, "%s", start) > KFS_PATH_MAX) {
        status = path_failed(shell, "tree", "path", STATUS_OUT_OF_RANGE);
    } else {
        shell_print(shell, "%s\n", path);
        status = tree_below(shell, path, 1);
    }
    kfree(path);
    return status;
}

static int run_stat(shell_t *shell, int count, char **arguments)
{
    if (count != 2) {
        return shell_usage(shell, arguments[0]);
    }
    kfs_stat_t stat;
    const status_t status = kfs_stat(shell->kfs, arguments[1], &stat);
    if (status != STATUS_OK) {
        return path_failed(shell, "stat", arguments[1], status);
    }
    shell_print(shell, "name %s\ntype %s\n%s %llu\naccess %s%s\n", stat.entry.name,
                stat.entry.is_directory ? "directory" : "file", stat.entry.is_directory ? "entries" : "size",
                (unsigned long long)stat.size_bytes, stat.entry.is_readable ? "r" : "-",
                stat.entry.is_writable ? "w" : "-");
    return SHELL_OK;
}

static int run_write(shell_t *shell, int count, char **arguments)
{
    if (count < 3) {
        return shell_usage(shell, arguments[0]);
    }
    char text[READ_CHUNK];
    text_writer_t writer = text_writer(text, sizeof(text));
    for (int index = 2; index < count; index++) {
        text_format(&writer, index == 2 ? "%s" : " %s", arguments[index]);
    }
    if (text_is_truncated(&writer)) {
        return shell_fail(shell, "write", "the text is longer than %u characters", READ_CHUNK - 1);
    }
    kfs_file_t *file;
    status_t status = kfs_open(shell->kfs, arguments[1], &file);
    if (status != STATUS_OK) {
        return path_failed(shell, "write", arguments[1], status);
    }
    status = kfs_write(file, text, writer.length);
    kfs_close(file);
    return status == STATUS_OK ? SHELL_OK : shell_fail(shell, "write", "%s: %s", arguments[1], status_name(status));
}

static const shell_command_t commands[] = {
    {"ls", "[path...]", "lists directories", run_ls},
    {"cat", "path...", "shows files", run_cat},
    {"tree", "[path]", "shows a directory and all below it", run_tree},
    {"stat", "path", "tells name, type, size and access", run_stat},
    {"write", "path text...", "gives a tunable a new value", run_write},
};

const shell_command_table_t shell_file_commands = {commands, ARRAY_COUNT(commands)};
