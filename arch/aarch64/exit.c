/*
 * The end: semihosting, else PSCI, else halt.
 *
 *   -semihosting-config enable=on,target=native     QEMU ends with the status as its exit code
 */
#include "arch/exit.h"

#include "arch/cpu.h"
#include "psci.h"
#include "registers.h"
#include "semihosting.h"

void machine_exit(int status)
{
    cpu_stop_others();
    semihosting_exit(status);
    psci_system_off();
    cpu_halt_forever();
}
