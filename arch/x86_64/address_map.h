/*
 * Where things are in the kernel's half of the address space (README.md draws it). For C, assembly and kernel.ld alike,
 * so it holds plain numbers only.
 */
#ifndef X86_64_ADDRESS_MAP_H
#define X86_64_ADDRESS_MAP_H

/* All physical memory, one to one, never executable: 2^46 bytes, which is as much as four levels leave room for. */
#define ADDRESS_DIRECT_MAP       0xffff800000000000
#define ADDRESS_DIRECT_MAP_SHIFT 46

/* The kernel stacks, a slot for each CPU, every stack with an unmapped guard page below it (stacks.c). */
#define ADDRESS_STACKS 0xffffe00000000000

/* Device registers, uncached. */
#define ADDRESS_DEVICES      0xffffe80000000000
#define ADDRESS_DEVICES_SIZE 0x200000

/* The kernel's mappings that come and go (kernel_window.c). */
#define ADDRESS_WINDOW      0xffffec0000000000
#define ADDRESS_WINDOW_SIZE 0x4000000000

/*
 * The window of page words: the word of the page at p is at 8 * (p >> 12), p taken as a signed number. The direct map's
 * base goes to -2^47 / 2^9 = -2^38, so that this base need never be loaded: page_word() is a shift and a scaled
 * address.
 */
#define ADDRESS_PAGE_WORDS       0xffffffc000000000
#define ADDRESS_PAGE_WORDS_SHIFT 37

/*
 * The kernel image: ADDRESS_IMAGE + its physical address. The last 2 GiB, as the code model "kernel" wants (SysV
 * ABI, 3.5.1).
 */
#define ADDRESS_IMAGE  0xffffffff80000000
#define PHYSICAL_IMAGE 0x200000
#define IMAGE_SIZE_MAX 0x1000000

/* Where secondary CPUs wake up, in real mode: a page below 640 KiB that boot must never hand out. */
#define PHYSICAL_TRAMPOLINE 0x8000

/* Segment selectors, in the order that SYSCALL and SYSRET want (Intel SDM vol. 3, 5.8.8). */
#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA   0x1b
#define SELECTOR_USER_CODE   0x23
#define SELECTOR_TASK_STATE  0x28

#endif
