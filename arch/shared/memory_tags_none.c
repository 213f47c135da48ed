/*
 * Memory tags where the machine has none.
 */
#include "arch/memory_tags.h"

bool memory_tags_are_offered(void)
{
    return false;
}

/* Nobody comes here, nor further down: nothing is offered. */
const memory_tags_t *memory_tags_probe(void *scratch)
{
    static const memory_tags_t none = {.failure = "there are no tags"};

    (void)scratch;
    return &none;
}

status_t memory_tags_start(void *scratch)
{
    (void)scratch;
    return STATUS_UNSUPPORTED;
}

void memory_tags_open(void *first, size_t count)
{
    (void)first;
    (void)count;
}

void memory_tags_close(void *first, size_t count)
{
    (void)first;
    (void)count;
}
