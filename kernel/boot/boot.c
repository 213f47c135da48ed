/*
 * The one place that knows all boot protocols, and what of memory is taken before anybody asks.
 */
#include "boot.h"

#include "acpi_tables.h"
#include "base/log.h"
#include "devicetree.h"
#include "multiboot2.h"
#include "pvh.h"

/* Real-mode vectors, firmware data, video memory and ROMs: not worth the risk, and where other CPUs start (PC only). */
#define FIRST_MEGABYTE MIB(1)

static void report_to_log(void *context, const char *line)
{
    (void)context;
    log_line("%s", line);
}

static status_t read_by_protocol(const boot_handoff_t *handoff, const boot_window_t *window, boot_data_t *boot)
{
    switch (handoff->protocol) {
    case BOOT_PROTOCOL_MULTIBOOT2:
        boot_add_region(boot, 0, FIRST_MEGABYTE, MEMORY_REGION_RESERVED);
        return multiboot2_read(window, handoff->data, boot);
    case BOOT_PROTOCOL_PVH:
        boot_add_region(boot, 0, FIRST_MEGABYTE, MEMORY_REGION_RESERVED);
        return pvh_read(window, handoff->data, boot);
    case BOOT_PROTOCOL_DEVICETREE:
        return devicetree_read(window, handoff->data, boot);
    case BOOT_PROTOCOL_UNKNOWN:
        break;
    }
    boot_complain(boot, "boot: no reader for boot protocol %u", (unsigned)handoff->protocol);
    return STATUS_UNSUPPORTED;
}

status_t boot_read_data(const boot_handoff_t *handoff, const boot_window_t *window, boot_data_t *boot)
{
    if (boot->report == NULL) {
        boot->report = report_to_log;
    }
    boot_add_region(boot, handoff->image_start.value, handoff->image_end.value - handoff->image_start.value,
                    MEMORY_REGION_RESERVED);
    const status_t status = read_by_protocol(handoff, window, boot);
    acpi_tables_reserve(window, boot);
    if (boot->cmdline->is_truncated) {
        log_line("boot: the command line is longer than %u characters; the rest is cut", CMDLINE_LENGTH_MAX);
    }
    return status;
}
