/*
 * Cutting a command list into commands and words.
 */
#ifndef KERNEL_SHELL_SHELL_PARSE_H
#define KERNEL_SHELL_SHELL_PARSE_H

#include "kernel/shell.h"

/* One command, its words unquoted and terminated in `text`. */
typedef struct shell_words {
    int count;
    char *words[SHELL_ARGUMENTS_MAX + 1]; /* words[count] is NULL */
    char text[SHELL_LIST_MAX + SHELL_ARGUMENTS_MAX + 1];
} shell_words_t;

/*
 * Takes the next command of the list at *at, and moves on behind it and its ';'. An empty command has no words. Returns STATUS_NOT_FOUND at
 * the end of the list; STATUS_INVALID when a quote is not closed and STATUS_OUT_OF_RANGE when there are too many words or characters,
 * both with the rest of the list skipped.
 */
MUST_USE status_t shell_parse_command(const char **at, shell_words_t *words);

#endif
