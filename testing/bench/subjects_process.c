/*
 * The life of a process: a program out of the image is started, runs to its exit in user mode, is waited for and forgotten.
 */
#include "arch/inline.h"
#include "kernel/process.h"
#include "testing/bench/subjects.h"

static void drop_text(void *context, const char *bytes, size_t length)
{
    (void)context;
    (void)bytes;
    (void)length;
}

static void drop_report(void *context, const char *line)
{
    (void)context;
    (void)line;
}

uint64_t bench_process_life(uint32_t rounds)
{
    static const char *const words[] = {"spin", "0"}; /* nothing but an entry and an exit */
    static const process_sink_t sink = {drop_text, drop_report, NULL};

    const uint64_t start = cycle_counter();
    for (uint32_t round = 0; round < rounds; round++) {
        uint32_t pid;
        system_result_t result;
        if (process_start_program(ARRAY_COUNT(words), words, &sink, false, &pid) != STATUS_OK ||
            process_wait(pid, &result) != STATUS_OK || result.end != SYSTEM_END_EXIT) {
            return BENCH_FAILED;
        }
    }
    return cycle_counter() - start;
}
