/*
 * The end: semihosting, else PSCI, else halt.
 *
 *   -semihosting-config enable=on,target=native     QEMU ends with the status as its exit code
 *
 * SYS_EXIT_EXTENDED takes a reason and a status (Semihosting for AArch32 and AArch64, 7.8). Where nobody listens, its HLT
 * is an undefined instruction; trap.c then has it do nothing, and the machine is switched off instead.
 */
#include "arch/exit.h"

#include <stdint.h>

#include "arch/cpu.h"
#include "exit_call.h"
#include "psci.h"
#include "registers.h"

#define SYS_EXIT_EXTENDED           0x20
#define REASON_APPLICATION_FINISHED 0x20026

void machine_exit(int status)
{
    cpu_stop_others();

    const uint64_t block[2] = {REASON_APPLICATION_FINISHED, (uint64_t)(int64_t)status};
    register uint64_t x0 __asm__("x0") = SYS_EXIT_EXTENDED;
    register uint64_t x1 __asm__("x1") = (uintptr_t)block;
    __asm__ volatile(".globl exit_semihosting_instruction\n"
                     "exit_semihosting_instruction:\n"
                     "\thlt #0xf000"
                     : "+r"(x0)
                     : "r"(x1)
                     : "memory");
    psci_system_off();
    cpu_halt_forever();
}
