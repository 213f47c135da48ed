/*
 * The command line as a row of words; see kernel/cmdline.h for the syntax.
 *
 * Nothing is split at boot: a look-up walks the text. It happens a handful of times, and a table could be wrong in a
 * second way.
 */
#include "kernel/cmdline.h"

#include "base/text.h"

cmdline_t cmdline_boot;

void cmdline_set(cmdline_t *cmdline, const char *text, size_t length)
{
    size_t kept = 0;
    while (kept < length && kept < CMDLINE_LENGTH_MAX && text[kept] != '\0') {
        const char byte = text[kept];
        cmdline->text[kept++] = byte == '\t' ? ' ' : byte >= ' ' && byte <= '~' ? byte : '?';
    }
    cmdline->text[kept] = '\0';
    cmdline->length = kept;
    cmdline->is_truncated = kept == CMDLINE_LENGTH_MAX && kept < length && text[kept] != '\0';
}

/* A place in the command line, and the quote that is open there ('\0': none). */
typedef struct cmdline_scan {
    const char *at;
    char open;
} cmdline_scan_t;

/*
 * Takes the next character of a word, quotes removed: moves on behind it and stores it in *character. Returns false
 * at the end of the word, which is a blank outside quotes or the end of the text.
 */
static bool scan_character(cmdline_scan_t *scan, char *character)
{
    while (*scan->at != '\0') {
        const char byte = *scan->at;
        if (scan->open == '\0' && byte == ' ') {
            return false;
        }
        scan->at++;
        if (scan->open == '\0' && (byte == '"' || byte == '\'')) {
            scan->open = byte;
        } else if (scan->open != '\0' && byte == scan->open) {
            scan->open = '\0';
        } else {
            /* GRUB puts a backslash before quotes and backslashes of its own configuration's values. */
            const bool is_escape = byte == '\\' && scan->open != '\'' && *scan->at != '\0';
            *character = is_escape ? *scan->at++ : byte;
            return true;
        }
    }
    return false;
}

/* Whether the word at `word` has `key`; *value is then behind the '=' (or at the end of a flag). */
static bool word_has_key(cmdline_scan_t word, const char *key, cmdline_scan_t *value)
{
    char character;
    for (; *key != '\0'; key++) {
        if (!scan_character(&word, &character) || character != *key) {
            return false;
        }
    }
    const bool is_flag = !scan_character(&word, &character);
    *value = word;
    return is_flag || character == '=';
}

status_t cmdline_find(const cmdline_t *cmdline, const char *key, char *value, size_t capacity, size_t *length)
{
    char character;
    for (cmdline_scan_t scan = {cmdline->text, '\0'}; *scan.at != '\0';) {
        if (*scan.at == ' ') {
            scan.at++;
            continue;
        }
        cmdline_scan_t found;
        if (word_has_key(scan, key, &found)) {
            text_writer_t writer = text_writer(value, capacity);
            while (scan_character(&found, &character)) {
                text_char(&writer, character);
            }
            if (length != NULL) {
                *length = writer.length;
            }
            return text_is_truncated(&writer) ? STATUS_OUT_OF_RANGE : STATUS_OK;
        }
        while (scan_character(&scan, &character)) {
        }
    }
    return STATUS_NOT_FOUND;
}

bool cmdline_has(const cmdline_t *cmdline, const char *key)
{
    char value[1];
    return cmdline_find(cmdline, key, value, sizeof(value), NULL) != STATUS_NOT_FOUND;
}

static bool word_starts_with(cmdline_scan_t word, const char *prefix)
{
    char character;
    for (; *prefix != '\0'; prefix++) {
        if (!scan_character(&word, &character) || character != *prefix) {
            return false;
        }
    }
    return true;
}

bool cmdline_has_prefix(const cmdline_t *cmdline, const char *prefix)
{
    char character;
    for (cmdline_scan_t scan = {cmdline->text, '\0'}; *scan.at != '\0';) {
        if (*scan.at == ' ') {
            scan.at++;
            continue;
        }
        if (word_starts_with(scan, prefix)) {
            return true;
        }
        while (scan_character(&scan, &character)) {
        }
    }
    return false;
}

status_t cmdline_get_param(const char *key, char *value, size_t capacity)
{
    return cmdline_find(&cmdline_boot, key, value, capacity, NULL);
}

bool cmdline_has_flag(const char *key)
{
    return cmdline_has(&cmdline_boot, key);
}
