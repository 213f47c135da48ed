/*
 * The contents of the two ACPI tables that we read: MADT (interrupt controllers and CPUs) and FADT (I/O ports).
 *
 * Works on bytes and nothing else, so that it can be tested, and fed nonsense, anywhere. References: ACPI Specification
 * 6.5, 5.2.12 (MADT), 5.2.9 (FADT), 5.2.3.2 (generic address).
 */
#include "acpi.h"

/* MADT: header, local APIC address, flags; then entries of type, length, contents. */
#define MADT_ENTRIES        44
#define ENTRY_LOCAL_APIC    0
#define ENTRY_IO_APIC       1
#define ENTRY_ISA_OVERRIDE  2
#define ENTRY_LOCAL_X2APIC  9
#define ENTRY_BYTES_MIN     2
#define CPU_FLAG_ENABLED    1u
#define OVERRIDE_ACTIVE_LOW 3u /* bits 0 and 1 */
#define OVERRIDE_LEVEL      3u /* bits 2 and 3 */
#define APIC_ID_BROADCAST   0xffu
#define X2APIC_ID_BROADCAST UINT32_MAX

/* FADT: offsets of fields. */
#define FADT_POWER_CONTROL_PORT 64
#define FADT_TIMER_PORT         76
#define FADT_TIMER_LENGTH       91
#define FADT_TIMER_ADDRESS      208 /* a generic address of 12 bytes, in tables that are long enough */
#define FADT_BYTES_MIN          116
#define ADDRESS_BYTES           12
#define ADDRESS_SPACE_IO        1
#define TIMER_BYTES             4

void acpi_info_reset(acpi_info_t *info)
{
    *info = (acpi_info_t){0};
    for (uint32_t irq = 0; irq < ACPI_ISA_IRQ_COUNT; irq++) {
        info->isa_routes[irq].global_interrupt = irq;
    }
}

bool acpi_checksum_is_right(const uint8_t *table, size_t length)
{
    uint8_t sum = 0;

    for (size_t index = 0; index < length; index++) {
        sum = (uint8_t)(sum + table[index]);
    }
    return sum == 0;
}

static void add_cpu(acpi_info_t *info, uint32_t id, uint32_t flags)
{
    if ((flags & CPU_FLAG_ENABLED) == 0) {
        return;
    }
    /* Firmware lists a CPU under both entry types at times. */
    for (uint32_t index = 0; index < info->cpu_id_count; index++) {
        if (info->cpu_ids[index] == id) {
            return;
        }
    }
    if (info->cpu_id_count == CPU_COUNT_MAX) {
        info->cpus_left_out++;
        return;
    }
    info->cpu_ids[info->cpu_id_count++] = id;
}

static void add_io_apic(acpi_info_t *info, uint32_t address, uint32_t global_interrupt_base)
{
    if (info->io_apic_count < ACPI_IO_APICS_MAX) {
        info->io_apics[info->io_apic_count++] = (acpi_io_apic_t){physical_address(address), global_interrupt_base};
    }
}

static void add_override(acpi_info_t *info, uint8_t irq, uint32_t global_interrupt, uint32_t flags)
{
    if (irq < ACPI_ISA_IRQ_COUNT) {
        info->isa_routes[irq] = (acpi_isa_route_t){
            .global_interrupt = global_interrupt,
            .is_active_low = (flags & 3u) == OVERRIDE_ACTIVE_LOW,
            .is_level = (flags >> 2 & 3u) == OVERRIDE_LEVEL,
        };
    }
}

/*
 * One entry of `length` bytes; false when that is too short for its type. Types that we have no use for are passed
 * over.
 */
static bool read_entry(const uint8_t *entry, size_t length, acpi_info_t *info)
{
    switch (entry[0]) {
    case ENTRY_LOCAL_APIC:
        if (length < 8) {
            return false;
        }
        if (entry[3] != APIC_ID_BROADCAST) {
            add_cpu(info, entry[3], acpi_u32(entry + 4));
        }
        return true;
    case ENTRY_IO_APIC:
        if (length < 12) {
            return false;
        }
        add_io_apic(info, acpi_u32(entry + 4), acpi_u32(entry + 8));
        return true;
    case ENTRY_ISA_OVERRIDE:
        if (length < 10) {
            return false;
        }
        add_override(info, entry[3], acpi_u32(entry + 4), acpi_u16(entry + 8));
        return true;
    case ENTRY_LOCAL_X2APIC:
        if (length < 16) {
            return false;
        }
        if (acpi_u32(entry + 4) != X2APIC_ID_BROADCAST) {
            add_cpu(info, acpi_u32(entry + 4), acpi_u32(entry + 8));
        }
        return true;
    default:
        return true;
    }
}

status_t acpi_read_madt(const uint8_t *table, size_t length, acpi_info_t *info)
{
    size_t at = MADT_ENTRIES;

    if (length < MADT_ENTRIES) {
        return STATUS_CORRUPT;
    }
    /* Each round moves on by at least ENTRY_BYTES_MIN. */
    while (length - at >= ENTRY_BYTES_MIN) {
        const size_t entry_length = table[at + 1];
        if (entry_length < ENTRY_BYTES_MIN || entry_length > length - at ||
            !read_entry(table + at, entry_length, info)) {
            return STATUS_CORRUPT;
        }
        at += entry_length;
    }
    return at == length ? STATUS_OK : STATUS_CORRUPT;
}

status_t acpi_read_fadt(const uint8_t *table, size_t length, acpi_info_t *info)
{
    if (length < FADT_BYTES_MIN) {
        return STATUS_CORRUPT;
    }
    const uint32_t power_control = acpi_u32(table + FADT_POWER_CONTROL_PORT);
    uint64_t timer = table[FADT_TIMER_LENGTH] == TIMER_BYTES ? acpi_u32(table + FADT_TIMER_PORT) : 0;

    /* The extended address wins when there is one, and may say that the timer is no I/O port at all. */
    if (length >= FADT_TIMER_ADDRESS + ADDRESS_BYTES && acpi_u64(table + FADT_TIMER_ADDRESS + 4) != 0) {
        timer = table[FADT_TIMER_ADDRESS] == ADDRESS_SPACE_IO ? acpi_u64(table + FADT_TIMER_ADDRESS + 4) : 0;
    }
    info->timer_port = timer <= UINT16_MAX - (TIMER_BYTES - 1) ? (uint16_t)timer : 0;
    info->power_control_port = power_control < UINT16_MAX ? (uint16_t)power_control : 0;
    return STATUS_OK;
}
