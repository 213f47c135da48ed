/*
 * Where things are in the kernel's half of the address space (README.md draws it). For C, assembly and kernel.ld alike,
 * so it holds plain numbers only.
 */
#ifndef AARCH64_ADDRESS_MAP_H
#define AARCH64_ADDRESS_MAP_H

/* All physical memory, one to one, never executable: 2^47 bytes, half of what four levels give the kernel. */
#define ADDRESS_DIRECT_MAP       0xffff000000000000
#define ADDRESS_DIRECT_MAP_SHIFT 47

/* The kernel stacks, a slot for each CPU, every stack with an unmapped guard page below it (stacks.c). */
#define ADDRESS_STACKS 0xffff800000000000

/* Device registers. The redistributors of a GICv3 take 128 KiB for each CPU. */
#define ADDRESS_DEVICES      0xffffa00000000000
#define ADDRESS_DEVICES_SIZE 0x4000000

/* Mappings that come and go (arch/kernel_window.h). */
#define ADDRESS_WINDOW      0xffffc00000000000
#define ADDRESS_WINDOW_SIZE 0x1000000000

/*
 * The window of page words: the word of the page at p is at 8 * (p >> 12), p taken as a signed number. The direct map's
 * base goes to -2^48 / 2^9 = -2^39, so that this base need never be loaded.
 */
#define ADDRESS_PAGE_WORDS       0xffffff8000000000
#define ADDRESS_PAGE_WORDS_SHIFT 38

/* The kernel image, wherever it was loaded: at a multiple of IMAGE_ALIGNMENT, as its header asks. */
#define ADDRESS_IMAGE   0xffffffff80000000
#define IMAGE_SIZE_MAX  0x1000000
#define IMAGE_ALIGNMENT 0x200000

#endif
