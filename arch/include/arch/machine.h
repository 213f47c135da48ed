/*
 * What the page allocator and virtual memory need of a machine beyond arch/inline.h.
 *
 * Implemented by each port's machine.c. Any context unless said otherwise.
 */
#ifndef ARCH_MACHINE_H
#define ARCH_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#include "arch/inline.h"
#include "base/compiler.h"
#include "base/status.h"
#include "base/units.h"

/* The name of the port, for banners and reports: "x86_64", "host". */
extern const char machine_name[];

/* One page of memory from the caller of machine_back_page_words(); NULL when there is none. Contents unspecified. */
typedef void *(*machine_page_source_t)(void *context);

/*
 * Makes the page of page words that holds `word` readable and writable, and zero, if it is not yet; page tables on
 * the way come from `source` as well. Pages taken from `source` stay in use for good. Returns STATUS_NO_MEMORY when
 * `source` ran dry (tables already linked stay and will be used later). The caller serializes calls.
 */
MUST_USE status_t machine_back_page_words(const uint64_t *word, machine_page_source_t source, void *context);

/*
 * Whether the page of page words that holds `word` has been backed. The word may be any address in the window of page
 * words.
 */
MUST_USE bool machine_page_words_are_backed(const uint64_t *word);

/* Whether `address` lies in the window of page words, and the first byte of the page that the word there stands for. */
bool machine_page_words_contain(uintptr_t address);
const void *machine_page_of_word(uintptr_t word_address);

/*
 * Extends the direct map so that it covers [base, base + size). Called at boot, on one CPU, with the memory map's
 * ranges.
 */
MUST_USE status_t machine_map_memory(physical_address_t base, uint64_t size_bytes, machine_page_source_t source,
                                     void *context);

/* The highest physical address the port can map, plus one. Memory above it is left alone. */
uint64_t machine_physical_limit(void);

/* Fills a whole page with zeros, by the fastest means the machine has. */
void machine_zero_page(void *page);

#endif
