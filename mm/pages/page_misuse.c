/*
 * Reports of frees that break the contract.
 */
#include "mm/pages/page_misuse.h"

#include "base/check.h"
#include "base/log.h"

static const check_site_t sites[PAGE_MISUSE_KINDS] = {
    [PAGE_MISUSE_NONE] = {"page freed by mistake", "a mistake has a kind", __FILE_NAME__, __LINE__},
    [PAGE_MISUSE_FREE] = {"free of a free page", "every page freed is allocated", __FILE_NAME__, __LINE__},
    [PAGE_MISUSE_RESERVED] = {"free of a reserved page", "every page freed is allocated", __FILE_NAME__, __LINE__},
    [PAGE_MISUSE_INVALID] = {"free of an invalid page", "every page freed is allocated", __FILE_NAME__, __LINE__},
    [PAGE_MISUSE_FOREIGN] = {"free of a foreign page", "every page freed is memory", __FILE_NAME__, __LINE__},
    [PAGE_MISUSE_MISALIGNED] = {"free of a misaligned address", "address % PAGE_SIZE == 0", __FILE_NAME__, __LINE__},
    [PAGE_MISUSE_COUNT] = {"page count out of range", "1 <= count, and the run ends below the end of memory",
                           __FILE_NAME__, __LINE__},
};

void page_misuse_report(page_misuse_t misuse, page_number_t first, uint64_t count, page_number_t page)
{
    log_line("pages: %s: page %llu (physical 0x%llx), in a free of %llu pages from page %llu on", sites[misuse].message,
             (unsigned long long)page.value, (unsigned long long)physical_of_page(page).value,
             (unsigned long long)count, (unsigned long long)first.value);
    check_failed(&sites[misuse]);
}

void page_misuse_report_pointer(page_misuse_t misuse, const void *pointer, uint64_t count)
{
    log_line("pages: %s: pointer %p, in a free of %llu pages", sites[misuse].message, pointer,
             (unsigned long long)count);
    check_failed(&sites[misuse]);
}
