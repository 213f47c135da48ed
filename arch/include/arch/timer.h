/*
 * Time: a monotonic clock and a periodic interrupt on each CPU.
 */
#ifndef ARCH_TIMER_H
#define ARCH_TIMER_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"

/* Nanoseconds since timer_init(); 0 before. Never goes back on one CPU. Any context. */
uint64_t timer_nanoseconds(void);

/* Finds and calibrates the clock. Boot CPU, once. STATUS_UNSUPPORTED when the machine offers none that we know. */
MUST_USE status_t timer_init(void);

/* Starts the periodic interrupt on the calling CPU: trap_timer_tick() is called `frequency_hz` times a second. */
void timer_start_periodic(uint32_t frequency_hz);

/* Stops it on the calling CPU. */
void timer_stop_periodic(void);

#endif
