/*
 * The shell: lists are cut as they were written; commands end with a status and give back what they took.
 */
#include "kernel/shell.h"

#include "kernel/shell/shell_parse.h"
#include "mm/stats.h"
#include "testing/property/property.h"

/* ---- lists ---- */

static shell_words_t words;

/* Validates 4.12: a list that was written with quotes is cut into the words that it was made of. */
static void a_written_list_is_cut_as_it_was_made(property_run_t *run)
{
    static const char alphabet[] = "ab ;/\\\"'=";
    char made[12][3][8] = {{{0}}};
    size_t counts[12];
    char *const list = property_alloc(run, SHELL_LIST_MAX);
    text_writer_t writer = text_writer(list, SHELL_LIST_MAX);
    const size_t commands = property_draw(run, ARRAY_COUNT(counts) + 1);
    for (size_t command = 0; command < commands; command++) {
        counts[command] = property_draw(run, 4);
        for (size_t word = 0; word < counts[command]; word++) {
            const size_t length = property_draw(run, 8);
            text_string(&writer, word == 0 ? "" : " ");
            text_char(&writer, '"');
            for (size_t i = 0; i < length; i++) {
                const char character = alphabet[property_draw(run, sizeof(alphabet) - 1)];
                made[command][word][i < 7 ? i : 6] = character;
                text_string(&writer, character == '"' || character == '\\' ? "\\" : "");
                text_char(&writer, character);
                if (i == 6) {
                    break; /* the last place is the terminator's */
                }
            }
            text_char(&writer, '"');
        }
        text_char(&writer, ';');
    }
    property_note(run, "%s", list);
    const char *at = list;
    for (size_t command = 0; command < commands; command++) {
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, shell_parse_command(&at, &words));
        PROPERTY_EXPECT_EQUAL(run, words.count, counts[command]);
        for (size_t word = 0; word < counts[command]; word++) {
            PROPERTY_EXPECT_TEXT(run, made[command][word], words.words[word]);
        }
        PROPERTY_EXPECT_EQUAL(run, words.words[words.count], NULL);
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_NOT_FOUND, shell_parse_command(&at, &words));
}

/* Validates 4.12: any string is a list, or is refused; the words are terminated and in bounds, and the end is reached. */
static void any_string_is_cut_to_an_end(property_run_t *run)
{
    static const char alphabet[] = "a ;\"'\\\t\x01";
    const size_t length = property_size_skewed(run, SHELL_LIST_MAX + 200);
    char *const list = property_alloc(run, length + 1);
    const uint64_t letters = 1 + property_draw(run, sizeof(alphabet) - 1);
    uint64_t seed = property_bits64(run);
    for (size_t i = 0; i < length; i++) {
        list[i] = alphabet[property_worker_draw(&seed, letters)];
    }
    const char *at = list;
    status_t status = STATUS_OK;
    for (size_t command = 0; command <= length + 1 && status != STATUS_NOT_FOUND; command++) {
        status = shell_parse_command(&at, &words);
        PROPERTY_EXPECT(run, at >= list && at <= list + length);
        PROPERTY_EXPECT(run, words.count >= 0 && words.count <= SHELL_ARGUMENTS_MAX);
        for (int word = 0; word < words.count && status == STATUS_OK; word++) {
            const char *const start = words.words[word];
            PROPERTY_EXPECT(run, start >= words.text && start < words.text + sizeof(words.text));
            PROPERTY_EXPECT(run, start + text_length(start) < words.text + sizeof(words.text));
        }
    }
    PROPERTY_EXPECT_STATUS(run, STATUS_NOT_FOUND, status);
}

/* ---- commands ---- */

#define OUTPUT_MAX 16384u

typedef struct shell_world {
    shell_t shell;
    kfs_t kfs;
    kfs_node_t file;
    char output[OUTPUT_MAX];
    text_writer_t writer;
} shell_world_t;

static void capture(void *context, const char *bytes, size_t length)
{
    shell_world_t *const world = context;
    text_bytes(&world->writer, bytes, length);
}

static int no_key(void *context)
{
    (void)context;
    return -1;
}

static void no_wait(void *context)
{
    (void)context;
}

static void read_file(const kfs_node_t *node, text_writer_t *writer)
{
    (void)node;
    text_string(writer, "contents\n");
}

static void close_shell_world(void *argument)
{
    shell_world_t *const world = argument;
    CHECK(kfs_destroy(&world->kfs) == STATUS_OK, "a command left a file open");
}

/* A command whose status is known beforehand. */
typedef struct known_command {
    const char *text;
    int status;
    const char *says; /* part of what it shows */
} known_command_t;

static const known_command_t known_commands[] = {
    {"", SHELL_OK, ""},
    {"echo one two", SHELL_OK, "one two\n"},
    {"ls", SHELL_OK, "dir/\n"},
    {"ls //dir //dir", SHELL_OK, "file\nfile\n"},
    {"cat //dir/file", SHELL_OK, "contents\n"},
    {"tree", SHELL_OK, "    dir/\n        file\n"},
    {"stat //dir/file", SHELL_OK, "size 9\naccess r-\n"},
    {"stat //dir", SHELL_OK, "type directory\nentries 1\n"},
    {"help echo", SHELL_OK, "shows its words"},
    {"nonsense", SHELL_UNKNOWN, "nonsense: no such command"},
    {"cat //nowhere", SHELL_FAILED, "cat: //nowhere: not found"},
    {"cat //dir", SHELL_FAILED, "cat: //dir: is a directory"},
    {"ls dir", SHELL_FAILED, "ls: dir: a path starts with //"},
    {"write //dir/file x", SHELL_FAILED, "denied"},
    {"help nonsense", SHELL_FAILED, "no such command"},
    {"cat", SHELL_USAGE, "usage: cat path..."},
    {"stat", SHELL_USAGE, "usage: stat path"},
    {"sleep x", SHELL_USAGE, "usage: sleep seconds"},
    {"slabtop -n", SHELL_USAGE, "usage: slabtop"},
    {"stress --cpus 0", SHELL_USAGE, "usage: stress"},
    {"meminfo x", SHELL_USAGE, "usage: meminfo"},
};

static bool contains(const char *text, const char *part)
{
    for (; *text != '\0'; text++) {
        if (text_starts_with(text, part)) {
            return true;
        }
    }
    return *part == '\0';
}

static uint64_t live_objects(void)
{
    stats_slab_t stats;
    stats_slab_take(&stats);
    return stats.objects_live + stats.large_blocks;
}

/* Validates 4.12: a list runs to its end, its status is that of the first command that failed, and no memory stays behind. */
static void every_command_ends_with_its_status(property_run_t *run)
{
    shell_world_t *const world = property_alloc(run, sizeof(*world));
    kfs_init(&world->kfs);
    property_defer(run, close_shell_world, world);
    world->file = (kfs_node_t){.name = "file", .read = read_file};
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_make_directory(&world->kfs, "//dir"));
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, kfs_add(&world->kfs, "//dir", &world->file));
    const shell_io_t io = {capture, no_key, no_wait, world};
    shell_init(&world->shell, &io, &world->kfs, (shell_command_table_t){NULL, 0});

    char list[256];
    int expected = SHELL_OK;
    text_writer_t writer = text_writer(list, sizeof(list));
    const known_command_t *chosen[6];
    const size_t count = property_draw(run, ARRAY_COUNT(chosen) + 1);
    for (size_t i = 0; i < count; i++) {
        chosen[i] = &known_commands[property_draw(run, ARRAY_COUNT(known_commands))];
        text_format(&writer, i == 0 ? "%s" : " ; %s", chosen[i]->text);
        expected = expected == SHELL_OK ? chosen[i]->status : expected;
    }
    property_note(run, "%s", list);
    world->writer = text_writer(world->output, sizeof(world->output));
    const uint64_t before = live_objects();
    PROPERTY_EXPECT_EQUAL(run, shell_run_list(&world->shell, list), expected);
    PROPERTY_EXPECT_EQUAL(run, live_objects(), before);
    for (size_t i = 0; i < count; i++) {
        PROPERTY_EXPECT(run, contains(world->output, chosen[i]->says));
    }
}

PROPERTY_SUITE(shell,

               PROPERTY(a_written_list_is_cut_as_it_was_made, "4.12"), PROPERTY(any_string_is_cut_to_an_end, "4.12"),
               PROPERTY(every_command_ends_with_its_status, "4.12"));
