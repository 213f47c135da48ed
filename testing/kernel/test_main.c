/*
 * The application of an image with tests inside, chosen by the kernel's command line:
 *
 *   test, test=PATTERN or replay=TEXT   runs suites, writes KTAP, and ends (kernel_tests.h)
 *   leak                                with one of those: loses a block afterwards, so that a clean run ends badly
 *   bench                               measures what operations cost, and ends (testing/bench/bench.h)
 *   bench_boot                          tells what booting cost, and ends (likewise)
 *   otherwise                           the shell, with `test` and `leak` among its commands, and //kern/forgetful
 */
#include "base/text.h"
#include "fs/kfs.h"
#include "kernel/application.h"
#include "kernel/cmdline.h"
#include "kernel/shell.h"
#include "mm/kmalloc.h"
#include "testing/bench/bench.h"
#include "testing/kernel/kernel_mistakes.h"
#include "testing/kernel/kernel_tests.h"
#include "testing/kernel/ktap.h"

static int command_test(shell_t *shell, int count, char **arguments)
{
    if (count > 2) {
        return shell_usage(shell, arguments[0]);
    }
    return kernel_tests_run_matching(count == 2 ? arguments[1] : "");
}

static int command_mistake(shell_t *shell, int count, char **arguments)
{
    if (count == 2) {
        kernel_mistake_make(arguments[1]);
    }
    return shell_usage(shell, arguments[0]);
}

/* Loses a block, so that the end of the kernel has something to find. */
static int command_leak(shell_t *shell, int count, char **arguments)
{
    uint64_t size = 0;
    if (count != 2 || !text_parse_u64(arguments[1], true, &size)) {
        return shell_usage(shell, arguments[0]);
    }
    return kmalloc(size) != NULL ? SHELL_OK : SHELL_FAILED;
}

/* Makes a file's text and forgets a block, so that the end of the process that reads it has something to find. */
static void read_and_forget(const kfs_node_t *node, text_writer_t *writer)
{
    (void)node;
    text_string(writer, kmalloc(40) != NULL ? "forgotten\n" : "no memory\n");
}

static kfs_node_t forgetful_file = {.name = "forgetful", .read = read_and_forget};

static const shell_command_t commands[] = {
    {"leak", "bytes", "allocates a block and forgets it", command_leak},
    {"mistake", "name", "makes a mistake with memory, which ends the kernel", command_mistake},
    {"test", "[pattern]", "run the property suites, or those whose names match", command_test},
};

int kernel_application(void)
{
    if (cmdline_has_flag("bench_boot")) {
        return bench_boot();
    }
    if (cmdline_has_flag("bench")) {
        return bench_run();
    }
    if (cmdline_has_flag("test") || cmdline_has_flag("replay")) {
        const int status = kernel_tests_run();
        return cmdline_has_flag("leak") && kmalloc(1) == NULL ? KTAP_STATUS_FAILED : status;
    }
    if (kfs_add(&kfs_kernel, "//kern", &forgetful_file) != STATUS_OK) {
        return KTAP_STATUS_FAILED;
    }
    return shell_main((shell_command_table_t){commands, ARRAY_COUNT(commands)});
}
