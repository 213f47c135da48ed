/*
 * SBI calls: extension in a7, function in a6, arguments from a0 on; error in a0, value in a1 (SBI 2.0, chapter 3).
 *
 * Where an extension is missing its predecessor of SBI 0.1 is tried ("legacy", chapter 5): timers and the console only.
 */
#include "sbi.h"

#include "registers.h"

#define LEGACY_SET_TIMER       0
#define LEGACY_CONSOLE_PUTCHAR 1
#define LEGACY_CONSOLE_GETCHAR 2

#define BASE_PROBE              3
#define TIME_SET                0
#define IPI_SEND                0
#define HSM_START               0
#define RFENCE_FETCH            0
#define RFENCE_FLUSH            1
#define RESET_SYSTEM            0
#define RESET_TYPE_SHUTDOWN     0
#define RESET_REASON_NONE       0
#define RESET_REASON_FAILURE    1
#define CONSOLE_WRITE_BYTE      2
#define ERROR_NOT_SUPPORTED     (-2)
#define ERROR_INVALID_PARAMETER (-3)
#define ERROR_INVALID_ADDRESS   (-5)
#define ERROR_ALREADY_AVAILABLE (-6)
#define ERROR_ALREADY_STARTED   (-7)

typedef struct sbi_result {
    int64_t error;
    uint64_t value;
} sbi_result_t;

static sbi_result_t sbi_call(uint64_t extension, uint64_t function, uint64_t first, uint64_t second, uint64_t third,
                             uint64_t fourth)
{
    register uint64_t a0 __asm__("a0") = first;
    register uint64_t a1 __asm__("a1") = second;
    register uint64_t a2 __asm__("a2") = third;
    register uint64_t a3 __asm__("a3") = fourth;
    register uint64_t a6 __asm__("a6") = function;
    register uint64_t a7 __asm__("a7") = extension;

    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a6), "r"(a7) : "memory");
    return (sbi_result_t){(int64_t)a0, a1};
}

static status_t status_of(int64_t error)
{
    switch (error) {
    case 0:
        return STATUS_OK;
    case ERROR_NOT_SUPPORTED:
        return STATUS_UNSUPPORTED;
    case ERROR_INVALID_PARAMETER:
    case ERROR_INVALID_ADDRESS:
        return STATUS_INVALID;
    case ERROR_ALREADY_AVAILABLE:
    case ERROR_ALREADY_STARTED:
        return STATUS_BUSY;
    default:
        return STATUS_CORRUPT;
    }
}

bool sbi_has(uint64_t extension)
{
    const sbi_result_t result = sbi_call(SBI_EXTENSION_BASE, BASE_PROBE, extension, 0, 0, 0);
    return result.error == 0 && result.value != 0;
}

void sbi_set_timer(uint64_t deadline)
{
    if (sbi_call(SBI_EXTENSION_TIME, TIME_SET, deadline, 0, 0, 0).error == ERROR_NOT_SUPPORTED) {
        (void)sbi_call(LEGACY_SET_TIMER, 0, deadline, 0, 0, 0);
    }
}

status_t sbi_send_ipi(uint64_t hart)
{
    /* A mask of harts, and the number of its first. */
    return status_of(sbi_call(SBI_EXTENSION_IPI, IPI_SEND, 1, hart, 0, 0).error);
}

status_t sbi_remote_flush(uint64_t harts, uint64_t first, uintptr_t address, uint64_t size)
{
    return status_of(sbi_call(SBI_EXTENSION_RFENCE, RFENCE_FLUSH, harts, first, address, size).error);
}

status_t sbi_remote_fetch(uint64_t harts, uint64_t first)
{
    return status_of(sbi_call(SBI_EXTENSION_RFENCE, RFENCE_FETCH, harts, first, 0, 0).error);
}

status_t sbi_hart_start(uint64_t hart, physical_address_t entry, uint64_t argument)
{
    return status_of(sbi_call(SBI_EXTENSION_HSM, HSM_START, hart, entry.value, argument, 0).error);
}

void sbi_shutdown(bool is_failure)
{
    (void)sbi_call(SBI_EXTENSION_RESET, RESET_SYSTEM, RESET_TYPE_SHUTDOWN,
                   is_failure ? RESET_REASON_FAILURE : RESET_REASON_NONE, 0, 0);
}

void sbi_console_write(char byte)
{
    if (sbi_call(SBI_EXTENSION_CONSOLE, CONSOLE_WRITE_BYTE, (unsigned char)byte, 0, 0, 0).error ==
        ERROR_NOT_SUPPORTED) {
        (void)sbi_call(LEGACY_CONSOLE_PUTCHAR, 0, (unsigned char)byte, 0, 0, 0);
    }
}

int sbi_console_read(void)
{
    const int64_t byte = sbi_call(LEGACY_CONSOLE_GETCHAR, 0, 0, 0, 0, 0).error;
    return byte >= 0 && byte <= 0xff ? (int)byte : -1;
}
