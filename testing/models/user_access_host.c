/*
 * Accesses as the host's software makes them for user code.
 */
#include "base/units.h"
#include "host.h"
#include "testing/models/user_access.h"

void user_access_prepare(void *page)
{
    *(unsigned char *)page = 0;
}

void user_access_fill(void *cell)
{
    *(unsigned char *)cell = 0;
}

user_access_result_t user_access_try(uintptr_t address, page_access_t access, uint8_t *value)
{
    uint64_t word = USER_ACCESS_STORED;

    if (!host_user_access(address, access, 1, &word)) {
        return USER_ACCESS_FAULT;
    }
    *value = (uint8_t)word;
    return USER_ACCESS_DONE;
}
