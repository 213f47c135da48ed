/*
 * Where things are in the kernel's half of the address space (README.md draws it). For C, assembly and kernel.ld alike, so
 * it holds plain numbers only.
 *
 * The direct map and the window of page words move with the paging mode (port.h); what is here is at the same addresses in
 * all of them, in the last GiB.
 */
#ifndef RISCV64_ADDRESS_MAP_H
#define RISCV64_ADDRESS_MAP_H

/*
 * The kernel's window for mappings that come and go: the first half of the last GiB, which is below one entry of the root in
 * every mode, and so shared by all address spaces. Page words, in three levels, come right behind it.
 */
#define ADDRESS_WINDOW      0xffffffffc0000000
#define ADDRESS_WINDOW_SIZE 0x20000000

/* The kernel image. A multiple of 2 MiB, as is the physical address that it is loaded to. */
#define ADDRESS_IMAGE  0xfffffffff8000000
#define IMAGE_SIZE_MAX 0x1000000

/* The image's distance from the start of memory, which loaders keep (Linux, Documentation/riscv/boot-image-header.rst). */
#define IMAGE_TEXT_OFFSET 0x200000

/*
 * The kernel stacks: a slot of 2^19 bytes for each CPU, four lanes of 2^17 in a slot, a stack in each of the first three.
 * A stack begins in the middle of its lane and nothing is mapped below it, so that bit 16 of an address on it is set, and
 * that of an address in its guard is clear.
 */
#define ADDRESS_STACKS       0xfffffffffc000000
#define STACK_SLOT_SHIFT     19
#define STACK_LANE_SHIFT     17
#define STACK_GUARD_SHIFT    16
#define STACK_THREAD_SIZE    0x10000
#define STACK_INTERRUPT_SIZE 0x4000
#define STACK_OVERFLOW_SIZE  0x4000

/* From a slot's start to the tops of two stacks that entry code switches to. */
#define STACK_INTERRUPT_TOP ((1 << STACK_LANE_SHIFT) + (1 << STACK_GUARD_SHIFT) + STACK_INTERRUPT_SIZE)
#define STACK_OVERFLOW_TOP  ((2 << STACK_LANE_SHIFT) + (1 << STACK_GUARD_SHIFT) + STACK_OVERFLOW_SIZE)

/* Device registers. */
#define ADDRESS_DEVICES      0xfffffffffe000000
#define ADDRESS_DEVICES_SIZE 0x1000000

#endif
