/*
 * The end: QEMU's (SiFive's) test finisher, else power off through the firmware, else halt.
 *
 *   sifive,test0     a write of 0x5555 ends QEMU with exit code 0, one of (n << 16) | 0x3333 with n
 *
 * References: QEMU, hw/misc/sifive_test.c; SBI 2.0, chapter 10.
 */
#include "arch/exit.h"

#include "arch/cpu.h"
#include "board.h"
#include "exit.h"
#include "registers.h"
#include "sbi.h"

#define FINISHER_PASS         0x5555u
#define FINISHER_FAIL         0x3333u
#define FINISHER_STATUS_SHIFT 16

static volatile void *finisher;

void exit_prepare(void)
{
    static const char *const compatible[] = {"sifive,test0", "sifive,test1", NULL};
    devicetree_node_t node;

    if (board_find_device(compatible, &node)) {
        finisher = board_map_registers(&node, 0, sizeof(uint32_t));
    }
}

void machine_exit(int status)
{
    cpu_stop_others();
    if (finisher != NULL) {
        device_write_32(finisher, status == 0 ? FINISHER_PASS
                                              : (uint32_t)(status & 0xffff) << FINISHER_STATUS_SHIFT | FINISHER_FAIL);
    }
    sbi_shutdown(status != 0);
    cpu_halt_forever();
}
