/*
 * What protects the kernel on this machine: arch/cpu_features.h shows it.
 */
#ifndef RISCV64_CPU_FEATURES_H
#define RISCV64_CPU_FEATURES_H

/* Reads back what the boot CPU has switched on. Boot CPU, from trap_init_cpu(). */
void cpu_features_find(void);

#endif
