/*
 * //kern/mem/inject: rules in words.
 */
#include "fs/kfs_inject.h"

#define WORD_MAX 63u

/*
 * Takes the next word at *at into word[]; false when there is none. What is too long for a word is cut, and so none
 * of ours.
 */
static bool next_word(const char **at, char *word)
{
    size_t length = 0;
    while (**at == ' ' || **at == '\t' || **at == '\n') {
        (*at)++;
    }
    for (; **at != '\0' && **at != ' ' && **at != '\t' && **at != '\n'; (*at)++) {
        if (length < WORD_MAX) {
            word[length++] = **at;
        }
    }
    word[length] = '\0';
    return length != 0;
}

/* What has been said so far: each thing at most once. */
typedef struct parse {
    inject_rule_t rule;
    bool has_when;
    bool has_times;
} parse_t;

/* nth N, every N, after N. */
static status_t take_when(parse_t *parse, const char *word, const char *value)
{
    inject_rule_t *const rule = &parse->rule;
    uint64_t number;
    const bool is_after = text_equal(word, "after");
    if (parse->has_when || !text_parse_u64(value, false, &number) || (number == 0 && !is_after)) {
        return STATUS_INVALID;
    }
    parse->has_when = true;
    rule->passes = is_after ? number : number - 1;
    rule->refusals = is_after ? UINT64_MAX : 1;
    rule->repeats = text_equal(word, "every");
    return STATUS_OK;
}

static status_t take_cache(parse_t *parse, const char *value)
{
    inject_rule_t *const rule = &parse->rule;
    if (rule->cache[0] != '\0' || text_length(value) > KMEM_CACHE_NAME_MAX) {
        return STATUS_INVALID;
    }
    text_print(rule->cache, sizeof(rule->cache), "%s", value);
    return STATUS_OK;
}

static status_t take_caller(parse_t *parse, const char *value, const kfs_code_names_t *names)
{
    inject_rule_t *const rule = &parse->rule;
    uint64_t address;
    if (rule->caller_end != 0) {
        return STATUS_INVALID;
    }
    if (text_parse_u64(value, false, &address)) {
        if (address == 0 || address >= UINTPTR_MAX) {
            return STATUS_INVALID;
        }
        rule->caller_start = (uintptr_t)address;
        rule->caller_end = (uintptr_t)address + 1;
        return STATUS_OK;
    }
    return names != NULL && names->find(value, &rule->caller_start, &rule->caller_end) ? STATUS_OK : STATUS_NOT_FOUND;
}

static status_t take_times(parse_t *parse, const char *value)
{
    if (parse->has_times || !text_parse_u64(value, false, &parse->rule.refusals_max)) {
        return STATUS_INVALID;
    }
    parse->has_times = true;
    return STATUS_OK;
}

/* A word that is a kind; 0 for others. */
static uint32_t kind_of(const char *word)
{
    return text_equal(word, "pages") ? INJECT_PAGES : text_equal(word, "objects") ? INJECT_OBJECTS : 0;
}

/* A word with its value. */
static status_t take_pair(parse_t *parse, const char *word, const char *value, const kfs_code_names_t *names)
{
    if (text_equal(word, "nth") || text_equal(word, "every") || text_equal(word, "after")) {
        return take_when(parse, word, value);
    }
    if (text_equal(word, "cache")) {
        return take_cache(parse, value);
    }
    if (text_equal(word, "caller")) {
        return take_caller(parse, value, names);
    }
    return text_equal(word, "times") ? take_times(parse, value) : STATUS_INVALID;
}

status_t kfs_inject_parse(const char *text, const kfs_code_names_t *names, inject_rule_t *rule, bool *is_off)
{
    parse_t parse = {.rule = {.refusals_max = KFS_INJECT_TIMES_USUAL}};
    char word[WORD_MAX + 1];
    char value[WORD_MAX + 1];
    const char *at = text;
    size_t words = 0;
    *is_off = false;
    for (; next_word(&at, word); words++) {
        const uint32_t kind = kind_of(word);
        if (text_equal(word, "off") && words == 0) {
            *is_off = !next_word(&at, value);
            return *is_off ? STATUS_OK : STATUS_INVALID;
        }
        if (kind != 0) {
            if (parse.rule.kinds != 0) {
                return STATUS_INVALID;
            }
            parse.rule.kinds = kind;
            continue;
        }
        const status_t status = next_word(&at, value) ? take_pair(&parse, word, value, names) : STATUS_INVALID;
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (!parse.has_when) {
        return STATUS_INVALID;
    }
    *rule = parse.rule;
    return STATUS_OK;
}

static status_t write_inject(kfs_node_t *node, const char *text)
{
    inject_rule_t rule;
    bool is_off;
    const status_t status = kfs_inject_parse(text, node->context, &rule, &is_off);
    if (status != STATUS_OK) {
        return status;
    }
    if (is_off) {
        inject_disarm(NULL);
        return STATUS_OK;
    }
    return inject_arm(&rule);
}

static const char *kinds_name(uint32_t kinds)
{
    return kinds == INJECT_PAGES ? "pages" : kinds == INJECT_OBJECTS ? "objects" : "all";
}

/* A word, or '-' where there is none. */
static void write_word(text_writer_t *writer, const char *word)
{
    text_format(writer, " %s", word[0] == '\0' ? "-" : word);
}

static void write_address(const kfs_node_t *node, text_writer_t *writer, uintptr_t address)
{
    const kfs_code_names_t *const names = node->context;
    text_char(writer, ' ');
    if (address == 0) {
        text_char(writer, '-');
    } else if (names != NULL) {
        names->describe(address, writer);
    } else {
        text_format(writer, "0x%llx", (unsigned long long)address);
    }
}

static void read_inject(const kfs_node_t *node, text_writer_t *writer)
{
    inject_report_t report;
    inject_report(&report);
    const inject_rule_t *const rule = &report.rule;
    text_string(
        writer,
        "armed kinds cache caller passes refusals repeats times seen refused last_kind last_cache last_caller\n");
    text_format(writer, "%u %s", report.is_armed, kinds_name(rule->kinds));
    write_word(writer, rule->cache);
    write_address(node, writer, rule->caller_start);
    text_format(writer, " %llu %llu %u %llu %llu %llu", (unsigned long long)rule->passes,
                (unsigned long long)rule->refusals, rule->repeats, (unsigned long long)rule->refusals_max,
                (unsigned long long)report.seen, (unsigned long long)report.refused);
    write_word(writer, report.last_kind == 0 ? "" : kinds_name(report.last_kind));
    write_word(writer, report.last_cache);
    write_address(node, writer, report.last_caller);
    text_char(writer, '\n');
}

kfs_node_t kfs_inject_node(const kfs_code_names_t *names)
{
    return (kfs_node_t){
        .name = "inject", .read = read_inject, .write = write_inject, .context = (void *)(uintptr_t)names};
}
