/*
 * Checks of callers' contracts: a broken one stops the kernel with a message, in every build.
 *
 * The message is part of the contract of the function that makes it; tests match it word for word. A module that
 * knows more (the object, its cache, its last owner) writes its report to the log first and then calls
 * check_failed().
 *
 * No check runs while its module holds a lock: modules find trouble under the lock, let go, and then report, so that
 * a report may log, and a test may catch it and go on.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include "base/compiler.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Where a check stands. One static constant per check; a failing check passes one pointer, so that the usual path
 * stays short.
 */
typedef struct check_site {
    const char *message;
    const char *condition;
    const char *file;
    int line;
} check_site_t;

/*
 * Reports a broken contract and stops: on the host it prints the message to stderr and aborts; in the kernel it
 * panics. When the calling CPU has an open check trap (below), control goes there instead. Any context; never
 * returns.
 */
NORETURN COLD void check_failed(const check_site_t *site);

/* Stops unless `condition` holds. `text` names the mistake, as the caller made it: "double free". */
#define CHECK(condition, text)                                                                        \
    do {                                                                                              \
        if (UNLIKELY(!(condition))) {                                                                 \
            static const check_site_t check_site_here_ = {text, #condition, __FILE_NAME__, __LINE__}; \
            check_failed(&check_site_here_);                                                          \
        }                                                                                             \
    } while (0)

/* A module's own costlier doubts: debug builds only, but always compiled, so that it can't rot. */
#ifdef QUARRY_DEBUG
#define DEBUG_CHECK(condition) CHECK(condition, "broken invariant: " #condition)
#else
#define DEBUG_CHECK(condition)      \
    do {                            \
        (void)sizeof(!(condition)); \
    } while (0)
#endif

/*
 * Ends the story of a failed check that no trap catches: kernel/ panics, the host port prints the message to stderr
 * and aborts.
 */
NORETURN void check_report_and_stop(const check_site_t *site);

/*
 * Runs body(argument) with a check trap open on this CPU, for tests that make mistakes on purpose. Returns the
 * message of the check that failed, or NULL when body came back by itself. What body had half done stays half done,
 * as after a panic; all our misuse checks come before anything is changed.
 *
 * Traps nest: a failing check goes to the innermost open one. A trap catches only checks of the interrupt level that
 * it was opened at, since a handler can't be left by a jump; a check that fails in a handler stops the machine unless
 * the handler opened a trap of its own. The interrupt mask, the allocation context and the ranks held are put back as
 * they were.
 */
MUST_USE const char *check_trap_run(void (*body)(void *argument), void *argument);

#ifdef __cplusplus
}
#endif

#endif
