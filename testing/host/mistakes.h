/*
 * Mistakes that callers make, one a message of the kernel's checks, for death_test.cc.
 *
 * A row is a mistake named for what the caller does, the exact message, and a function that makes it in a fresh world
 * (world.h) without any trap. //ci:death_tests_test holds that each message has a row.
 */
#ifndef TESTING_HOST_MISTAKES_H
#define TESTING_HOST_MISTAKES_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mistake {
    const char *name;
    const char *message;
    void (*make)(void);
} mistake_t;

#define MISTAKE(function, text) {#function, text, function}
#define MISTAKES_END            {0, 0, 0}

/* Each ends with MISTAKES_END. */
extern const mistake_t slab_mistakes[];
extern const mistake_t page_mistakes[];
extern const mistake_t system_mistakes[];
extern const mistake_t user_mistakes[];
extern const mistake_t vm_mistakes[];

/* Ends the process, with another message than a check's, when what a mistake has to be built from is not there. */
void mistake_needs(int condition, const char *what);

#ifdef __cplusplus
}
#endif

#endif
