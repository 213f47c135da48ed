/*
 * int timer_comparator_probe(void): 1 when stimecmp (Sstc extension, CSR 0x14d) can be read.
 *
 * Firmware may know nothing of a CPU's Sstc and leave it locked (menvcfg.STCE). Then the read is an illegal instruction;
 * trap.c, which knows this one by its address, makes a0 0 and steps over it.
 */
    .option norvc
    .text
    .globl timer_comparator_probe
    .globl timer_comparator_access
    .type timer_comparator_probe, @function
timer_comparator_probe:
    li a0, 1
timer_comparator_access:
    csrr t0, 0x14d
    ret
    .size timer_comparator_probe, . - timer_comparator_probe

    .section .note.GNU-stack, "", @progbits
