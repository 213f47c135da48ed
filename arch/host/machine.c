/*
 * The arena: one mapping of untouched memory plays physical memory, another plays the window of page words.
 *
 * Both are reserved, not committed: the system hands out zeroed pages as they are touched, which is what backing
 * means here. The arena is a file in memory, so that kernel_window.c can map a page of it a second time.
 */
#include "arch/machine.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "base/check.h"
#include "host.h"

const char machine_name[] = "host";

char *host_arena_base;
uint64_t host_arena_bytes;
uint64_t *host_page_words;
_Thread_local cpu_t host_cpu;

static int arena_file = -1;

static void *reserve(uint64_t bytes)
{
    void *const base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return base == MAP_FAILED ? NULL : base;
}

bool host_map_arena(void *place, physical_address_t physical, uint64_t bytes, int rights)
{
    return mmap(place, bytes, rights, MAP_SHARED | MAP_FIXED, arena_file, (off_t)physical.value) == place;
}

status_t host_start(uint64_t bytes)
{
    CHECK(host_arena_base == NULL && bytes != 0 && bytes % PAGE_SIZE == 0, "host started twice or with an odd size");

    /*
     * 1 GiB more than asked for, so that the arena can start at a multiple of 1 GiB and runs align as on a real
     * machine.
     */
    char *const base = reserve(bytes + GIB(1));
    uint64_t *const words = reserve((bytes >> PAGE_SHIFT) * sizeof(uint64_t));
    arena_file = memfd_create("arena", MFD_CLOEXEC);
    if (base == NULL || words == NULL || arena_file < 0 || ftruncate(arena_file, (off_t)bytes) != 0) {
        return STATUS_NO_MEMORY;
    }
    char *const arena = base + (align_up((uintptr_t)base, GIB(1)) - (uintptr_t)base);
    if (!host_map_arena(arena, physical_address(0), bytes, PROT_READ | PROT_WRITE)) {
        return STATUS_NO_MEMORY;
    }
    host_arena_base = arena;
    host_arena_bytes = bytes;
    host_page_words = words;
    host_cpu.self = &host_cpu;
    return STATUS_OK;
}

status_t machine_back_page_words(const uint64_t *word, machine_page_source_t source, void *context)
{
    (void)source;
    (void)context;
    CHECK(machine_page_words_contain((uintptr_t)word), "no page word");
    return STATUS_OK;
}

bool machine_page_words_are_backed(const uint64_t *word)
{
    return machine_page_words_contain((uintptr_t)word);
}

bool machine_page_words_contain(uintptr_t address)
{
    return address - (uintptr_t)host_page_words < (host_arena_bytes >> PAGE_SHIFT) * sizeof(uint64_t);
}

const void *machine_page_of_word(uintptr_t word_address)
{
    return host_arena_base + (((word_address - (uintptr_t)host_page_words) / sizeof(uint64_t)) << PAGE_SHIFT);
}

status_t machine_map_memory(physical_address_t base, uint64_t size_bytes, machine_page_source_t source, void *context)
{
    (void)source;
    (void)context;
    return base.value <= host_arena_bytes && size_bytes <= host_arena_bytes - base.value ? STATUS_OK
                                                                                         : STATUS_OUT_OF_RANGE;
}

uint64_t machine_physical_limit(void)
{
    return host_arena_bytes;
}

void machine_zero_page(void *page)
{
    memset(page, 0, PAGE_SIZE);
}
