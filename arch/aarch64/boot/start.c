/*
 * The first C code: makes the CPU, its page tables and its stacks what the contract promises, finds the devices that the
 * port itself needs in the device tree, and leaves for kernel_main().
 *
 * Until the console is found only semihosting can tell what is wrong, and the exit status. kernel/boot reads the tree
 * once more for what the kernel needs: memory map, command line.
 */
#include "arch/boot.h"
#include "arch/console.h"
#include "arch/exit.h"
#include "arch/machine.h"
#include "arch/shared/devicetree_board.h"
#include "arch/shared/running_cpus.h"
#include "arch/trap.h"
#include "base/text.h"

#include "address_map.h"
#include "board.h"
#include "boot_entry.h"
#include "console_device.h"
#include "gic.h"
#include "memory_window.h"
#include "page_table.h"
#include "processor.h"
#include "psci.h"
#include "registers.h"
#include "stacks.h"
#include "timer.h"

/* The boot CPU's stacks: 22 pages, and the tables above them. */
#define BOOT_STACK_PAGES 28

/* Where exceptions go while there are no stacks but boot's. */
#define BOOT_EMERGENCY_BYTES 4096

/* A larger tree is refused, as the protocol has it. */
#define TREE_SIZE_MAX MIB(2)

#define REFUSED_STATUS 3

extern char kernel_image_start[], kernel_image_end[];

devicetree_t board_tree;

static boot_handoff_t handoff;
static uint64_t tree_size;
static ALIGNED(4096) unsigned char boot_stack_pages[BOOT_STACK_PAGES][4096];
static ALIGNED(16) unsigned char boot_emergency_stack[BOOT_EMERGENCY_BYTES];

static void *boot_stack_page(void *context)
{
    unsigned *const used = context;

    if (*used == BOOT_STACK_PAGES) {
        return NULL;
    }
    return physical_to_pointer(physical_of_image(boot_stack_pages[(*used)++]));
}

NORETURN static void refuse(const char *reason)
{
    console_write("boot: ", 6);
    console_write(reason, text_length(reason));
    console_write("\n", 1);
    machine_exit(REFUSED_STATUS);
}

NORETURN void boot_start(uint64_t tree, uint64_t image)
{
    unsigned pages_used = 0;

    processor_attach(&boot_processor, (uintptr_t)boot_emergency_stack + BOOT_EMERGENCY_BYTES);
    if (tree != 0) {
        tree_size = devicetree_total_size(physical_to_pointer(physical_address(tree)), DEVICETREE_HEADER_SIZE);
        tree_size = tree_size <= TREE_SIZE_MAX ? tree_size : 0;
    }
    if (page_table_prepare(physical_address(image), physical_address(tree), tree_size) != STATUS_OK ||
        stacks_map(0, boot_stack_page, &pages_used) != STATUS_OK) {
        cpu_halt_forever();
    }
    processor_attach(&boot_processor, stack_top(0, STACK_EMERGENCY));
    processor_protect();
    running_cpus_add(&boot_processor.cpu);
    handoff = (boot_handoff_t){
        .protocol = BOOT_PROTOCOL_DEVICETREE,
        .data = physical_address(tree),
        .image_start = physical_address(image),
        .image_end = physical_address(image + (uint64_t)(kernel_image_end - kernel_image_start)),
    };
    boot_leave(stack_top(0, STACK_INTERRUPT), stack_top(0, STACK_THREAD));
}

NORETURN void boot_continue(void)
{
    if (tree_size == 0 || devicetree_open(physical_to_pointer(handoff.data), tree_size, &board_tree) != STATUS_OK) {
        refuse("there is no device tree that makes sense");
    }
    psci_find(&board_tree);
    if (!console_find(&board_tree)) {
        refuse("the device tree has no console that answers (arm,pl011)");
    }
    gic_find(&board_tree);
    console_find_interrupt();
    timer_find(&board_tree);
    trap_init_cpu();
    if (memory_window_map(&board_tree) != STATUS_OK) {
        refuse("the device tree's memory is in too many pieces");
    }
    kernel_main(&handoff);
}
