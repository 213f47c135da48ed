/*
 * The files that show the kernel itself: //kern/cmdline, //kern/log, //kern/cpu, //kern/mem/inject.
 */
#ifndef KERNEL_NODES_H
#define KERNEL_NODES_H

#include "fs/kfs.h"

/* Adds them to the kernel's one tree; they are static nodes, so once. */
MUST_USE status_t kernel_add_nodes(kfs_t *kfs);

#endif
