/*
 * I/O APIC lines: an index register and a data window, one 64-bit redirection entry a line (82093AA data sheet, 3.2.4).
 */
#include "io_apic.h"

#include <stddef.h>

#include "acpi.h"
#include "local_apic.h"
#include "page_table.h"
#include "processor.h"

#define IO_APIC_BYTES    0x20
#define REGISTER_SELECT  0 /* in 32-bit words */
#define REGISTER_WINDOW  4
#define INDEX_VERSION    1
#define INDEX_ENTRIES    16 /* two a line */
#define ENTRY_ACTIVE_LOW (1u << 13)
#define ENTRY_LEVEL      (1u << 15)
#define ENTRY_MASKED     (1u << 16)
#define NARROW_ID_MAX    254 /* an entry has eight bits for the CPU */

static uint32_t read_register(volatile uint32_t *registers, uint32_t index)
{
    registers[REGISTER_SELECT] = index;
    return registers[REGISTER_WINDOW];
}

static void write_register(volatile uint32_t *registers, uint32_t index, uint32_t value)
{
    registers[REGISTER_SELECT] = index;
    registers[REGISTER_WINDOW] = value;
}

bool io_apic_route_isa(unsigned irq, uint8_t vector)
{
    const acpi_info_t *const info = acpi_info();
    const uint32_t cpu_id = boot_processor.cpu.hardware_id;

    if (irq >= ACPI_ISA_IRQ_COUNT || !local_apic_is_present() || cpu_id > NARROW_ID_MAX) {
        return false;
    }
    const acpi_isa_route_t *const route = &info->isa_routes[irq];
    for (uint32_t index = 0; index < info->io_apic_count; index++) {
        const acpi_io_apic_t *const io_apic = &info->io_apics[index];
        if (route->global_interrupt < io_apic->global_interrupt_base) {
            continue;
        }
        const uint32_t line = route->global_interrupt - io_apic->global_interrupt_base;
        volatile uint32_t *const registers = device_map(io_apic->address, IO_APIC_BYTES);
        if (registers == NULL || line > (read_register(registers, INDEX_VERSION) >> 16 & 0xff)) {
            continue;
        }
        const uint32_t low =
            vector | (route->is_active_low ? ENTRY_ACTIVE_LOW : 0) | (route->is_level ? ENTRY_LEVEL : 0);
        write_register(registers, INDEX_ENTRIES + 2 * line, ENTRY_MASKED);
        write_register(registers, INDEX_ENTRIES + 2 * line + 1, cpu_id << 24);
        write_register(registers, INDEX_ENTRIES + 2 * line, low);
        return true;
    }
    return false;
}
