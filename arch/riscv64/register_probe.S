/*
 * Registers that a CPU may not have, or that firmware may have left locked: the access is then an illegal instruction. trap.c
 * knows these by their addresses (register_probe.h), makes a0 0 and steps over them.
 */
    .option norvc
    .text

/* int register_probe_comparator(void): 1 when stimecmp (Sstc extension, CSR 0x14d) can be read; menvcfg.STCE decides. */
    .globl register_probe_comparator
    .globl register_probe_comparator_access
    .type register_probe_comparator, @function
register_probe_comparator:
    li a0, 1
register_probe_comparator_access:
    csrr t0, 0x14d
    ret
    .size register_probe_comparator, . - register_probe_comparator

/* int register_probe_user_environment(void): 1 when senvcfg (Privileged Architecture 1.12, CSR 0x10a) is there, and 0 now. */
    .globl register_probe_user_environment
    .globl register_probe_user_environment_access
    .type register_probe_user_environment, @function
register_probe_user_environment:
    li a0, 1
register_probe_user_environment_access:
    csrw 0x10a, zero
    ret
    .size register_probe_user_environment, . - register_probe_user_environment

    .section .note.GNU-stack, "", @progbits
