/*
 * The first and only process of a Linux system: measures what Linux's virtual memory costs, and switches the machine off.
 *
 * A user program of Quarry's by its build and by its registers; the numbers of its calls are Linux's (peer_calls.h). Under
 * -icount an instruction is a nanosecond of the guest's clock, so times are instructions; a stretch of known length is
 * measured first, and everything reckoned in it. Each row comes twice: the first time finds the kernel busy with its own
 * start.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "kernel/process/user/quarry.h"
#include "peer_calls.h"

#define PAGE_BYTES        4096u
#define STRETCH           4000000u
#define READ_WRITE        3
#define PRIVATE_ANONYMOUS 0x22
#define SIGNAL_CHILD      17
#define CLOCK_MONOTONIC   1

static uint64_t stretch_nanoseconds;

static uint64_t call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return (uint64_t)quarry_call(number, a, b, c, d, 0, 0);
}

static uint64_t clock_read(void)
{
    int64_t time[2];
    (void)call(LINUX_CLOCK_GETTIME, CLOCK_MONOTONIC, (uintptr_t)time, 0, 0);
    return (uint64_t)time[0] * 1000000000 + (uint64_t)time[1];
}

static void print(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0') {
        length++;
    }
    (void)call(LINUX_WRITE, 1, (uintptr_t)text, length, 0);
}

static void print_number(uint64_t number)
{
    char digits[24];
    size_t at = sizeof(digits) - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    print(&digits[at]);
}

/* Two instructions a turn on every machine. */
static NOINLINE void stretch(uint64_t turns)
{
    while (turns != 0) {
        turns--;
        __asm__ volatile("" : "+r"(turns));
    }
}

static void row(const char *name, uint64_t nanoseconds, uint64_t count)
{
    print("linux ");
    print(name);
    print(" ");
    print_number(nanoseconds * 2 * STRETCH / stretch_nanoseconds / count);
    print("\n");
}

static volatile char *map(uint64_t pages)
{
    return (volatile char *)(uintptr_t)quarry_call(LINUX_MMAP, 0, pages * PAGE_BYTES, READ_WRITE, PRIVATE_ANONYMOUS,
                                                   UINT64_MAX, 0);
}

static void unmap(volatile char *start, uint64_t pages)
{
    (void)call(LINUX_MUNMAP, (uintptr_t)start, pages * PAGE_BYTES, 0, 0);
}

static void touch(volatile char *start, uint64_t pages)
{
    for (uint64_t page = 0; page < pages; page++) {
        start[page * PAGE_BYTES] = 1;
    }
}

/* Maps, touches and unmaps `pages`, so often; what a touch costs beyond is in it. */
static void measure_map(const char *name, uint64_t pages, uint64_t times, bool is_touched)
{
    const uint64_t start = clock_read();
    for (uint64_t i = 0; i < times; i++) {
        volatile char *const run = map(pages);
        touch(run, is_touched ? pages : 0);
        unmap(run, pages);
    }
    row(name, clock_read() - start, times);
}

static void measure_faults(void)
{
    const uint64_t pages = 8192;
    volatile char *const run = map(pages);
    const uint64_t start = clock_read();
    touch(run, pages);
    row("demand_zero_fault", clock_read() - start, pages);
    unmap(run, pages);
}

/* fork, exit in the child, wait. */
static void measure_clone(const char *name, uint64_t pages, uint64_t times)
{
    volatile char *const run = map(pages);
    touch(run, pages);
    const uint64_t start = clock_read();
    for (uint64_t i = 0; i < times; i++) {
        const uint64_t child = call(LINUX_CLONE, SIGNAL_CHILD, 0, 0, 0);
        if (child == 0) {
            (void)call(LINUX_EXIT, 0, 0, 0, 0);
        }
        int status;
        (void)call(LINUX_WAIT4, child, (uintptr_t)&status, 0, 0);
    }
    row(name, clock_read() - start, times);
    unmap(run, pages);
}

static void measure_calls(void)
{
    const uint64_t times = 20000;
    const uint64_t start = clock_read();
    for (uint64_t i = 0; i < times; i++) {
        (void)call(LINUX_GETPPID, 0, 0, 0, 0);
    }
    row("user_call", clock_read() - start, times);
}

/* In place of the runtime's: Linux's stack is laid out otherwise. */
NORETURN void quarry_start(void);

void quarry_start(void)
{
    for (int round = 0; round < 2; round++) {
        const uint64_t start = clock_read();
        stretch(STRETCH);
        stretch_nanoseconds = clock_read() - start;
        measure_calls();
        measure_faults();
        measure_map("map_unmap_1", 1, 2000, false);
        measure_map("map_unmap_512", 512, 200, false);
        measure_map("map_unmap_100000", 100000, 50, false);
        measure_map("map_touch_unmap_1", 1, 500, true);
        measure_map("map_touch_unmap_512", 512, 20, true);
        measure_map("map_touch_unmap_100000", 100000, 1, true);
        measure_clone("clone_exit_wait", 1, 100);
        measure_clone("clone_exit_wait_512", 512, 50);
    }
    print("linux done\n");
    for (;;) {
        (void)call(LINUX_REBOOT, 0xfee1dead, 672274793, 0x4321fedc, 0);
    }
}
