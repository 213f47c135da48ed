/*
 * What callers of the page allocator get wrong. world.c says what lies where.
 */
#include "arch/memory_tags.h"
#include "mm/pages.h"
#include "testing/host/mistakes.h"

#define IN_RESERVED_MEMORY MIB(4)
#define IN_BAD_MEMORY      MIB(300)
#define IN_THE_HOLE        MIB(900)

static char *run_of(size_t count)
{
    char *const run = pages_alloc(count);
    mistake_needs(run != NULL, "no pages");
    return run;
}

static void free_at(uint64_t address)
{
    pages_free(physical_to_pointer(physical_address(address)), 1);
}

static void touching_a_closed_page(void)
{
    char *const page = run_of(MEMORY_TAGS_SCRATCH_PAGES);
    mistake_needs(memory_tags_start(page) == STATUS_OK, "the host has no signals");
    memory_tags_close(page, 1);
    *(volatile char *)page = 1;
}

static void freeing_a_page_twice(void)
{
    char *const page = run_of(1);
    pages_free(page, 1);
    pages_free(page, 1);
}

static void freeing_more_than_was_allocated(void)
{
    char *const run = run_of(8);
    pages_free(run + 4 * PAGE_SIZE, 4);
    pages_free(run, 8);
}

static void freeing_reserved_memory(void)
{
    free_at(IN_RESERVED_MEMORY);
}

static void freeing_bad_memory(void)
{
    free_at(IN_BAD_MEMORY);
}

static void freeing_memory_taken_out_of_service(void)
{
    char *const page = run_of(1);
    mistake_needs(pages_mark_invalid(page, 1) == STATUS_OK, "the page stays in service");
    pages_free(page, 1);
}

static void freeing_a_hole(void)
{
    free_at(IN_THE_HOLE);
}

static void freeing_the_stack(void)
{
    char on_the_stack[2 * PAGE_SIZE];
    pages_free((void *)align_up((uintptr_t)on_the_stack, PAGE_SIZE), 1);
}

static void freeing_inside_a_page(void)
{
    pages_free(run_of(1) + 16, 1);
}

static void freeing_no_pages(void)
{
    pages_free(run_of(1), 0);
}

static void freeing_more_pages_than_there_are(void)
{
    pages_free(run_of(1), SIZE_MAX);
}

const mistake_t page_mistakes[] = {
    MISTAKE(touching_a_closed_page, "use of a free page"),
    MISTAKE(freeing_a_page_twice, "free of a free page"),
    MISTAKE(freeing_more_than_was_allocated, "free of a free page"),
    MISTAKE(freeing_reserved_memory, "free of a reserved page"),
    MISTAKE(freeing_bad_memory, "free of an invalid page"),
    MISTAKE(freeing_memory_taken_out_of_service, "free of an invalid page"),
    MISTAKE(freeing_a_hole, "free of a foreign page"),
    MISTAKE(freeing_the_stack, "free of a foreign page"),
    MISTAKE(freeing_inside_a_page, "free of a misaligned address"),
    MISTAKE(freeing_no_pages, "page count out of range"),
    MISTAKE(freeing_more_pages_than_there_are, "page count out of range"),
    MISTAKES_END,
};
