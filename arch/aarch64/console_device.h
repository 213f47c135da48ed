/*
 * The console, for whoever finds the device and takes its interrupt.
 */
#ifndef AARCH64_CONSOLE_DEVICE_H
#define AARCH64_CONSOLE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/shared/devicetree.h"
#include "base/compiler.h"

/* Finds the device in the tree, and makes it ready. False when none is there or it does not answer. Boot CPU. */
MUST_USE bool console_find(const devicetree_t *tree);

/* Finds its interrupt in the tree. After gic_find(). */
void console_find_interrupt(void);

/* Its number, or INTERRUPT_NONE while input does not interrupt. */
uint32_t console_interrupt(void);

/* Quiets the device until more comes. */
void console_take_interrupt(void);

#endif
