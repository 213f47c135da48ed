/*
 * The application of an image with tests inside, chosen by the kernel's command line:
 *
 *   test, test=PATTERN or replay=TEXT   runs suites, writes KTAP, and ends (kernel_tests.h)
 *   bench                               measures what operations cost, and ends (testing/bench/bench.h)
 *   otherwise                           the shell, with `test` among its commands
 */
#include "kernel/application.h"
#include "kernel/cmdline.h"
#include "kernel/shell.h"
#include "testing/bench/bench.h"
#include "testing/kernel/kernel_tests.h"

static int command_test(shell_t *shell, int count, char **arguments)
{
    if (count > 2) {
        return shell_usage(shell, arguments[0]);
    }
    return kernel_tests_run_matching(count == 2 ? arguments[1] : "");
}

static const shell_command_t commands[] = {
    {"test", "[pattern]", "run the property suites, or those whose names match", command_test},
};

int kernel_application(void)
{
    if (cmdline_has_flag("bench")) {
        return bench_run();
    }
    if (cmdline_has_flag("test") || cmdline_has_flag("replay")) {
        return kernel_tests_run();
    }
    return shell_main((shell_command_table_t){commands, ARRAY_COUNT(commands)});
}
