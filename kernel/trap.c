/*
 * What the kernel makes of exceptions and timer interrupts.
 */
#include "arch/trap.h"

#include "arch/inline.h"
#include "arch/user_page_table.h"
#include "base/check.h"
#include "base/log.h"
#include "kernel/panic.h"
#include "mm/kmalloc.h"
#include "mm/pages.h"

static bool is_in_user_space(uintptr_t address)
{
    return address >= USER_SPACE_START && address < USER_SPACE_END;
}

/* A page that is free is closed (mm/pages/page_watch.c), and nothing else that plain pointers lead to is. */
static void tell_closed_page(const trap_report_t *report)
{
    const void *const pointer = (const void *)report->address;
    log_line("pages: use of a free page: %s at %p (physical 0x%llx)", report->is_write ? "write" : "read", pointer,
             (unsigned long long)pointer_to_physical(pointer).value);
    if (cpu_current()->check_trap != NULL) {
        CHECK(false, "use of a free page"); /* tests do it on purpose; anybody else's report has registers */
    }
}

bool trap_handle(const trap_report_t *report)
{
    const void *page;
    if (report->kind == TRAP_PAGE_FAULT && !report->is_user && !report->is_execute &&
        page_words_fault_address(report->address, &page)) {
        /* Somebody asked for the page word of memory that no allocator ever had: that is how a foreign pointer shows. */
        kmalloc_report_foreign_free(page);
    }
    if (report->kind == TRAP_PAGE_FAULT && !report->is_user && is_in_user_space(report->address) &&
        cpu_current()->check_trap != NULL) {
        CHECK(false, "kernel access to user space"); /* tests do it on purpose; anybody else's report has registers */
    }
    if (report->kind == TRAP_CLOSED_PAGE && direct_map_contains((const void *)report->address)) {
        tell_closed_page(report);
    }
    if (report->kind == TRAP_BREAKPOINT && !report->is_user) {
        log_line("breakpoint on cpu %u", cpu_current()->index);
        panic_log_backtrace(report->instruction, report->frame);
        return true;
    }
    panic_trap(report);
}

void trap_timer_tick(void)
{
    /* The port counts cpu_t's timer_ticks and the wake-up is all that a waiting CPU wants. */
}
