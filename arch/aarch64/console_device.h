/*
 * The console, for whoever finds the device and takes its interrupt.
 */
#ifndef AARCH64_CONSOLE_DEVICE_H
#define AARCH64_CONSOLE_DEVICE_H

#include <stdint.h>

#include "arch/shared/devicetree.h"

/* Finds the device in the tree and maps it. Boot CPU, before console_init(). */
void console_find(const devicetree_t *tree);

/* Its number, or INTERRUPT_NONE while input does not interrupt. */
uint32_t console_interrupt(void);

/* Quiets the device until more comes. */
void console_take_interrupt(void);

#endif
