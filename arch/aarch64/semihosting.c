/*
 * Calls by HLT 0xf000, with the operation in W0 and its argument in X1 (Semihosting for AArch32 and AArch64, 3 and 7).
 */
#include "semihosting.h"

#define SYS_WRITEC                  0x03
#define SYS_EXIT_EXTENDED           0x20
#define REASON_APPLICATION_FINISHED 0x20026

extern const char semihosting_instruction[];

static bool is_refused;

/* Never inlined: there is one such instruction, and trap.c knows it by its address. */
static NOINLINE void call(uint64_t operation, const void *argument)
{
    register uint64_t x0 __asm__("x0") = operation;
    register const void *x1 __asm__("x1") = argument;

    if (is_refused) {
        return;
    }
    __asm__ volatile(".globl semihosting_instruction\n"
                     "semihosting_instruction:\n"
                     "\thlt #0xf000"
                     : "+r"(x0)
                     : "r"(x1)
                     : "memory");
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

bool semihosting_is_refused(uintptr_t address)
{
    is_refused = is_refused || address == (uintptr_t)semihosting_instruction;
    return address == (uintptr_t)semihosting_instruction;
}
