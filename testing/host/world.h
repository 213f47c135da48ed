/*
 * The world that host tests run in: an arena as memory, the allocators over it, threads as CPUs. What booting is to a kernel.
 */
#ifndef TESTING_HOST_WORLD_H
#define TESTING_HOST_WORLD_H

#ifdef __cplusplus
extern "C" {
#endif

/* Once, before any test; ends the process with a message when the system refuses. */
void world_start(void);

#ifdef __cplusplus
}
#endif

#endif
