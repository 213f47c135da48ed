#include "kernel/slab_watch.h"

#include "base/log.h"
#include "base/text.h"
#include "kernel/cmdline.h"
#include "kernel/symbols.h"
#include "mm/slab_debug.h"

/* Objects that can be tracked at once: 900 KiB of records. */
#define RECORDS 16384u

/* Leaks that are told one by one; the rest is a number. */
#define LEAKS_TOLD_MAX 20u

status_t slab_watch_start(void)
{
    char value[16];
    if (cmdline_get_param("slab", value, sizeof value) != STATUS_OK || text_equal(value, "fast")) {
        return STATUS_OK;
    }
    if (!text_equal(value, "debug")) {
        log_line("slab: \"slab=%s\" is not known; slab=fast and slab=debug are", value);
        return STATUS_OK;
    }
    log_line("slab: every object is tracked and poisoned");
    return slab_debug_start(RECORDS);
}

static void tell_leak(const slab_record_t *record, void *argument)
{
    uint64_t *const count = argument;
    if (++*count > LEAKS_TOLD_MAX) {
        return;
    }
    const symbol_table_t table = symbols_of_image();
    const char *name = "?";
    uint64_t offset = 0;
    if (!symbol_find(&table, record->allocated_by, &name, &offset)) {
        offset = record->allocated_by;
    }
    log_line("leak: %u bytes at %p, allocated by %s+0x%llx on cpu %u, operation %llu", record->size_bytes,
             (void *)record->address, name, (unsigned long long)offset, record->allocated_cpu,
             (unsigned long long)record->allocated_at);
}

void slab_watch_end(void)
{
    uint64_t count = 0;
    if (!slab_debug_is_on()) {
        return;
    }
    slab_debug_visit_live(tell_leak, &count);
    if (count > LEAKS_TOLD_MAX) {
        log_line("leak: and %llu more", (unsigned long long)(count - LEAKS_TOLD_MAX));
    }
    if (slab_debug_untracked() != 0) {
        log_line("slab: %llu objects were not tracked, for lack of room", (unsigned long long)slab_debug_untracked());
    }
    slab_debug_stop();
}
