/*
 * Accesses in user mode.
 */
#include "testing/models/user_access.h"

#include "arch/user.h"
#include "base/units.h"
#include "testing/user_code/user_code.h"

_Static_assert(USER_ACCESS_STORED == USER_CODE_STORED, "one value for both");

#define INTERRUPTS_MAX 1000000u

void user_access_prepare(void *page)
{
    __builtin_memcpy(page, user_code_start, (size_t)(user_code_end - user_code_start));
}

void user_access_fill(void *cell)
{
    __builtin_memcpy(cell, user_code_landing, (size_t)(user_code_landing_end - user_code_landing));
}

/* Where to start for this kind of access to `address`, and the instruction that makes it. */
static uintptr_t program_for(page_access_t access, uintptr_t address, uintptr_t *instruction)
{
    switch (access) {
    case PAGE_ACCESS_WRITE:
        *instruction = user_code_at(USER_ACCESS_CODE, user_code_store_access);
        return user_code_at(USER_ACCESS_CODE, user_code_store);
    case PAGE_ACCESS_EXECUTE:
        *instruction = address;
        return user_code_at(USER_ACCESS_CODE, user_code_execute);
    default:
        *instruction = user_code_at(USER_ACCESS_CODE, user_code_load_access);
        return user_code_at(USER_ACCESS_CODE, user_code_load);
    }
}

user_access_result_t user_access_try(uintptr_t address, page_access_t access, uint8_t *value)
{
    user_state_t state;
    trap_report_t report;
    uintptr_t instruction;

    user_state_init(&state, program_for(access, address, &instruction), USER_ACCESS_CODE, address);
    for (unsigned interrupts = 0; interrupts < INTERRUPTS_MAX; interrupts++) {
        switch (user_run(&state, &report)) {
        case USER_EVENT_CALL:
            *value = (uint8_t)user_call_argument(&state, 1);
            return user_call_number(&state) == USER_CODE_DONE && user_call_argument(&state, 0) == address
                       ? USER_ACCESS_DONE
                       : USER_ACCESS_WRONG_TALE;
        case USER_EVENT_FAULT:
            return report.kind == TRAP_PAGE_FAULT && report.address == address && report.is_user &&
                           report.is_write == (access == PAGE_ACCESS_WRITE) &&
                           report.is_execute == (access == PAGE_ACCESS_EXECUTE) && report.instruction == instruction
                       ? USER_ACCESS_FAULT
                       : USER_ACCESS_WRONG_TALE;
        case USER_EVENT_INTERRUPT:
            break;
        }
    }
    return USER_ACCESS_LOST;
}
