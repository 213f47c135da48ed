/*
 * What an image does once the kernel is up: the shell, or a test runner. Exactly one part of each image defines it.
 */
#ifndef KERNEL_APPLICATION_H
#define KERNEL_APPLICATION_H

/*
 * Runs on the boot CPU in thread context, with interrupts enabled, when every init step has been tried and the allocators, all CPUs
 * and KFS are up. What it returns becomes the exit status: the kernel shuts down in order and calls machine_exit() with it
 * (0: success; 1 to 100: failure).
 */
int kernel_application(void);

#endif
