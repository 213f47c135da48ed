/*
 * The first C code: makes the CPU, its page tables and its stacks what the contract promises, then leaves for
 * kernel_main().
 *
 * Runs on the small stack in .bss that entry.S set up. Until trap_init_cpu() an exception ends the machine with a word
 * from the firmware's console; a step that fails ends it too. None can in an image that the linker script let pass, as the
 * pools used here are sized for it.
 */
#include "arch/boot.h"
#include "arch/shared/running_cpus.h"
#include "arch/trap.h"

#include "address_map.h"
#include "board.h"
#include "exit.h"
#include "page_table.h"
#include "processor.h"
#include "registers.h"
#include "sbi.h"
#include "stacks.h"

/* The boot CPU's stacks: as many pages as stacks.c maps, and the tables above them. */
#define BOOT_STACK_PAGES ((STACK_THREAD_SIZE + STACK_INTERRUPT_SIZE + STACK_OVERFLOW_SIZE) / 4096 + 2)

extern char kernel_image_start[], kernel_image_end[];

/* What boot_early_trap goes by (entry.S). */
extern volatile uint32_t boot_reads_tree;

NORETURN void boot_leave(const boot_handoff_t *handoff, uintptr_t stack_top);
NORETURN void boot_start(uint64_t hart, uint64_t device_tree, uint64_t image);

static boot_handoff_t handoff;
static ALIGNED(4096) unsigned char boot_stack_pages[BOOT_STACK_PAGES][4096];

const boot_handoff_t *boot_handoff(void)
{
    return &handoff;
}

static void *boot_stack_page(void *context)
{
    unsigned *const used = context;

    if (*used == BOOT_STACK_PAGES) {
        return NULL;
    }
    return physical_to_pointer(physical_of_image(boot_stack_pages[(*used)++]));
}

/* Whether the kernel's command line has this word. It is read in full by the kernel, later. */
static bool command_line_has(const char *word)
{
    const devicetree_t *const tree = board_tree();
    devicetree_value_t line;

    if (tree == NULL || !devicetree_bootargs(tree, &line)) {
        return false;
    }
    for (uint32_t start = 0; start < line.length; start++) {
        uint32_t length = 0;
        while (start + length < line.length && word[length] != '\0' &&
               line.bytes[start + length] == (uint8_t)word[length]) {
            length++;
        }
        const bool begins = start == 0 || line.bytes[start - 1] == ' ';
        const bool ends = start + length == line.length || line.bytes[start + length] == ' ';
        if (word[length] == '\0' && begins && ends) {
            return true;
        }
    }
    return false;
}

/* The most levels of page tables to try: as many as there are, unless the command line asks for fewer. */
static unsigned levels_wanted(void)
{
    if (command_line_has("paging=sv39")) {
        return 3;
    }
    return command_line_has("paging=sv48") ? 4 : PAGE_TABLE_LEVELS_MAX;
}

NORETURN static void stop(const char *why)
{
    for (; *why != '\0'; why++) {
        sbi_console_write(*why);
    }
    sbi_shutdown(true);
    cpu_halt_forever();
}

NORETURN void boot_start(uint64_t hart, uint64_t device_tree, uint64_t image)
{
    const uint64_t image_bytes = (uint64_t)(kernel_image_end - kernel_image_start);
    unsigned pages_used = 0;

    handoff = (boot_handoff_t){
        .protocol = BOOT_PROTOCOL_DEVICETREE,
        .data = physical_address(device_tree),
        .image_start = physical_address(image),
        .image_end = physical_address(image + image_bytes),
        .window_start = physical_address(0),
        .window_end = physical_address(GIB(4)),
    };
    processor_init(&boot_processor, 0, (uint32_t)hart);
    running_cpus_add(&boot_processor.cpu);
    page_table_use_boot_tables(handoff.image_start);
    boot_reads_tree = 1;
    (void)board_open(handoff.data);
    boot_reads_tree = 0;
    if (page_table_prepare(levels_wanted()) != STATUS_OK) {
        stop("Quarry: no page tables.\r\n");
    }
    if (stacks_map(0, boot_stack_page, &pages_used) != STATUS_OK) {
        stop("Quarry: no stacks.\r\n");
    }
    trap_init_cpu();
    /* Without a tree the kernel says so itself, through the firmware's console. */
    (void)board_open(handoff.data);
    exit_prepare();
    boot_leave(&handoff, stack_top(0, STACK_THREAD));
}
