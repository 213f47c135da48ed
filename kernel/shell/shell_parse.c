/*
 * The shell's grammar: words, quotes, ';'. A state machine over characters, which fills one buffer from left to right.
 */
#include "shell_parse.h"

/* Where the parser stands: the open quote, and whether a word has begun (a pair of quotes alone begins one). */
typedef struct parser {
    shell_words_t *words;
    size_t used;
    char quote;
    bool is_in_word;
} parser_t;

/* Starts a word unless one has begun. False when there are too many. */
static bool begin_word(parser_t *parser)
{
    if (parser->is_in_word) {
        return true;
    }
    if (parser->words->count == SHELL_ARGUMENTS_MAX) {
        return false;
    }
    parser->words->words[parser->words->count++] = parser->words->text + parser->used;
    parser->is_in_word = true;
    return true;
}

static void end_word(parser_t *parser)
{
    if (parser->is_in_word) {
        parser->words->text[parser->used++] = '\0';
        parser->is_in_word = false;
    }
}

/* Adds a character. Room for the terminators of all words that may still come is kept. */
static bool add(parser_t *parser, char character)
{
    if (!begin_word(parser) || parser->used == SHELL_LIST_MAX) {
        return false;
    }
    parser->words->text[parser->used++] = character;
    return true;
}

/* Takes one character (and what a backslash protects) at *at. False when there are too many words or characters. */
static bool take(parser_t *parser, const char **at)
{
    const char character = *(*at)++;
    if (parser->quote != '\0' && character == parser->quote) {
        parser->quote = '\0';
        return true;
    }
    if (parser->quote == '\0' && (character == '"' || character == '\'')) {
        parser->quote = character;
        return begin_word(parser);
    }
    if (character == '\\' && parser->quote != '\'' && **at != '\0') {
        return add(parser, *(*at)++);
    }
    if (parser->quote == '\0' && (character == ' ' || character == '\t')) {
        end_word(parser);
        return true;
    }
    return add(parser, character);
}

status_t shell_parse_command(const char **at, shell_words_t *words)
{
    parser_t parser = {.words = words};
    words->count = 0;
    words->words[0] = NULL;
    if (**at == '\0') {
        return STATUS_NOT_FOUND;
    }
    while (**at != '\0' && (parser.quote != '\0' || **at != ';')) {
        if (!take(&parser, at)) {
            *at += text_length(*at);
            return STATUS_OUT_OF_RANGE;
        }
    }
    *at += **at == ';';
    end_word(&parser);
    words->words[words->count] = NULL;
    return parser.quote == '\0' ? STATUS_OK : STATUS_INVALID;
}
