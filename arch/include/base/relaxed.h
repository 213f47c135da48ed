/*
 * Fields that one CPU writes and others may look at: relaxed atomic loads and stores (C17 5.1.2.4), which cost what
 * plain ones do.
 *
 * They say "this is shared" to the reader and to race detectors, and keep the compiler from tearing or inventing
 * accesses. They order nothing: where order matters, the code uses <stdatomic.h> and says why.
 */
#ifndef BASE_RELAXED_H
#define BASE_RELAXED_H

#define RELAXED_LOAD(pointer)         __atomic_load_n((pointer), __ATOMIC_RELAXED)
#define RELAXED_STORE(pointer, value) __atomic_store_n((pointer), (value), __ATOMIC_RELAXED)

/* Adds to a counter that only the calling context writes: no locked instruction. */
#define RELAXED_ADD(pointer, value) RELAXED_STORE((pointer), RELAXED_LOAD(pointer) + (value))

#endif
