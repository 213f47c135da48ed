/*
 * What the port keeps for each CPU, around the kernel's cpu_t.
 */
#ifndef X86_64_PROCESSOR_H
#define X86_64_PROCESSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/cpu_local.h"
#include "base/compiler.h"
#include "base/units.h"

#define DESCRIPTOR_COUNT      7 /* address_map.h lists the selectors; the task state takes two */
#define INTERRUPT_STACK_COUNT 7

/* The task state segment (Intel SDM vol. 3, 8.7): here only a table of stacks. */
typedef struct task_state {
    uint32_t reserved_0;
    uint32_t privilege_stacks[3][2]; /* RSP0 to RSP2, low half first: the structure is not 8-aligned */
    uint32_t reserved_1[2];
    uint32_t interrupt_stacks[INTERRUPT_STACK_COUNT][2];
    uint32_t reserved_2[2];
    uint16_t reserved_3;
    uint16_t io_map_offset;
} task_state_t;

_Static_assert(sizeof(task_state_t) == 104, "as the CPU reads it");
_Static_assert(offsetof(task_state_t, interrupt_stacks) == 36, "as the CPU reads it");

typedef struct processor {
    cpu_t cpu; /* GS base points here */
    task_state_t task_state;
    uint64_t descriptors[DESCRIPTOR_COUNT];
} processor_t;

_Static_assert(sizeof(processor_t) <= PAGE_SIZE, "one page holds one");

static inline processor_t *processor_current(void)
{
    return CONTAINER_OF(cpu_current(), processor_t, cpu);
}

/* The boot CPU's, ready from the first line of C. */
extern processor_t boot_processor;

/* Whether CLAC is an instruction, and needed. Written once, by the boot CPU. */
extern bool processor_has_smap;

/*
 * Sets the calling CPU's GS base, switches on what it offers (write protection, SMEP, SMAP, UMIP, machine checks), and
 * everything off that users and the kernel have no business with.
 */
void processor_init(processor_t *processor);

/* Of processor_init(): the calling CPU's way in from user mode (user.c), and what there is to show (cpu_features.c). */
void user_init_cpu(void);
void cpu_features_find(void);

/* Loads the calling CPU's own descriptor tables and task state, and the shared interrupt table (descriptors.c). */
void descriptors_load(processor_t *processor);

/* What the bootloader left (boot/start.c). */
const boot_handoff_t *boot_handoff(void);

#endif
