/*
 * What the test image does once the kernel is up: measures (`bench` on the command line), or runs its suites.
 */
#include "kernel/application.h"
#include "kernel/cmdline.h"
#include "testing/bench/bench.h"
#include "testing/kernel/kernel_tests.h"

int kernel_application(void)
{
    return cmdline_has_flag("bench") ? bench_run() : kernel_tests_run();
}
