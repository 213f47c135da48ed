/*
 * The ACPI tables as a tree of fixed depth: root pointer -> table of tables -> tables (the FADT names two more).
 *
 * Only addresses and lengths are read here; what the tables mean is the port's business. The depth is fixed and the counts are
 * bounded, so tables that point at each other are harmless.
 */
#include "acpi_tables.h"

#define RSDP_SIZE_OLD     20u
#define RSDP_SIZE_NEW     36u
#define TABLE_HEADER_SIZE 36u
#define RSDP_SIGNATURE    UINT64_C(0x2052545020445352) /* "RSD PTR " */
#define FADT_SIGNATURE    UINT32_C(0x50434146)         /* "FACP" */

/* Whether the bytes add up to 0, as every ACPI structure does. */
static bool checksum_is_right(byte_span_t span)
{
    uint8_t sum = 0;
    for (size_t index = 0; index < span.length; index++) {
        sum = (uint8_t)(sum + span.bytes[index]);
    }
    return sum == 0;
}

/* The table at `address`, added to the map; empty when there can be none. */
static byte_span_t reserve_table(const boot_window_t *window, boot_data_t *boot, uint64_t address)
{
    const byte_span_t header = boot_window_view(window, address, TABLE_HEADER_SIZE);
    const uint64_t size = byte_span_u32(header, 4);
    if (header.length < TABLE_HEADER_SIZE || size < TABLE_HEADER_SIZE || size > ACPI_TABLE_SIZE_MAX) {
        boot_complain(boot, "acpi: no table can be at 0x%llx", (unsigned long long)address);
        return byte_span(header.bytes, 0);
    }
    boot_add_region(boot, address, size, MEMORY_REGION_ACPI_RECLAIMABLE);
    return boot_window_view(window, address, size);
}

/* The FADT names the DSDT in one of two places; its FACS lies in NVS memory by the specification. */
static void reserve_dsdt(const boot_window_t *window, boot_data_t *boot, byte_span_t fadt)
{
    uint64_t address = byte_span_u64(fadt, 140);
    if (address == 0) {
        address = byte_span_u32(fadt, 40);
    }
    if (address != 0) {
        (void)reserve_table(window, boot, address); /* its bytes are of no interest here */
    }
}

static void reserve_listed_tables(const boot_window_t *window, boot_data_t *boot, byte_span_t list, size_t entry_size)
{
    size_t count = 0;
    for (uint64_t at = TABLE_HEADER_SIZE; byte_span_covers(list, at, entry_size); at += entry_size) {
        if (++count > ACPI_TABLE_COUNT_MAX) {
            boot_complain(boot, "acpi: more than %u tables; the rest are ignored", ACPI_TABLE_COUNT_MAX);
            return;
        }
        uint64_t address;
        if (!byte_span_read(list, at, entry_size, &address) || address == 0) {
            continue;
        }
        const byte_span_t table = reserve_table(window, boot, address);
        if (byte_span_u32(table, 0) == FADT_SIGNATURE) {
            reserve_dsdt(window, boot, table);
        }
    }
}

void acpi_tables_reserve(const boot_window_t *window, boot_data_t *boot)
{
    if (!boot->has_rsdp) {
        return;
    }
    const byte_span_t rsdp = boot_window_view(window, boot->rsdp.value, RSDP_SIZE_NEW);
    const byte_span_t old_part = byte_span_part(rsdp, 0, RSDP_SIZE_OLD);
    if (old_part.length < RSDP_SIZE_OLD || byte_span_u64(old_part, 0) != RSDP_SIGNATURE ||
        !checksum_is_right(old_part)) {
        boot_complain(boot, "acpi: no root pointer at 0x%llx", (unsigned long long)boot->rsdp.value);
        boot->has_rsdp = false;
        return;
    }
    const bool is_new = old_part.bytes[15] >= 2 && rsdp.length == RSDP_SIZE_NEW && byte_span_u64(rsdp, 24) != 0;
    boot_add_region(boot, boot->rsdp.value, is_new ? RSDP_SIZE_NEW : RSDP_SIZE_OLD, MEMORY_REGION_ACPI_RECLAIMABLE);
    const uint64_t list = is_new ? byte_span_u64(rsdp, 24) : byte_span_u32(rsdp, 16);
    reserve_listed_tables(window, boot, reserve_table(window, boot, list), is_new ? 8 : 4);
}
