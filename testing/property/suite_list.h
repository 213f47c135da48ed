/*
 * Which suites a test program has: a list that property_test() of testing/defs.bzl writes.
 */
#ifndef TESTING_PROPERTY_SUITE_LIST_H
#define TESTING_PROPERTY_SUITE_LIST_H

#include "testing/property/property.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Ends with NULL. */
extern const property_suite_t *const property_suite_list[];

#ifdef __cplusplus
}
#endif

#endif
