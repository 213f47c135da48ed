/*
 * Free pages under watch: see memory_watch.h; the watching is mm/pages/page_watch.c's.
 */
#include "kernel/memory_watch.h"

#include "arch/memory_tags.h"
#include "base/log.h"
#include "base/text.h"
#include "kernel/cmdline.h"
#include "mm/pages.h"
#include "mm/slab_tier.h"

#define VALUE_MAX 24u

/* What memory_tags= says on the command line; `otherwise` when it is not there, or says neither on nor off. */
static bool is_said(bool otherwise)
{
    char value[VALUE_MAX];
    if (cmdline_get_param("memory_tags", value, sizeof value) != STATUS_OK) {
        return otherwise;
    }
    if (text_equal(value, "on") || text_equal(value, "off")) {
        return text_equal(value, "on");
    }
    log_line("memory tags: \"memory_tags=%s\" is not known; on and off are", value);
    return otherwise;
}

/* Whether slab= names a tier that is to notice more than the fast one. */
static bool is_tier_watchful(void)
{
    char value[VALUE_MAX];
    slab_tier_t tier;
    return cmdline_get_param("slab", value, sizeof value) == STATUS_OK && slab_tier_parse(value, &tier) &&
           tier != SLAB_TIER_FAST;
}

static void tell_findings(const memory_tags_t *tags)
{
    if (tags->failure != NULL) {
        log_line("memory tags: the self-test failed: %s", tags->failure);
    } else {
        log_line("memory tags: self-test passed: one for %u bytes; a wrong one faults at once%s", tags->granule_bytes,
                 tags->is_asynchronous ? ", or is noted" : "");
    }
}

void memory_watch_start(void)
{
    if (!memory_tags_are_offered()) {
        if (is_said(false)) {
            log_line("memory tags: not available on this machine");
        }
        return;
    }
    void *const scratch = pages_alloc(MEMORY_TAGS_SCRATCH_PAGES);
    if (scratch == NULL) {
        log_line("memory tags: no memory to try them on; not in use");
        return;
    }
    const memory_tags_t *const tags = memory_tags_probe(scratch);
    tell_findings(tags);
    if (!is_said(is_tier_watchful())) {
        log_line("memory tags: not in use");
    } else if (memory_tags_start(scratch) == STATUS_OK) {
        pages_watch();
        log_line("memory tags: in use: free pages are closed");
    } else {
        log_line("memory tags: not in use: %s", tags->failure);
    }
    pages_free(scratch, MEMORY_TAGS_SCRATCH_PAGES);
}
