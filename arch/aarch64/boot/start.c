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
#include "attempt.h"
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

/* A larger tree is refused, as the protocol has it. */
#define TREE_SIZE_MAX MIB(2)

#define REFUSED_STATUS 3

/* What kernel_main() can read at entry: so much, from 0 on, or from the GiB where the lower of image and tree begins. */
#define WINDOW_BYTES GIB(4)

extern char kernel_image_start[], kernel_image_end[];

devicetree_t board_tree;

static boot_handoff_t handoff;
static uint64_t tree_size; /* 0: there is none that can be read */
static uint64_t given_tree;
static ALIGNED(4096) unsigned char boot_stack_pages[BOOT_STACK_PAGES][4096];

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
    char line[120];

    text_print(line, sizeof(line), "boot: %s\n", reason);
    console_write(line, text_length(line));
    machine_exit(REFUSED_STATUS);
}

/* Whether there is memory: an address can be anything. One question a page will do. */
static bool is_readable(physical_address_t start, uint64_t size)
{
    const uintptr_t first = (uintptr_t)physical_to_pointer(start);
    uint32_t word;

    for (uintptr_t at = align_down(first, PAGE_SIZE); at < first + size; at += PAGE_SIZE) {
        if (!attempt_read_32(at, &word)) {
            return false;
        }
    }
    return true;
}

/* As its header tells it; 0 when that is no header. */
static uint64_t size_of_tree(physical_address_t tree)
{
    if (!is_readable(tree, DEVICETREE_HEADER_SIZE)) {
        return 0;
    }
    const uint32_t size = devicetree_total_size(physical_to_pointer(tree), DEVICETREE_HEADER_SIZE);
    return size <= TREE_SIZE_MAX ? size : 0;
}

static void set_window(boot_handoff_t *boot)
{
    const uint64_t tree_end = boot->data.value + tree_size;
    const uint64_t lower = boot->data.value < boot->image_start.value ? boot->data.value : boot->image_start.value;
    const uint64_t higher_end = tree_end > boot->image_end.value ? tree_end : boot->image_end.value;

    boot->window_start = physical_address(higher_end <= WINDOW_BYTES ? 0 : align_down(lower, GIB(1)));
    boot->window_end = physical_address(boot->window_start.value + WINDOW_BYTES);
}

NORETURN void boot_start(uint64_t tree, uint64_t image, uint64_t given)
{
    unsigned pages_used = 0;

    processor_attach(&boot_processor, (uintptr_t)boot_emergency_top);
    given_tree = given;
    tree_size = tree != 0 ? size_of_tree(physical_address(tree)) : 0;
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
    set_window(&handoff);
    boot_leave(stack_top(0, STACK_INTERRUPT), stack_top(0, STACK_THREAD));
}

NORETURN void boot_continue(void)
{
    if (tree_size == 0 || !is_readable(handoff.data, tree_size)) {
        char reason[80];
        text_print(reason, sizeof(reason), "there is no device tree at 0x%llx, which x0 had",
                   (unsigned long long)given_tree);
        refuse(reason);
    }
    if (devicetree_open(physical_to_pointer(handoff.data), tree_size, &board_tree) != STATUS_OK) {
        refuse("the device tree is damaged");
    }
    if (handoff.data.value + tree_size > handoff.window_end.value ||
        handoff.image_end.value > handoff.window_end.value) {
        refuse("the device tree is too far from the image");
    }
    psci_find(&board_tree);
    if (!console_find(&board_tree)) {
        refuse("the device tree has no console that answers (arm,pl011)");
    }
    gic_find(&board_tree);
    console_find_interrupt();
    timer_find(&board_tree);
    trap_init_cpu();
    if (memory_window_map(&board_tree, &handoff) != STATUS_OK) {
        refuse("the device tree's memory is in too many pieces");
    }
    kernel_main(&handoff);
}
