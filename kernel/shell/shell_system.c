/*
 * help, echo, sleep, cpus, log, poweroff, panic.
 */
#include "base/check.h"
#include "base/log.h"
#include "mm/kmalloc.h"
#include "shell_commands.h"

#define STATUS_MAX        100u
#define SLEEP_SECONDS_MAX 3600u
#define SECOND            UINT64_C(1000000000)

static void show_command(shell_t *shell, const shell_command_t *command)
{
    shell_print(shell, "  %-9s %-22s %s\n", command->name, command->arguments, command->summary);
}

static int run_help(shell_t *shell, int count, char **arguments)
{
    if (count > 2) {
        return shell_usage(shell, arguments[0]);
    }
    if (count == 2) {
        const shell_command_t *const command = shell_find_command(shell, arguments[1]);
        if (command == NULL) {
            return shell_fail(shell, "help", "%s: no such command", arguments[1]);
        }
        show_command(shell, command);
        return SHELL_OK;
    }
    for (size_t table = 0; table < shell->table_count; table++) {
        for (size_t index = 0; index < shell->tables[table].count; index++) {
            show_command(shell, &shell->tables[table].commands[index]);
        }
    }
    shell_print(shell, "Commands are separated by ';'. Tab completes, Ctrl-C interrupts, paths start with //.\n");
    return SHELL_OK;
}

static int run_echo(shell_t *shell, int count, char **arguments)
{
    for (int index = 1; index < count; index++) {
        shell_print(shell, index == 1 ? "%s" : " %s", arguments[index]);
    }
    shell_print(shell, "\n");
    return SHELL_OK;
}

static int run_sleep(shell_t *shell, int count, char **arguments)
{
    uint64_t seconds;
    if (count != 2 || !text_parse_u64(arguments[1], false, &seconds) || seconds > SLEEP_SECONDS_MAX) {
        return shell_usage(shell, arguments[0]);
    }
    (void)shell_wait_key(shell, seconds * SECOND); /* a key ends the sleep early */
    return SHELL_OK;
}

static int show_file(shell_t *shell, const char *command, const char *path)
{
    char *text;
    size_t length;
    const status_t status = shell_read_file(shell, path, &text, &length);
    if (status != STATUS_OK) {
        return shell_fail(shell, command, "%s: %s", path, status_name(status));
    }
    shell->io.write(shell->io.context, text, length);
    kfree(text);
    return SHELL_OK;
}

static int run_cpus(shell_t *shell, int count, char **arguments)
{
    return count == 1 ? show_file(shell, "cpus", "//kern/cpu/info") : shell_usage(shell, arguments[0]);
}

static int run_log(shell_t *shell, int count, char **arguments)
{
    return count == 1 ? show_file(shell, "log", "//kern/log") : shell_usage(shell, arguments[0]);
}

static int run_poweroff(shell_t *shell, int count, char **arguments)
{
    uint64_t status = 0;
    if (count > 2 || (count == 2 && (!text_parse_u64(arguments[1], false, &status) || status > STATUS_MAX))) {
        return shell_usage(shell, arguments[0]);
    }
    shell->is_ended = true;
    shell->end_status = (int)status;
    return (int)status;
}

static int run_panic(shell_t *shell, int count, char **arguments)
{
    (void)shell;
    if (count > 1) {
        log_line("shell: %s", arguments[1]);
    }
    CHECK(false, "panic asked for in the shell");
    return SHELL_FAILED;
}

static const shell_command_t commands[] = {
    {"help", "[command]", "lists commands", run_help},
    {"echo", "[word...]", "shows its words", run_echo},
    {"sleep", "seconds", "waits, or until a key", run_sleep},
    {"cpus", "", "lists the CPUs that run", run_cpus},
    {"log", "", "shows the kernel's log", run_log},
    {"poweroff", "[status]", "shuts down; the emulator exits with the status", run_poweroff},
    {"panic", "[message]", "stops the kernel with a report", run_panic},
};

const shell_command_table_t shell_system_commands = {commands, ARRAY_COUNT(commands)};
