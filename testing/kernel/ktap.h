/*
 * Runs suites and writes the results as KTAP, version 1 (Linux, Documentation/dev-tools/ktap.rst):
 *
 *   KTAP version 1
 *   1..2
 *   ok 1 slab.freed_objects_come_back # requirements=1.5,1.7 runs=20
 *   # slab.no_object_overlaps failed in run 3, with 40 choices in 12 steps
 *   # replay: slab.no_object_overlaps:steps=2:choices=1,0,17
 *   not ok 2 slab.no_object_overlaps # requirements=1.3 runs=3
 *
 * testing/qemu/ktap.py judges it. Knows no kernel: lines go to a function, memory is lent.
 */
#ifndef TESTING_KERNEL_KTAP_H
#define TESTING_KERNEL_KTAP_H

#include "testing/property/engine.h"

/* Exit statuses, for machine_exit(). */
#define KTAP_STATUS_PASSED  0
#define KTAP_STATUS_FAILED  1
#define KTAP_STATUS_REFUSED 2 /* nothing was run: no such test, or nonsense in the options */

typedef struct ktap_options {
    const char *pattern; /* which properties (engine.h, property_name_matches); "" for all */
    const char *replay;  /* NULL or "", or the one failure to repeat */
    /* Seed, runs, steps, memory; ktap_run() fills in where the engine's lines go. */
    property_settings_t settings;
    property_line_function_t write_line; /* takes whole lines without the newline */
    void *argument;
} ktap_options_t;

/* Runs what the options select, in the order of the suites (a list that ends with NULL). Thread context of the boot CPU. */
int ktap_run(const property_suite_t *const *suites, const ktap_options_t *options);

#endif
