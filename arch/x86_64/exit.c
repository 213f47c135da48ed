/*
 * The end: QEMU's isa-debug-exit device, else power off, else halt.
 *
 *   -device isa-debug-exit,iobase=0xf4,iosize=0x04     a write of n ends QEMU with exit code 2 * n + 1
 *
 * Powering off by ACPI means writing a sleep type that firmware gives in AML code, which this kernel does not run.
 * QEMU's tables (maker "BOCHS ") are known to say type 0, with the register at port 0x604 (q35 and pc); other machines
 * are halted.
 */
#include "arch/exit.h"

#include "acpi.h"
#include "arch/cpu.h"
#include "registers.h"

#define DEBUG_EXIT_PORT         0xf4
#define POWER_CONTROL_SLEEP     (1u << 13) /* SLP_EN; the sleep type is in bits 10 to 12 (ACPI 6.5, 4.8.3.2.1) */
#define EMULATOR_SLEEP_TYPE_OFF (0u << 10)

void machine_exit(int status)
{
    cpu_stop_others();
    port_write_8(DEBUG_EXIT_PORT, (uint8_t)status);

    const acpi_info_t *const info = acpi_info();
    if (info->is_emulator && info->power_control_port != 0) {
        port_write_16(info->power_control_port, POWER_CONTROL_SLEEP | EMULATOR_SLEEP_TYPE_OFF);
    }
    cpu_halt_forever();
}
