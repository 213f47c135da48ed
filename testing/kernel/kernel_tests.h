/*
 * The property suites of an image, as its command line asks for them.
 */
#ifndef TESTING_KERNEL_KERNEL_TESTS_H
#define TESTING_KERNEL_KERNEL_TESTS_H

/*
 * Runs the suites of this image (testing/property/suite_list.h) and writes KTAP to the console. The kernel's command line may have
 *
 *   test=PATTERN    which properties: a prefix of suite.property, or a pattern with '*'
 *   replay=TEXT     repeats one failure, as a failing test printed it
 *   seed=N runs=N steps=N
 *
 * Returns the status for machine_exit(): see ktap.h. Thread context of the boot CPU, when everything is up.
 */
int kernel_tests_run(void);

/* The same, with a pattern of the caller's instead of the command line's. */
int kernel_tests_run_matching(const char *pattern);

#endif
