/*
 * Operations of Semihosting for AArch32 and AArch64, chapter 7.
 */
#include "semihosting.h"

#include "attempt.h"

#define SYS_WRITEC                  0x03
#define SYS_EXIT_EXTENDED           0x20
#define REASON_APPLICATION_FINISHED 0x20026

static bool is_refused;

static void call(uint64_t operation, const void *argument)
{
    is_refused = is_refused || !attempt_semihosting(operation, argument);
}

void semihosting_exit(int status)
{
    const uint64_t block[2] = {REASON_APPLICATION_FINISHED, (uint64_t)(int64_t)status};

    call(SYS_EXIT_EXTENDED, block);
}

void semihosting_write(const char *bytes, size_t length)
{
    for (size_t index = 0; index < length && !is_refused; index++) {
        call(SYS_WRITEC, &bytes[index]);
    }
}
