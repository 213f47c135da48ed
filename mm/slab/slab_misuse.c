/*
 * What callers do wrong: a report to the log, then the check that stops the kernel.
 *
 * The messages are part of kmalloc's and the caches' contract. Nothing has been changed when one of these is called,
 * and no lock is held, so a report may log and a test may catch the check.
 */
#include "base/check.h"
#include "base/log.h"
#include "mm/kmalloc.h"
#include "mm/slab/slab.h"
#include "mm/slab/slab_report.h"

/* Fails with `text`; each message has its own site. */
#define FAIL(text)                                                                           \
    do {                                                                                     \
        static const check_site_t site_ = {text, "kfree contract", __FILE_NAME__, __LINE__}; \
        check_failed(&site_);                                                                \
    } while (0)

static void describe(const slab_t *slab, uintptr_t address)
{
    const kmem_cache_t *const cache = slab->cache;
    const uintptr_t offset = address - slab_start(slab);
    log_line("slab: pointer %p: cache %s, object size %u, slab at %p, object %zu, offset %zu in it", (void *)address,
             cache->name, cache->object_size, (void *)slab_start(slab), (size_t)(offset / cache->object_size),
             (size_t)(offset % cache->object_size));
    log_line("slab: free %016llx, freed remotely %016llx, owner %p, cpu %u",
             (unsigned long long)RELAXED_LOAD(&slab->free_word),
             (unsigned long long)atomic_load_explicit(&slab->remote_word, memory_order_relaxed),
             (void *)slab_owner_context(atomic_load_explicit(&slab->owner, memory_order_relaxed)),
             cpu_current()->index);
    slab_report_history(slab_start(slab) + offset / cache->object_size * cache->object_size);
}

void slab_misuse_double_free(const slab_t *slab, uintptr_t address)
{
    describe(slab, address);
    FAIL("double free");
}

void slab_misuse_misaligned(const slab_t *slab, uintptr_t address)
{
    describe(slab, address);
    FAIL("free of a misaligned pointer");
}

void slab_misuse_wrong_cache(const slab_t *slab, uintptr_t address, const kmem_cache_t *cache)
{
    describe(slab, address);
    log_line("slab: freed to cache %s", cache->name);
    FAIL("free to the wrong cache");
}

void slab_misuse_no_slab(uintptr_t address, uint64_t page_word)
{
    log_line("slab: pointer %p lies in no slab and starts no large block (page word %016llx)", (void *)address,
             (unsigned long long)page_word);
    switch (page_word & PAGE_CODE_MASK) {
    case PAGE_CODE_GONE:
        FAIL("double free");
    case PAGE_CODE_LARGE:
        FAIL("free of a misaligned pointer");
    default:
        FAIL("free of a foreign pointer");
    }
}

void kmalloc_report_foreign_free(const void *pointer)
{
    slab_misuse_no_slab((uintptr_t)pointer, PAGE_CODE_NONE);
}
