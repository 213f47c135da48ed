/*
 * Mistakes of callers, made in the kernel without any trap: what a user of the kernel then sees.
 */
#ifndef TESTING_KERNEL_KERNEL_MISTAKES_H
#define TESTING_KERNEL_KERNEL_MISTAKES_H

#include <stdbool.h>

/*
 * Makes the mistake of that name (testing/host/mistakes_slab.c, and touching_a_free_page): the kernel panics. Returns
 * when there is none, or nobody notices.
 */
void kernel_mistake_make(const char *name);

#endif
