/*
 * What operations cost, in instructions, counted by the emulator.
 */
#ifndef TESTING_BENCH_BENCH_H
#define TESTING_BENCH_BENCH_H

/*
 * Measures every subject and writes one line each, `cost NAME HUNDREDTHS-OF-AN-INSTRUCTION`, and at last `costs COUNT`. Returns the
 * status for machine_exit(): not 0 when the counter turns out not to count instructions, or when memory is out. One CPU, thread context.
 */
int bench_run(void);

/*
 * Writes `cost boot HUNDREDTHS`, what the kernel has done from finding its clock until this call, and `costs 1`: with nanoseconds that are
 * instructions, as above. Waiting for hardware is counted as the instructions that would have fitted in. Status likewise.
 */
int bench_boot(void);

#endif
