/*
 * PVH start info: one structure with physical addresses of three tables.
 *
 *   hvm_start_info | magic version flags nr_modules | modlist | cmdline | rsdp | memmap | entries |
 *                     u32 ...                 offset 16        24        32     40       48 (version 1 on)
 *
 * Each table is looked at through the window, cut where that ends: an address out of thin air gives an empty table and a complaint.
 * No table points to another, so there is nothing to go round in circles.
 */
#include "pvh.h"

#define MAGIC             0x336ec578u
#define SIZE_VERSION_0    40u
#define SIZE_VERSION_1    56u
#define MODULE_ENTRY_SIZE 32u
#define MAP_ENTRY_SIZE    24u
#define NO_ADDRESS        UINT64_C(0)

/*
 * The table of `count` entries at `address`: cut to the entries that are wholly in the window, at most `count_max`, and reserved in
 * the map. Complains about what was cut.
 */
static byte_span_t pvh_table(const boot_window_t *window, boot_data_t *boot, const char *what, uint64_t address,
                             uint64_t count, uint64_t count_max, uint64_t entry_size)
{
    if (count > count_max) {
        boot_complain(boot, "pvh: %s of %llu entries is cut to %llu", what, (unsigned long long)count,
                      (unsigned long long)count_max);
        count = count_max;
    }
    const byte_span_t table = boot_window_view(window, address, count * entry_size);
    if (table.length < count * entry_size) {
        boot_complain(boot, "pvh: %s at 0x%llx reaches outside readable memory", what, (unsigned long long)address);
    }
    boot_add_region(boot, address, table.length, MEMORY_REGION_RESERVED);
    return byte_span_part(table, 0, table.length - table.length % entry_size);
}

static void read_modules(const boot_window_t *window, boot_data_t *boot, uint64_t address, uint64_t count)
{
    const byte_span_t table =
        pvh_table(window, boot, "module list", address, count, PVH_MODULE_COUNT_MAX, MODULE_ENTRY_SIZE);
    for (uint64_t at = 0; at < table.length; at += MODULE_ENTRY_SIZE) {
        const uint64_t start = byte_span_u64(table, at);
        uint64_t end;
        if (__builtin_add_overflow(start, byte_span_u64(table, at + 8), &end)) {
            boot_complain(boot, "pvh: module at 0x%llx refused: it wraps", (unsigned long long)start);
            continue;
        }
        boot_add_module(boot, start, end);
    }
}

/* Returns how many regions there were. */
static uint64_t read_memory_map(const boot_window_t *window, boot_data_t *boot, uint64_t address, uint64_t count)
{
    const byte_span_t table =
        pvh_table(window, boot, "memory map", address, count, PVH_REGION_COUNT_MAX, MAP_ENTRY_SIZE);
    for (uint64_t at = 0; at < table.length; at += MAP_ENTRY_SIZE) {
        boot_add_region(boot, byte_span_u64(table, at), byte_span_u64(table, at + 8),
                        boot_region_type(byte_span_u32(table, at + 16)));
    }
    return table.length / MAP_ENTRY_SIZE;
}

static void read_command_line(const boot_window_t *window, boot_data_t *boot, uint64_t address)
{
    /* One byte more than is kept, so that cmdline_set() sees whether there was more. */
    const byte_span_t text = boot_window_view(window, address, CMDLINE_LENGTH_MAX + 1);
    if (text.length == 0) {
        boot_complain(boot, "pvh: command line at 0x%llx is outside readable memory", (unsigned long long)address);
        return;
    }
    cmdline_set(boot->cmdline, (const char *)text.bytes, text.length);
    boot_add_region(boot, address, boot->cmdline->length + 1, MEMORY_REGION_RESERVED);
}

status_t pvh_read(const boot_window_t *window, physical_address_t address, boot_data_t *boot)
{
    const byte_span_t info = boot_window_view(window, address.value, SIZE_VERSION_1);
    if (!byte_span_covers(info, 0, SIZE_VERSION_0) || byte_span_u32(info, 0) != MAGIC) {
        boot_complain(boot, "pvh: no start info at 0x%llx", (unsigned long long)address.value);
        return STATUS_CORRUPT;
    }
    const uint32_t version = byte_span_u32(info, 4);
    const bool has_map = version >= 1 && byte_span_covers(info, 0, SIZE_VERSION_1);

    boot_add_region(boot, address.value, has_map ? SIZE_VERSION_1 : SIZE_VERSION_0, MEMORY_REGION_RESERVED);
    if (byte_span_u32(info, 12) != 0) {
        read_modules(window, boot, byte_span_u64(info, 16), byte_span_u32(info, 12));
    }
    if (byte_span_u64(info, 24) != NO_ADDRESS) {
        read_command_line(window, boot, byte_span_u64(info, 24));
    }
    if (byte_span_u64(info, 32) != NO_ADDRESS) {
        boot->has_rsdp = true;
        boot->rsdp = physical_address(byte_span_u64(info, 32));
    }
    if (has_map && read_memory_map(window, boot, byte_span_u64(info, 40), byte_span_u32(info, 48)) != 0) {
        return STATUS_OK;
    }
    boot_complain(boot, "pvh: version %u tells of no memory", version);
    return STATUS_NOT_FOUND;
}
