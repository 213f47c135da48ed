/*
 * What all readers of boot data do alike: complain within bounds, and add regions to the map.
 */
#include "boot_data.h"

#include "base/text.h"

#define COMPLAINT_LENGTH_MAX 160

void boot_complain(boot_data_t *boot, const char *format, ...)
{
    boot->complaints++;
    if (boot->report == NULL || boot->complaints > BOOT_COMPLAINTS_TOLD_MAX) {
        return;
    }
    char line[COMPLAINT_LENGTH_MAX];
    text_writer_t writer = text_writer(line, sizeof(line));
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&writer, format, arguments);
    va_end(arguments);
    boot->report(boot->report_context, line);
    if (boot->complaints == BOOT_COMPLAINTS_TOLD_MAX) {
        boot->report(boot->report_context, "boot data: more complaints follow; they are only counted");
    }
}

void boot_add_region(boot_data_t *boot, uint64_t base, uint64_t size_bytes, memory_region_type_t type)
{
    if (size_bytes == 0) {
        return;
    }
    const status_t status = memory_map_add(boot->map, physical_address(base), size_bytes, type);
    if (status != STATUS_OK) {
        boot_complain(boot, "memory map: region 0x%llx size 0x%llx (%s) refused: %s", (unsigned long long)base,
                      (unsigned long long)size_bytes, memory_region_type_name(type), status_name(status));
    }
}

void boot_add_module(boot_data_t *boot, uint64_t start, uint64_t end)
{
    if (end <= start) {
        boot_complain(boot, "module 0x%llx to 0x%llx refused: it has no bytes", (unsigned long long)start,
                      (unsigned long long)end);
        return;
    }
    boot_add_region(boot, start, end - start, MEMORY_REGION_RESERVED);
    if (boot->module_count < BOOT_MODULE_MAX) {
        boot->modules[boot->module_count++] = (boot_module_t){physical_address(start), end - start};
    }
}

memory_region_type_t boot_region_type(uint32_t e820_type)
{
    switch (e820_type) {
    case 1:
        return MEMORY_REGION_AVAILABLE;
    case 3:
        return MEMORY_REGION_ACPI_RECLAIMABLE;
    case 4:
        return MEMORY_REGION_ACPI_NVS;
    case 5:
        return MEMORY_REGION_BAD;
    default:
        return MEMORY_REGION_RESERVED;
    }
}
