/*
 * Closing free pages by the machine's memory tags, as the command line asks: memory_tags=on or off. Without that word
 * they are on where all slab caches are asked to be guarded or in debug, and off in tier fast, whose straight paths
 * know nothing of them.
 */
#ifndef KERNEL_MEMORY_WATCH_H
#define KERNEL_MEMORY_WATCH_H

/*
 * Tries the machine's tags, tells in the log what was found, and puts them to use if that is asked for and the tests
 * passed. Boot CPU, when the page allocator stands and before other CPUs start.
 */
void memory_watch_start(void);

#endif
