/*
 * What the port wants to know from ACPI: which CPUs and I/O APICs there are, and two I/O ports (ACPI Specification 6.5,
 * chapter 5).
 *
 * Tables are firmware's, so every length, checksum and address is checked before it is believed; a broken table is
 * reported and counts as absent.
 */
#ifndef X86_64_ACPI_H
#define X86_64_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/cpu.h"
#include "base/compiler.h"
#include "base/status.h"
#include "base/units.h"

#define ACPI_IO_APICS_MAX  8
#define ACPI_ISA_IRQ_COUNT 16

/* Where an old interrupt line ends up, and how it signals. */
typedef struct acpi_isa_route {
    uint32_t global_interrupt;
    bool is_active_low;
    bool is_level;
} acpi_isa_route_t;

typedef struct acpi_io_apic {
    physical_address_t address;
    uint32_t global_interrupt_base;
} acpi_io_apic_t;

typedef struct acpi_info {
    uint32_t cpu_ids[CPU_COUNT_MAX]; /* local APIC identifiers of usable CPUs, each once, in the table's order */
    uint32_t cpu_id_count;
    uint32_t cpus_left_out; /* beyond CPU_COUNT_MAX */
    acpi_io_apic_t io_apics[ACPI_IO_APICS_MAX];
    uint32_t io_apic_count;
    acpi_isa_route_t isa_routes[ACPI_ISA_IRQ_COUNT];
    uint16_t timer_port;         /* the power-management timer, or 0 */
    uint16_t power_control_port; /* PM1a_CNT, or 0 */
    bool is_emulator;            /* the tables are QEMU's own */
} acpi_info_t;

/*
 * The machine's tables, read at the first call: from what the bootloader said, else from the BIOS area. Without tables:
 * no CPUs, no I/O APICs, ISA lines one to one. Boot CPU, or machine_exit().
 */
const acpi_info_t *acpi_info(void);

/* Puts `info` into the state of a machine without tables. */
void acpi_info_reset(acpi_info_t *info);

/* Whether `length` bytes at `table` add up to 0, as every table's do. */
MUST_USE bool acpi_checksum_is_right(const uint8_t *table, size_t length);

/*
 * Read one table of `length` bytes, whose header was checked, into `info`. STATUS_CORRUPT when an entry's length is
 * impossible; what came before it counts. Pure: no access beyond the bytes given.
 */
MUST_USE status_t acpi_read_madt(const uint8_t *table, size_t length, acpi_info_t *info);
MUST_USE status_t acpi_read_fadt(const uint8_t *table, size_t length, acpi_info_t *info);

/* Little-endian numbers at any address. */
static inline uint16_t acpi_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static inline uint32_t acpi_u32(const uint8_t *bytes)
{
    return acpi_u16(bytes) | (uint32_t)acpi_u16(bytes + 2) << 16;
}

static inline uint64_t acpi_u64(const uint8_t *bytes)
{
    return acpi_u32(bytes) | (uint64_t)acpi_u32(bytes + 4) << 32;
}

#endif
