/*
 * run, ps, kill: user programs from the shell.
 */
#include "kernel/process.h"
#include "shell_commands.h"

static int list_programs(shell_t *shell)
{
    const char *name = process_program_name(0);
    for (size_t index = 1; name != NULL; index++) {
        shell_print(shell, "%s\n", name);
        name = process_program_name(index);
    }
    return SHELL_OK;
}

/* Says how a process ended, unless all went well; returns the command's status. */
static int tell_end(shell_t *shell, const char *name, uint32_t pid, const system_result_t *result)
{
    static const char *const ends[] = {
        [SYSTEM_END_FAULT] = "ended by a fault",
        [SYSTEM_END_KILL] = "killed",
        [SYSTEM_END_MEMORY] = "ended: no memory",
    };
    if (result->end != SYSTEM_END_EXIT) {
        shell_print(shell, "process %u (%s): %s\n", pid, name, ends[result->end]);
        return SHELL_FAILED;
    }
    if (result->status != 0) {
        shell_print(shell, "process %u (%s): exit status %lld\n", pid, name, (long long)result->status);
        return SHELL_FAILED;
    }
    return SHELL_OK;
}

/* Waits for the process, running it and others here meanwhile; Ctrl-C kills it. */
static int wait_for(shell_t *shell, const char *name, uint32_t pid)
{
    system_result_t result;
    status_t status = process_collect(pid, &result);
    bool is_killed = false;
    while (status == STATUS_BUSY) {
        if (!is_killed && shell_was_interrupted(shell)) {
            is_killed = process_kill(pid) == STATUS_OK;
        }
        if (!process_run_slice()) {
            shell->io.wait(shell->io.context);
        }
        status = process_collect(pid, &result);
    }
    return status == STATUS_OK ? tell_end(shell, name, pid, &result)
                               : shell_fail(shell, "run", "%s: %s", name, status_name(status));
}

static int run_run(shell_t *shell, int count, char **arguments)
{
    const bool is_detached = count > 1 && text_equal(arguments[1], "-b");
    const int first = is_detached ? 2 : 1;
    if (count == 1) {
        return list_programs(shell);
    }
    if (count <= first) {
        return shell_usage(shell, arguments[0]);
    }
    uint32_t pid;
    const status_t status = process_start_program((size_t)(count - first), (const char *const *)(arguments + first),
                                                  &process_console, is_detached, &pid);
    if (status != STATUS_OK) {
        return shell_fail(shell, "run", "%s: %s", arguments[first],
                          status == STATUS_NOT_FOUND ? "no such program" : status_name(status));
    }
    if (is_detached) {
        shell_print(shell, "process %u\n", pid);
        return SHELL_OK;
    }
    return wait_for(shell, arguments[first], pid);
}

static int run_ps(shell_t *shell, int count, char **arguments)
{
    if (count != 1) {
        return shell_usage(shell, arguments[0]);
    }
    process_info_t info;
    shell_print(shell, "%5s %6s %-8s %3s %8s %10s %8s %s\n", "pid", "parent", "state", "cpu", "ticks", "calls",
                "faults", "name");
    for (uint32_t pid = 0; process_next(pid, &info); pid = info.pid) {
        shell_print(shell, "%5u %6u %-8s %3u %8llu %10llu %8llu %s\n", info.pid, info.parent, info.state, info.cpu,
                    (unsigned long long)info.ticks, (unsigned long long)info.calls, (unsigned long long)info.faults,
                    info.name);
    }
    return SHELL_OK;
}

static int run_kill(shell_t *shell, int count, char **arguments)
{
    uint64_t pid;
    if (count != 2 || !text_parse_u64(arguments[1], false, &pid) || pid > UINT32_MAX) {
        return shell_usage(shell, arguments[0]);
    }
    const status_t status = process_kill((uint32_t)pid);
    return status == STATUS_OK ? SHELL_OK : shell_fail(shell, "kill", "%s: %s", arguments[1], status_name(status));
}

static const shell_command_t commands[] = {
    {"run", "[-b] program [word...]", "runs a user program; alone: lists them", run_run},
    {"ps", "", "lists the processes", run_ps},
    {"kill", "pid", "ends a process", run_kill},
};

const shell_command_table_t shell_process_commands = {commands, ARRAY_COUNT(commands)};
