/*
 * A foreign kernel around the slab core, the smallest there is: the other three of the five functions, and a program
 * that uses kmalloc.
 *
 * It is compiled with the slab core's own sources, its own port.h, and nothing else of this tree but the base words
 * and what writes text. It exits with 0 when every step went as it should.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/page_backend.h"
#include "base/check.h"
#include "base/log.h"
#include "mm/kmalloc.h"
#include "mm/kmem_cache.h"
#include "mm/slab_context.h"
#include "mm/slab_debug.h"
#include "mm/slab_tier.h"

/* Aligned to the longest run that the slab core asks for by a power of two. */
ALIGNED(1 << 18) unsigned char foreign_memory[FOREIGN_PAGES * 4096];
uint64_t foreign_page_words[FOREIGN_PAGES];
cpu_t foreign_cpu;

static unsigned char is_used[FOREIGN_PAGES];
static slab_context_t context;

/* First fit over a byte a page: slow, and enough. */
void *pages_alloc(size_t count)
{
    const size_t step = (count & (count - 1)) == 0 && count <= 64 ? count : 1;
    for (size_t first = 0; first + count <= FOREIGN_PAGES; first += step) {
        if (memchr(&is_used[first], 1, count) == NULL) {
            memset(&is_used[first], 1, count);
            return &foreign_memory[first * PAGE_SIZE];
        }
    }
    return NULL;
}

void pages_free(void *address, size_t count)
{
    memset(&is_used[(size_t)((unsigned char *)address - foreign_memory) / PAGE_SIZE], 0, count);
}

status_t page_words_claim(const void *address, size_t count, uint64_t value)
{
    for (size_t i = 0; i < count; i++) {
        page_word(address)[i] = value;
    }
    return STATUS_OK;
}

/* What stops this kernel: the last check's message is its last word. */
void check_failed(const check_site_t *site)
{
    printf("stopped: %s\n", site->message);
    exit(strcmp(site->message, "double free") == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

void log_line(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

static void require(bool holds, const char *what)
{
    if (!holds) {
        printf("failed: %s\n", what);
        exit(EXIT_FAILURE);
    }
}

static void use_many_blocks(void)
{
    static void *blocks[3000];
    for (size_t i = 0; i < ARRAY_COUNT(blocks); i++) {
        const size_t size = 1 + i % 1000;
        blocks[i] = kmalloc(size);
        require(blocks[i] != NULL, "kmalloc");
        memset(blocks[i], (int)i, size);
    }
    for (size_t i = 0; i < ARRAY_COUNT(blocks); i++) {
        require(*(unsigned char *)blocks[i] == (unsigned char)i, "contents");
        kfree(blocks[i]);
    }
}

int main(void)
{
    foreign_cpu.allocation_context = (struct allocation_context *)&context;
    require(slab_context_register(&context) == STATUS_OK && slab_init() == STATUS_OK, "set-up");

    use_many_blocks();
    void *const large = kmalloc(100000);
    require(large != NULL && kmalloc(sizeof foreign_memory) == NULL, "large blocks");
    kfree(large);

    const slab_debug_config_t tracking = {.records = 4096, .quarantine_bytes = 4096, .seed = 1};
    require(slab_debug_start(&tracking) == STATUS_OK && slab_tier_set_all(SLAB_TIER_GUARDED) == STATUS_OK, "tiers");
    use_many_blocks();
    slab_debug_stop();
    require(slab_shutdown() == 0, "shutdown");
    require(memchr(is_used, 1, sizeof is_used) == NULL, "pages given back");

    void *const block = kmalloc(24);
    kfree(block);
    kfree(block); /* must stop us: see check_failed() */
    return EXIT_FAILURE;
}
