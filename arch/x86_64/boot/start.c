/*
 * The first C code: makes the CPU, its page tables and its stacks what the contract promises, then leaves for
 * kernel_main().
 *
 * Runs on the small stack in .bss that entry.S set up. Nothing can be reported yet: a step that fails halts. None can
 * in an image that the linker script let pass, as the pools used here are sized for it.
 */
#include "arch/boot.h"
#include "arch/shared/running_cpus.h"
#include "arch/trap.h"

#include "address_map.h"
#include "interrupts.h"
#include "local_apic.h"
#include "page_table.h"
#include "processor.h"
#include "registers.h"
#include "stacks.h"

/* The boot CPU's stacks: as many pages as stacks.c maps, and the tables above them. */
#define BOOT_STACK_PAGES 34

extern char kernel_image_physical_start[], kernel_image_physical_end[];

NORETURN void boot_leave(const boot_handoff_t *handoff, uintptr_t stack_top);
NORETURN void boot_start(uint32_t protocol, uint32_t data);

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
    const uint64_t physical = (uint64_t)(uintptr_t)boot_stack_pages[(*used)++] - ADDRESS_IMAGE;
    return physical_to_pointer(physical_address(physical));
}

NORETURN void boot_start(uint32_t protocol, uint32_t data)
{
    unsigned pages_used = 0;

    handoff = (boot_handoff_t){
        .protocol = (boot_protocol_t)protocol,
        .data = physical_address(data),
        .image_start = physical_address((uint64_t)(uintptr_t)kernel_image_physical_start),
        .image_end = physical_address((uint64_t)(uintptr_t)kernel_image_physical_end),
        .window_start = physical_address(0),
        .window_end = physical_address(GIB(4)),
    };
    processor_init(&boot_processor);
    running_cpus_add(&boot_processor.cpu);
    if (page_table_prepare() != STATUS_OK || stacks_map(0, boot_stack_page, &pages_used) != STATUS_OK) {
        cpu_halt_forever();
    }
    interrupts_prepare();
    trap_init_cpu();
    boot_leave(&handoff, stack_top(0, STACK_THREAD));
}
