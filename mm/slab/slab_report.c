/*
 * What users of the kernel read when memory was spoiled. The lines and the checks' messages are an interface: README.md
 * of this area shows them, tests expect them.
 */
#include "mm/slab/slab_report.h"

#include "base/check.h"
#include "base/log.h"
#include "mm/slab/slab_tracking.h"

/* Room for a site's names. */
#define SITE_TEXT_MAX 400
#define HEX_TEXT_MAX  (SLAB_DAMAGE_BYTES_MAX * 3)

/* "6b 6b 78": `text` has room for HEX_TEXT_MAX characters. */
static void write_hex(char *text, const unsigned char *bytes, uint32_t count)
{
    text_writer_t writer = text_writer(text, HEX_TEXT_MAX);
    for (uint32_t i = 0; i < count; i++) {
        text_format(&writer, i == 0 ? "%02x" : " %02x", bytes[i]);
    }
}

/* One end of an object's life: "allocated" or "freed". */
static void log_event(const char *what, uint32_t site_number, uint64_t operation, uint64_t time, uint32_t cpu)
{
    char text[SITE_TEXT_MAX];
    text_writer_t writer = text_writer(text, sizeof text);
    slab_site_t site = {.addresses = {0}};
    (void)slab_debug_site(site_number, &site);
    slab_debug_write_site(&writer, &site);
    log_line("slab: %s by %s", what, text);
    log_line("slab:   on cpu %u, operation %llu, at %llu.%06llu s", cpu, (unsigned long long)operation,
             (unsigned long long)(time / 1000000000), (unsigned long long)(time / 1000 % 1000000));
}

void slab_report_history(uintptr_t address)
{
    slab_record_t record;
    if (!slab_debug_is_on()) {
        return;
    }
    if (!slab_debug_find(address, &record)) {
        log_line("slab: who allocated it is not known");
        return;
    }
    log_event("allocated", record.allocated_site, record.allocated_at, record.allocated_time, record.allocated_cpu);
    if (record.owner != 0) {
        log_line("slab:   for owner %u", record.owner);
    }
    if (record.state != SLAB_RECORD_LIVE) {
        log_event("freed", record.freed_site, record.freed_at, record.freed_time, record.freed_cpu);
    }
}

static void describe(const slab_damage_t *damage, const char *what)
{
    char expected[HEX_TEXT_MAX];
    char found[HEX_TEXT_MAX];
    write_hex(expected, damage->expected, damage->count);
    write_hex(found, damage->found, damage->count);
    log_line("slab: object %p of cache %s, %u bytes, was written %s", (void *)damage->object, damage->cache->name,
             damage->size_bytes, what);
    log_line("slab: at offset %lld: expected %s, found %s", (long long)damage->offset, expected, found);
    slab_report_history(damage->object);
}

void slab_report_damage(const slab_damage_t *damage)
{
    switch (damage->kind) {
    case SLAB_DAMAGE_AFTER_FREE:
        describe(damage, "after its free");
        break;
    case SLAB_DAMAGE_PAST_END:
        describe(damage, "past its end");
        break;
    case SLAB_DAMAGE_BEFORE_START:
        describe(damage, "before its start");
        break;
    case SLAB_DAMAGE_NONE:
        return;
    }
    CHECK(damage->kind != SLAB_DAMAGE_AFTER_FREE, "write after free");
    CHECK(damage->kind != SLAB_DAMAGE_PAST_END, "write past the end of an object");
    CHECK(damage->kind != SLAB_DAMAGE_BEFORE_START, "write before the start of an object");
}
