/*
 * What machine_exit() needs before it is called.
 */
#ifndef RISCV64_EXIT_H
#define RISCV64_EXIT_H

/* Maps the test finisher, if the device tree has one. Boot CPU, once there are page tables. */
void exit_prepare(void);

#endif
