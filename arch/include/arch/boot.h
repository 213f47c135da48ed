/*
 * What a bootloader left behind, as the port's entry code found it: raw and not trusted.
 *
 * The entry code fills one boot_handoff_t and calls kernel_main() on the boot CPU, with interrupts masked, on a stack
 * of its own with a guard below it, with trap handlers installed (trap_init_cpu), and with the memory of a window
 * readable through the direct map: the first 4 GiB, if the machine has memory there.
 */
#ifndef ARCH_BOOT_H
#define ARCH_BOOT_H

#include "base/compiler.h"
#include "base/units.h"

typedef enum boot_protocol {
    BOOT_PROTOCOL_UNKNOWN = 0, /* the registers held no magic number that we know */
    BOOT_PROTOCOL_MULTIBOOT2,  /* data: physical address of the boot information (Multiboot2 spec., section 3.6) */
    BOOT_PROTOCOL_PVH, /* data: physical address of struct hvm_start_info (Xen, public/arch-x86/hvm/start_info.h) */
    BOOT_PROTOCOL_DEVICETREE, /* data: physical address of the flattened device tree (Devicetree Spec., chapter 5) */
} boot_protocol_t;

typedef struct boot_handoff {
    boot_protocol_t protocol;
    physical_address_t data;
    physical_address_t image_start; /* the loaded kernel image, bss and boot stack included */
    physical_address_t image_end;
    physical_address_t window_start; /* memory from here to there is readable, the data above included */
    physical_address_t window_end;
} boot_handoff_t;

/* The kernel proper, in kernel/main.c. */
NORETURN void kernel_main(const boot_handoff_t *handoff);

#endif
