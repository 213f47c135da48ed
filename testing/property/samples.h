/*
 * The engine's own sample properties, and what they leave behind for the tests to see.
 */
#ifndef TESTING_PROPERTY_SAMPLES_H
#define TESTING_PROPERTY_SAMPLES_H

#include "testing/property/property.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const property_suite_t sample_properties;

extern uint64_t sample_cases_seen;   /* by nothing_is_drawn and all_cases_are_seen */
extern uint32_t sample_cleanups_run; /* by the cleanup properties */
extern bool sample_is_fragile;       /* set it, and the_first_run_fails does, once */

#ifdef __cplusplus
}
#endif

#endif
