/*
 * The shell: commands from a line or from the command line's run="...", on the console or on whatever `shell_io_t` leads to.
 *
 * Runs on the boot CPU in thread context. A command list is commands separated by ';'; words may be quoted with ' or ", and a backslash
 * takes the next character as it is, except between single quotes.
 */
#ifndef KERNEL_SHELL_H
#define KERNEL_SHELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "fs/kfs.h"

/* What commands return; they become the exit status of a machine that runs one list. */
#define SHELL_OK          0
#define SHELL_FAILED      1
#define SHELL_USAGE       3 /* wrong arguments: the usage line was shown */
#define SHELL_UNKNOWN     4 /* no such command */
#define SHELL_INTERRUPTED 5 /* Ctrl-C */

#define SHELL_LIST_MAX      4096 /* characters of a command list */
#define SHELL_ARGUMENTS_MAX 32   /* words of one command */

typedef struct shell shell_t;

/* A command. arguments[0] is its name; arguments[count] is NULL. */
typedef struct shell_command {
    const char *name;
    const char *arguments; /* for the usage line: "[path]" */
    const char *summary;   /* one line */
    int (*run)(shell_t *shell, int count, char **arguments);
} shell_command_t;

typedef struct shell_command_table {
    const shell_command_t *commands;
    size_t count;
} shell_command_table_t;

/* Where a shell's text goes and where its keys come from. */
typedef struct shell_io {
    void (*write)(void *context, const char *bytes, size_t length);
    int (*read)(void *context);  /* the next byte, or -1: none yet */
    void (*wait)(void *context); /* until a byte may have come, or for some milliseconds */
    void *context;
} shell_io_t;

#define SHELL_TABLES_MAX    8
#define SHELL_TYPEAHEAD_MAX 64

struct shell {
    shell_io_t io;
    kfs_t *kfs;
    shell_command_table_t tables[SHELL_TABLES_MAX];
    size_t table_count;
    bool is_ended; /* a command asked to end the shell, with this status */
    int end_status;
    bool is_interrupted;                    /* Ctrl-C came while a command ran */
    uint8_t typeahead[SHELL_TYPEAHEAD_MAX]; /* what else came meanwhile */
    size_t typeahead_count;
};

/* Starts a shell with its own commands on `kfs`; `extra` may be empty. */
void shell_init(shell_t *shell, const shell_io_t *io, kfs_t *kfs, shell_command_table_t extra);

/*
 * Runs a command list to its end, or to Ctrl-C or a command that ends the shell. Returns SHELL_OK, or the status of the first command that
 * failed; the commands after it have run all the same.
 */
int shell_run_list(shell_t *shell, const char *list);

/* Reads and runs lines until a command ends the shell, or the input does (Ctrl-D). Returns the status to exit with. */
int shell_interact(shell_t *shell);

/*
 * The whole application on the kernel's console and KFS: with run="list" on the command line it runs that and returns its
 * status, otherwise it shows a banner and interacts. `extra` are commands of the image beyond the shell's own.
 */
int shell_main(shell_command_table_t extra);

/* For commands. */

PRINTF_LIKE(2, 3) void shell_print(shell_t *shell, const char *format, ...);

/* Shows "name: message" and returns SHELL_FAILED. */
PRINTF_LIKE(3, 4) int shell_fail(shell_t *shell, const char *name, const char *format, ...);

/* Shows the usage line of the command `name` and returns SHELL_USAGE. */
int shell_usage(shell_t *shell, const char *name);

/* Whether Ctrl-C has come since the command began: long commands ask now and then, and end. Other keys wait for the prompt. */
bool shell_was_interrupted(shell_t *shell);

/* Waits `nanoseconds` or until a key or Ctrl-C comes. Returns the key, or -1. */
int shell_wait_key(shell_t *shell, uint64_t nanoseconds);

/* The command of that name, or NULL. */
const shell_command_t *shell_find_command(const shell_t *shell, const char *name);

/* Reads a whole KFS file into a block of its own, terminated; kfree() it. */
MUST_USE status_t shell_read_file(shell_t *shell, const char *path, char **text, size_t *length);

#endif
