/*
 * For whom the kernel works, and what is left of that when a process has ended.
 *
 * While a CPU works for a process (its system calls, its faults, its making and its end), kernel objects of tracked
 * caches (mm/slab_tier.h) carry the process's number as their owner. After everything has been taken back, one that
 * still does has been forgotten by the kernel: it is told by call site, counted, and kept in //kern/process/leaks.
 *
 *   process 3 (cat): leak: 1 objects, 24 bytes, allocated by read_and_forget+0x2a<take_text+0x6c<kfs_open+0x9b
 *
 * What may outlive its process for a reason is nobody's: records from the start, because who asks for the result and
 * readers of //proc keep them; files and memory objects from when another process gets them as well
 * (kfs_disown(), memory_object_disown()). A leak of those is told at shutdown.
 */
#include "arch/cpu.h"
#include "mm/slab_debug.h"
#include "process_internal.h"

#define SITES_MAX 16u /* of one process that are told one by one */
#define KEPT_MAX  32u /* of all processes, the newest, in the file */

/* ---- for whom ---- */

static uint32_t owners[CPU_COUNT_MAX]; /* each CPU's own */

uint32_t process_owner(void)
{
    const cpu_t *const cpu = cpu_current();
    return cpu->interrupt_depth == 0 ? owners[cpu->index] : 0; /* who is interrupted did not ask for it */
}

uint32_t process_work_for(uint32_t pid)
{
    uint32_t *const owner = &owners[cpu_current()->index];
    const uint32_t before = *owner;
    *owner = pid;
    return before;
}

/* ---- what was left ---- */

typedef struct leak {
    uint16_t site;
    uint64_t objects;
    uint64_t bytes;
} leak_t;

typedef struct tally {
    uint32_t owner;
    size_t count;
    leak_t leaks[SITES_MAX];
    leak_t more; /* at further sites */
} tally_t;

typedef struct kept_leak {
    uint32_t pid;
    char name[SYSTEM_NAME_MAX + 1];
    leak_t leak;
    slab_site_t site; /* a copy: tracking may end before somebody asks */
} kept_leak_t;

/* Number n at n modulo their number. The table's lock. */
static kept_leak_t kept[KEPT_MAX];
static uint64_t kept_count;

static void add_record(const slab_record_t *record, void *argument)
{
    tally_t *const tally = argument;
    if (record->owner != tally->owner) {
        return;
    }
    size_t index = 0;
    while (index < tally->count && tally->leaks[index].site != record->allocated_site) {
        index++;
    }
    leak_t *const leak = index < SITES_MAX ? &tally->leaks[index] : &tally->more;
    tally->count += index == tally->count && index < SITES_MAX;
    leak->site = record->allocated_site;
    leak->objects++;
    leak->bytes += record->size_bytes;
}

static void keep(const process_t *process, const leak_t *leak, const slab_site_t *site)
{
    const spinlock_hold_t hold = process_lock();
    kept_leak_t *const place = &kept[kept_count++ % KEPT_MAX];
    *place = (kept_leak_t){.pid = process->pid, .leak = *leak, .site = *site};
    __builtin_memcpy(place->name, process->name, sizeof(place->name));
    process_unlock(hold);
}

static void tell(const process_t *process, const leak_t *leak)
{
    char line[480];
    slab_site_t site = {{0}, 0, 0, 0};
    (void)slab_debug_site(leak->site, &site); /* without one, the site is told as unknown */
    text_writer_t writer = text_writer(line, sizeof(line));
    text_format(&writer, "process %u (%s): leak: %llu objects, %llu bytes, allocated by ", process->pid, process->name,
                (unsigned long long)leak->objects, (unsigned long long)leak->bytes);
    slab_debug_write_site(&writer, &site);
    process->sink->report(process->sink->context, line);
    keep(process, leak, &site);
}

void process_leaks_tell(process_t *process)
{
    tally_t tally = {.owner = process->pid};
    if (!slab_debug_is_on()) {
        return;
    }
    slab_debug_visit_live(add_record, &tally);
    uint64_t objects = tally.more.objects;
    for (size_t index = 0; index < tally.count; index++) {
        objects += tally.leaks[index].objects;
        tell(process, &tally.leaks[index]);
    }
    if (tally.more.objects != 0) {
        char line[96];
        (void)text_print(line, sizeof(line), "process %u (%s): leak: and %llu more objects", process->pid,
                         process->name, (unsigned long long)tally.more.objects);
        process->sink->report(process->sink->context, line);
    }
    process_count_leaked(objects);
}

bool process_leak_kept(uint64_t *number, text_writer_t *writer)
{
    const spinlock_hold_t hold = process_lock();
    const uint64_t oldest = kept_count > KEPT_MAX ? kept_count - KEPT_MAX : 0;
    *number = *number < oldest ? oldest : *number;
    const bool is_there = *number < kept_count;
    const kept_leak_t leak = kept[*number % KEPT_MAX];
    process_unlock(hold);
    if (is_there) {
        text_format(writer, "%u ", leak.pid);
        process_write_name(writer, leak.name);
        text_format(writer, " %llu %llu ", (unsigned long long)leak.leak.objects, (unsigned long long)leak.leak.bytes);
        slab_debug_write_site(writer, &leak.site);
        text_char(writer, '\n');
    }
    ++*number;
    return is_there;
}
