/*
 * The bootloader's command line: `key=value` words and flags, kept for the whole run of the kernel.
 *
 * A word ends at a blank; double or single quotes keep blanks inside it: run="ls //; stat x", or as GRUB writes it
 * "run=ls //; stat x". A backslash takes the next character as it is, except in single quotes. A quote that is never
 * closed reaches to the end. The first word with a key wins; keys are not empty. Written once at boot; readable from
 * any context afterwards.
 */
#ifndef KERNEL_CMDLINE_H
#define KERNEL_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/status.h"

/* The longest command line that is kept; the rest of a longer one is cut, and the log says so. */
#define CMDLINE_LENGTH_MAX 4096

/* A command line: its text as the bootloader gave it, bytes that are no printable ASCII replaced by '?'. */
typedef struct cmdline {
    char text[CMDLINE_LENGTH_MAX + 1];
    size_t length;
    bool is_truncated;
} cmdline_t;

/* Copies text[0 .. length) up to the first zero byte. Any bytes do; nothing fails. */
void cmdline_set(cmdline_t *cmdline, const char *text, size_t length);

/*
 * Looks up `key`. Stores its value without quotes in value[0 .. capacity), always terminated, and returns its whole
 * length in *length when that is not NULL. A flag has the empty value. Returns STATUS_NOT_FOUND when no word has that
 * key and STATUS_OUT_OF_RANGE when the value was cut to fit; `capacity` is at least 1.
 */
MUST_USE status_t cmdline_find(const cmdline_t *cmdline, const char *key, char *value, size_t capacity, size_t *length);

/* Whether a word with that key is there: a flag, or with a value. */
bool cmdline_has(const cmdline_t *cmdline, const char *key);

/* Whether the key of any word starts with `prefix`. */
bool cmdline_has_prefix(const cmdline_t *cmdline, const char *prefix);

/* The kernel's own command line: set by boot, then constant. */
extern cmdline_t cmdline_boot;

/* cmdline_find() and cmdline_has() on it. */
MUST_USE status_t cmdline_get_param(const char *key, char *value, size_t capacity);
bool cmdline_has_flag(const char *key);

#endif
