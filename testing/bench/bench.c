/*
 * Counting instructions with a clock.
 *
 * QEMU's `-icount shift=0` makes the guest's clock go on by one nanosecond with every instruction (QEMU manual, "TCG Instruction
 * Counting"), and a cycle counter is that clock scaled: on x86_64 the time-stamp counter counts icount's nanoseconds themselves
 * (QEMU, cpus_get_elapsed_ticks() calls icount_get()), so one tick is one instruction. On a machine whose counter is slower the loops are long
 * enough for its steps not to matter. What the scale is gets measured and not believed: a stretch of known length comes
 * first, and everything is reckoned in it.
 *
 * A subject is a loop around an operation, less the same loop around nothing. Interrupts are masked meanwhile.
 */
#include "testing/bench/bench.h"

#include "arch/inline.h"
#include "arch/timer.h"
#include "base/compiler.h"
#include "kernel/console.h"
#include "testing/bench/subjects.h"

#define STRETCH_INSTRUCTIONS 1000u
#define STRETCH_ROUNDS       2000u
#define LOOP_ROUNDS          4000u

/* How far the stretch may be from a whole number of ticks an instruction, in parts of 10000, before nothing is believed. */
#define CALIBRATION_PARTS     10000u
#define CALIBRATION_TOLERANCE 20u

#define NOT_COUNTED "the cycle counter does not count instructions: run this under -icount shift=0\n"

/* Keeps the compiler from merging, moving or dropping rounds. */
#define BARRIER() __asm__ volatile("" ::: "memory")

static NOINLINE uint64_t ticks_of_empty_loop(uint32_t rounds)
{
    const uint64_t start = cycle_counter();
    for (uint32_t round = 0; round < rounds; round++) {
        BARRIER();
    }
    return cycle_counter() - start;
}

static NOINLINE uint64_t ticks_of_stretches(uint32_t rounds)
{
    const uint64_t start = cycle_counter();
    for (uint32_t round = 0; round < rounds; round++) {
        __asm__ volatile(".rept 1000\n\tnop\n\t.endr" ::: "memory");
    }
    return cycle_counter() - start;
}

/* Ticks of a million instructions, or 0 when the clock does not count instructions (the image runs without -icount). */
static uint64_t calibrate(void)
{
    const uint64_t empty = ticks_of_empty_loop(STRETCH_ROUNDS);
    const uint64_t first = ticks_of_stretches(STRETCH_ROUNDS) - empty;
    const uint64_t second = ticks_of_stretches(STRETCH_ROUNDS) - empty;
    const uint64_t difference = first > second ? first - second : second - first;

    if (difference * CALIBRATION_PARTS > first * CALIBRATION_TOLERANCE) {
        return 0;
    }
    return first * (1000000u / STRETCH_INSTRUCTIONS) / STRETCH_ROUNDS;
}

int bench_boot(void)
{
    const uint64_t instructions = timer_nanoseconds();

    if (calibrate() == 0) {
        kernel_print("%s", NOT_COUNTED);
        return 1;
    }
    kernel_print("cost boot %llu\ncosts 1\n", (unsigned long long)instructions * 100);
    return 0;
}

int bench_run(void)
{
    const interrupt_state_t interrupts = interrupts_save();
    const uint64_t ticks_per_million = calibrate();
    uint32_t count = 0;
    int status = ticks_per_million == 0 ? 1 : 0;

    if (status != 0) {
        kernel_print("%s", NOT_COUNTED);
    }
    for (const bench_subject_t *subject = bench_subjects; status == 0 && subject->name != NULL; subject++) {
        (void)subject->run(LOOP_ROUNDS / 8); /* what the first rounds set up is there to stay */
        const uint64_t empty = ticks_of_empty_loop(LOOP_ROUNDS);
        const uint64_t ticks = subject->run(LOOP_ROUNDS);
        if (ticks == BENCH_FAILED || ticks < empty) {
            kernel_print("%s: memory is out\n", subject->name);
            status = 1;
            break;
        }
        const uint64_t operations = (uint64_t)LOOP_ROUNDS * subject->operations_per_round;
        const uint64_t hundredths = (ticks - empty) * 100 * 1000000 / ticks_per_million / operations;
        kernel_print("cost %s %llu\n", subject->name, (unsigned long long)hundredths);
        count++;
    }
    if (status == 0) {
        kernel_print("costs %u\n", count);
    }
    interrupts_restore(interrupts);
    return status;
}
