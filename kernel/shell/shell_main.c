/*
 * The shell as an image's application: on the kernel's console, its KFS and its command line. While it waits for
 * keys, processes run.
 */
#include "arch/cpu.h"
#include "arch/machine.h"
#include "arch/timer.h"
#include "base/log.h"
#include "kernel/application.h"
#include "kernel/cmdline.h"
#include "kernel/console.h"
#include "kernel/process.h"
#include "kernel/shell.h"
#include "kernel/version.h"
#include "mm/kmalloc.h"
#include "mm/stats.h"
#include "shell_commands.h"

#define EXIT_STATUS_MAX 100

static void console_io_write(void *context, const char *bytes, size_t length)
{
    (void)context;
    kernel_console_write(bytes, length);
}

static int console_io_read(void *context)
{
    (void)context;
    return kernel_console_read();
}

static void console_io_wait(void *context)
{
    (void)context;
    if (!process_run_slice()) {
        kernel_console_wait();
    }
}

static void show_banner(shell_t *shell)
{
    stats_physical_t memory;
    stats_physical_take(&memory);
    const uint64_t milliseconds = timer_nanoseconds() / 1000000;
    shell_print(shell, "Quarry %s on %s: %llu MiB, %llu free; CPUs: %u; up in %llu.%03llu s. Try help.\n",
                QUARRY_VERSION, machine_name, (unsigned long long)(memory.total >> 20),
                (unsigned long long)(memory.free >> 20), cpu_count(), (unsigned long long)(milliseconds / 1000),
                (unsigned long long)(milliseconds % 1000));
}

/* Runs the list of run="...", whose status is the machine's unless a command set one by poweroff. */
static int run_from_command_line(shell_t *shell)
{
    char *const list = kmalloc(SHELL_LIST_MAX + 1);
    if (list == NULL) {
        return shell_fail(shell, "run", "%s", status_name(STATUS_NO_MEMORY));
    }
    int status;
    if (cmdline_get_param("run", list, SHELL_LIST_MAX + 1) == STATUS_OUT_OF_RANGE) {
        status = shell_fail(shell, "run", "the list is longer than %u characters", SHELL_LIST_MAX);
    } else {
        status = shell_run_list(shell, list);
    }
    kfree(list);
    return status;
}

int shell_main(shell_command_table_t extra)
{
    static const shell_io_t io = {console_io_write, console_io_read, console_io_wait, NULL};
    static shell_t shell; /* there is one console */
    shell_init(&shell, &io, &kfs_kernel, extra);
    shell.tables[shell.table_count++] = shell_process_commands;

    int status;
    if (cmdline_has_flag("run")) {
        status = run_from_command_line(&shell);
    } else {
        show_banner(&shell);
        status = shell_interact(&shell);
    }
    return status >= 0 && status <= EXIT_STATUS_MAX ? status : SHELL_FAILED;
}
