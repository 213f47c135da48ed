/*
 * What the allocator says: misuse, on standard error, before it ends the program; and numbers when the program ends, if
 * QUARRY_MALLOC_STATS is set: "1" for standard error, or a file's name, to which the line is added.
 *
 *   quarry malloc: 1040 allocations, 1022 frees, 3 large, 2 contexts for 5 threads, process 1234
 *
 * Nothing here allocates.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/text.h"
#include "mm/kmem_cache.h"
#include "mm/slab/slab_cache.h"
#include "testing/preload/context.h"

#define LINE_BYTES_MAX 320

static char stats_wanted[1024];

static void write_line(int file, const char *text, size_t length)
{
    while (length > 0) {
        const ssize_t written = write(file, text, length);
        if (written <= 0) {
            return; /* nobody listens */
        }
        text += written;
        length -= (size_t)written;
    }
}

static void say(int file, text_writer_t *text)
{
    const size_t length = text->length < text->capacity - 1 ? text->length : text->capacity - 2;
    text->buffer[length] = '\n';
    write_line(file, text->buffer, length + 1);
}

void log_line(const char *format, ...)
{
    char buffer[LINE_BYTES_MAX];
    text_writer_t text = text_writer(buffer, sizeof buffer - 1);
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&text, format, arguments);
    va_end(arguments);
    say(STDERR_FILENO, &text);
}

void check_failed(const check_site_t *site)
{
    log_line("quarry malloc: %s", site->message);
    abort();
}

/* Large blocks have their own ends: the slab core asks for these when it is shut down, which it never is here. */
void kmalloc_large_stats(kmalloc_large_stats_t *stats)
{
    *stats = (kmalloc_large_stats_t){0};
    for (const slab_context_t *context = slab_context_first(); context != NULL; context = context->next) {
        stats->frees += RELAXED_LOAD(&context->large_frees);
        stats->allocations += RELAXED_LOAD(&context->large_allocations);
        stats->allocations_failed += RELAXED_LOAD(&context->large_failures);
    }
    stats->blocks_live = stats->allocations - stats->frees;
}

/* A file is opened at the end only: a program may count its open files. */
__attribute__((constructor)) static void note_wish(void)
{
    preload_start();
    const char *const wanted = secure_getenv("QUARRY_MALLOC_STATS");
    if (wanted != NULL) {
        text_print(stats_wanted, sizeof stats_wanted, "%s", wanted);
    }
}

__attribute__((destructor)) static void tell_stats(void)
{
    char buffer[LINE_BYTES_MAX];
    kmalloc_large_stats_t large;
    if (stats_wanted[0] == '\0') {
        return;
    }
    const bool is_standard = text_equal(stats_wanted, "1");
    const int file = is_standard ? STDERR_FILENO : open(stats_wanted, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0) {
        return; /* nobody can be told */
    }
    kmalloc_large_stats(&large);
    uint64_t allocations = large.allocations;
    uint64_t frees = large.frees;
    for (const slab_context_t *context = slab_context_first(); context != NULL; context = context->next) {
        for (unsigned number = 0; number < SLAB_SLOT_COUNT; number++) {
            allocations += slab_slot_allocations(&context->slots[number]);
            frees += RELAXED_LOAD(&context->slots[number].frees);
        }
    }
    text_writer_t text = text_writer(buffer, sizeof buffer - 1);
    text_format(&text,
                "quarry malloc: %llu allocations, %llu frees, %llu large, %u contexts for %llu threads, process %d",
                (unsigned long long)allocations, (unsigned long long)frees, (unsigned long long)large.allocations,
                preload_context_count(), (unsigned long long)preload_context_attachments(), (int)getpid());
    say(file, &text);
    if (!is_standard) {
        close(file);
    }
}
