/*
 * The host's clock (POSIX CLOCK_MONOTONIC). There is no periodic interrupt here: tests send their own.
 */
#include <time.h>

#include "arch/timer.h"

static struct timespec started;

status_t timer_init(void)
{
    return clock_gettime(CLOCK_MONOTONIC, &started) == 0 ? STATUS_OK : STATUS_UNSUPPORTED;
}

uint64_t timer_nanoseconds(void)
{
    struct timespec now;
    if (started.tv_sec == 0 || clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        return 0;
    }
    return (uint64_t)(now.tv_sec - started.tv_sec) * 1000000000u + (uint64_t)now.tv_nsec - (uint64_t)started.tv_nsec;
}

void timer_start_periodic(uint32_t frequency_hz)
{
    (void)frequency_hz;
}

void timer_stop_periodic(void)
{
}
