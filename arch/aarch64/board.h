/*
 * The device tree that the machine came with, for the port's own files.
 */
#ifndef AARCH64_BOARD_H
#define AARCH64_BOARD_H

#include "arch/shared/devicetree.h"

/* The opened tree (boot/start.c). It lives as long as the kernel: kernel/boot reserves its memory. */
extern devicetree_t board_tree;

#endif
