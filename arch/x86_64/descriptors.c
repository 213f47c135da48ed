/*
 * Segments, task state and the interrupt descriptor table (Intel SDM vol. 3, 3.4.5, 6.11 and 8.7).
 *
 * Each CPU has its own segment table, because the task state in it names that CPU's stacks. The interrupt table is
 * shared.
 */
#include "address_map.h"
#include "interrupts.h"
#include "processor.h"
#include "registers.h"
#include "stacks.h"

/* Present code and data segments: in 64-bit mode only type, privilege and the L bit count. */
#define DESCRIPTOR_KERNEL_CODE UINT64_C(0x00af9b000000ffff)
#define DESCRIPTOR_KERNEL_DATA UINT64_C(0x00cf93000000ffff)
#define DESCRIPTOR_USER_DATA   UINT64_C(0x00cff3000000ffff)
#define DESCRIPTOR_USER_CODE   UINT64_C(0x00affb000000ffff)
#define DESCRIPTOR_TASK_STATE  (UINT64_C(0x89) << 40) /* present, 64-bit task state, available */

#define GATE_INTERRUPT UINT64_C(0x8e) /* present, ring 0, masks interrupts */
#define GATE_FROM_USER UINT64_C(0x60) /* the INT instruction may be used in ring 3 */
#define ENTRY_BYTES    16             /* trap_entry.S: one entry a vector */

typedef struct interrupt_gate {
    uint64_t low;
    uint64_t high;
} interrupt_gate_t;

/* What LGDT and LIDT read. */
typedef struct __attribute__((packed)) table_pointer {
    uint16_t limit;
    uint64_t base;
} table_pointer_t;

extern const char trap_entries[];

static ALIGNED(16) interrupt_gate_t interrupt_table[VECTOR_COUNT];

/* Which stack a vector's handler starts on: 0 the interrupted one, else an index into the table, from 1. */
static unsigned interrupt_stack_of(unsigned vector)
{
    switch (vector) {
    case EXCEPTION_DEBUG:
        return STACK_DEBUG;
    case EXCEPTION_NMI:
        return STACK_NMI;
    case EXCEPTION_DOUBLE_FAULT:
        return STACK_DOUBLE_FAULT;
    case EXCEPTION_MACHINE_CHECK:
        return STACK_MACHINE_CHECK;
    default:
        return vector < EXCEPTION_COUNT ? 0 : STACK_INTERRUPT;
    }
}

_Static_assert(STACK_THREAD == 0 && STACK_KIND_COUNT - 1 <= INTERRUPT_STACK_COUNT, "kinds are indexes of the table");

static void fill_interrupt_table(void)
{
    for (unsigned vector = 0; vector < VECTOR_COUNT; vector++) {
        const uint64_t handler = (uint64_t)(uintptr_t)trap_entries + (uint64_t)vector * ENTRY_BYTES;
        const uint64_t type = GATE_INTERRUPT | (vector == EXCEPTION_BREAKPOINT ? GATE_FROM_USER : 0);
        interrupt_table[vector] = (interrupt_gate_t){
            .low = (handler & 0xffff) | (uint64_t)SELECTOR_KERNEL_CODE << 16 |
                   (uint64_t)interrupt_stack_of(vector) << 32 | type << 40 | (handler >> 16 & 0xffff) << 48,
            .high = handler >> 32,
        };
    }
}

static void fill_task_state(processor_t *processor)
{
    const uint32_t index = processor->cpu.index;
    const uint64_t thread_top = stack_top(index, STACK_THREAD);

    processor->task_state.privilege_stacks[0][0] = (uint32_t)thread_top;
    processor->task_state.privilege_stacks[0][1] = (uint32_t)(thread_top >> 32);
    for (unsigned kind = STACK_THREAD + 1; kind < STACK_KIND_COUNT; kind++) {
        const uint64_t top = stack_top(index, (stack_kind_t)kind);
        processor->task_state.interrupt_stacks[kind - 1][0] = (uint32_t)top;
        processor->task_state.interrupt_stacks[kind - 1][1] = (uint32_t)(top >> 32);
    }
    processor->task_state.io_map_offset = sizeof(task_state_t); /* beyond the limit: no port is open to user mode */
}

static void fill_descriptors(processor_t *processor)
{
    const uint64_t base = (uint64_t)(uintptr_t)&processor->task_state;

    processor->descriptors[0] = 0;
    processor->descriptors[1] = DESCRIPTOR_KERNEL_CODE;
    processor->descriptors[2] = DESCRIPTOR_KERNEL_DATA;
    processor->descriptors[3] = DESCRIPTOR_USER_DATA;
    processor->descriptors[4] = DESCRIPTOR_USER_CODE;
    processor->descriptors[5] =
        DESCRIPTOR_TASK_STATE | (sizeof(task_state_t) - 1) | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
    processor->descriptors[6] = base >> 32;
}

void descriptors_load(processor_t *processor)
{
    const table_pointer_t segments = {sizeof(processor->descriptors) - 1, (uint64_t)(uintptr_t)processor->descriptors};
    const table_pointer_t gates = {sizeof(interrupt_table) - 1, (uint64_t)(uintptr_t)interrupt_table};

    if (processor == &boot_processor) {
        fill_interrupt_table();
    }
    fill_task_state(processor);
    fill_descriptors(processor);

    /*
     * CS is reloaded by a far return. A null FS and GS would clear their bases on some CPUs, so those two stay as
     * they are.
     */
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %2, %%ds\n\t"
                     "movl %2, %%es\n\t"
                     "movl %2, %%ss\n\t"
                     "ltr %w3\n\t"
                     "lidt %4"
                     :
                     : "m"(segments), "i"(SELECTOR_KERNEL_CODE), "r"(SELECTOR_KERNEL_DATA), "r"(SELECTOR_TASK_STATE),
                       "m"(gates)
                     : "rax", "memory");
}
