/*
 * Finding the ACPI tables in memory: root pointer, root table, tables (ACPI Specification 6.5, 5.2.5 to 5.2.8).
 *
 *   root pointer (from the bootloader, or in the BIOS area) -> XSDT or RSDT -> tables by signature
 *
 * Nothing is followed twice: the root table is a flat list of at most its own length, and the tables we read point to
 * no other.
 */
#include "acpi.h"

#include "base/log.h"
#include "page_table.h"
#include "processor.h"

#define ROOT_POINTER_BYTES     20 /* revision 0 */
#define ROOT_POINTER_BYTES_NEW 36 /* from revision 2 */
#define HEADER_BYTES           36
#define TABLE_BYTES_MAX        MIB(4)

/* The places to search when the bootloader said nothing (5.2.5.1). */
#define BIOS_DATA_EXTENDED_SEGMENT 0x40e
#define BIOS_EXTENDED_BYTES        KIB(1)
#define BIOS_AREA_START            0xe0000
#define BIOS_AREA_END              0x100000

/* Multiboot2 specification 2.0, 3.6: tags of 8-aligned sizes; 14 and 15 hold copies of the root pointer. */
#define MULTIBOOT2_TAG_ROOT_POINTER_OLD 14
#define MULTIBOOT2_TAG_ROOT_POINTER_NEW 15
#define MULTIBOOT2_INFO_BYTES_MAX       MIB(16)

/* Xen, public/arch-x86/hvm/start_info.h. */
#define PVH_START_INFO_MAGIC        0x336ec578
#define PVH_START_INFO_BYTES        40
#define PVH_START_INFO_ROOT_POINTER 32

static acpi_info_t info;

/* The bytes at a physical address, or NULL when they can't all be read. */
static const uint8_t *bytes_at(uint64_t address, uint64_t size)
{
    return page_table_covers(physical_address(address), size) ? physical_to_pointer(physical_address(address)) : NULL;
}

static bool signature_is(const uint8_t *bytes, const char *signature, size_t length)
{
    for (size_t index = 0; index < length; index++) {
        if (bytes[index] != (uint8_t)signature[index]) {
            return false;
        }
    }
    return true;
}

/* Whether there is a right root pointer at `bytes`, of which `size` can be read. */
static bool root_pointer_is_right(const uint8_t *bytes, uint64_t size)
{
    if (size < ROOT_POINTER_BYTES || !signature_is(bytes, "RSD PTR ", 8) ||
        !acpi_checksum_is_right(bytes, ROOT_POINTER_BYTES)) {
        return false;
    }
    return bytes[15] < 2 || (size >= ROOT_POINTER_BYTES_NEW && acpi_checksum_is_right(bytes, ROOT_POINTER_BYTES_NEW));
}

static const uint8_t *root_pointer_at(uint64_t address)
{
    const uint8_t *bytes = bytes_at(address, ROOT_POINTER_BYTES_NEW);

    return bytes != NULL && root_pointer_is_right(bytes, ROOT_POINTER_BYTES_NEW) ? bytes : NULL;
}

static const uint8_t *root_pointer_from_pvh(uint64_t address)
{
    const uint8_t *const start_info = bytes_at(address, PVH_START_INFO_BYTES);

    if (start_info == NULL || acpi_u32(start_info) != PVH_START_INFO_MAGIC) {
        return NULL;
    }
    return root_pointer_at(acpi_u64(start_info + PVH_START_INFO_ROOT_POINTER));
}

static const uint8_t *root_pointer_from_multiboot2(uint64_t address)
{
    const uint8_t *const head = bytes_at(address, 8);
    const uint8_t *found = NULL;

    if (head == NULL) {
        return NULL;
    }
    const uint64_t total = acpi_u32(head);
    const uint8_t *const start = total <= MULTIBOOT2_INFO_BYTES_MAX ? bytes_at(address, total) : NULL;
    if (start == NULL) {
        return NULL;
    }
    /* Each round moves on by at least 8. */
    for (uint64_t at = 8; at <= total && total - at >= 8;) {
        const uint32_t type = acpi_u32(start + at);
        const uint64_t size = acpi_u32(start + at + 4);
        if (type == 0 || size < 8 || size > total - at) {
            break;
        }
        if ((type == MULTIBOOT2_TAG_ROOT_POINTER_NEW || (type == MULTIBOOT2_TAG_ROOT_POINTER_OLD && found == NULL)) &&
            root_pointer_is_right(start + at + 8, size - 8)) {
            found = start + at + 8;
        }
        at += align_up(size, 8);
    }
    return found;
}

static const uint8_t *root_pointer_within(uint64_t start, uint64_t end)
{
    for (uint64_t at = start; at + ROOT_POINTER_BYTES_NEW <= end; at += 16) {
        const uint8_t *const found = root_pointer_at(at);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

static const uint8_t *root_pointer_find(void)
{
    const boot_handoff_t *const boot = boot_handoff();
    const uint8_t *found = NULL;

    if (boot->protocol == BOOT_PROTOCOL_PVH) {
        found = root_pointer_from_pvh(boot->data.value);
    } else if (boot->protocol == BOOT_PROTOCOL_MULTIBOOT2) {
        found = root_pointer_from_multiboot2(boot->data.value);
    }
    if (found == NULL) {
        const uint8_t *const segment = bytes_at(BIOS_DATA_EXTENDED_SEGMENT, 2);
        const uint64_t extended = segment == NULL ? 0 : (uint64_t)acpi_u16(segment) << 4;
        found = root_pointer_within(extended, extended + BIOS_EXTENDED_BYTES);
    }
    return found != NULL ? found : root_pointer_within(BIOS_AREA_START, BIOS_AREA_END);
}

/* A table with a right header and checksum, and its length; or NULL. */
static const uint8_t *table_at(uint64_t address, size_t *length)
{
    const uint8_t *const header = bytes_at(address, HEADER_BYTES);

    if (header == NULL) {
        return NULL;
    }
    *length = acpi_u32(header + 4);
    if (*length < HEADER_BYTES || *length > TABLE_BYTES_MAX || bytes_at(address, *length) == NULL ||
        !acpi_checksum_is_right(header, *length)) {
        return NULL;
    }
    return header;
}

static void read_table(const uint8_t *table, size_t length)
{
    status_t status = STATUS_OK;

    if (signature_is(table, "APIC", 4)) {
        status = acpi_read_madt(table, length, &info);
    } else if (signature_is(table, "FACP", 4)) {
        status = acpi_read_fadt(table, length, &info);
        info.is_emulator = signature_is(table + 10, "BOCHS ", 6);
    }
    if (status != STATUS_OK) {
        log_line("acpi: table %.4s is %s; what came before the fault counts", (const char *)table, status_name(status));
    }
}

static void read_tables(void)
{
    const uint8_t *const root_pointer = root_pointer_find();
    size_t root_length = 0;
    size_t entry_bytes = 8;
    const uint8_t *root = NULL;

    if (root_pointer == NULL) {
        log_line("acpi: no root pointer");
        return;
    }
    if (root_pointer[15] >= 2) {
        root = table_at(acpi_u64(root_pointer + 24), &root_length);
    }
    if (root == NULL || !signature_is(root, "XSDT", 4)) {
        entry_bytes = 4;
        root = table_at(acpi_u32(root_pointer + 16), &root_length);
        if (root == NULL || !signature_is(root, "RSDT", 4)) {
            log_line("acpi: no root table");
            return;
        }
    }
    for (size_t at = HEADER_BYTES; root_length - at >= entry_bytes; at += entry_bytes) {
        const uint64_t address = entry_bytes == 8 ? acpi_u64(root + at) : acpi_u32(root + at);
        size_t length = 0;
        const uint8_t *const table = table_at(address, &length);
        if (table == NULL) {
            log_line("acpi: the table at 0x%llx is broken or out of reach", (unsigned long long)address);
            continue;
        }
        read_table(table, length);
    }
}

const acpi_info_t *acpi_info(void)
{
    static bool was_read;

    if (!was_read) {
        was_read = true;
        acpi_info_reset(&info);
        read_tables();
    }
    return &info;
}
