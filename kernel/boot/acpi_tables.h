/*
 * Finds where the ACPI tables lie, so that the memory map can keep them (ACPI 6.5, section 5.2).
 */
#ifndef KERNEL_BOOT_ACPI_TABLES_H
#define KERNEL_BOOT_ACPI_TABLES_H

#include "boot_data.h"

/* A table that claims to be larger than this is not believed. */
#define ACPI_TABLE_SIZE_MAX  ((uint64_t)16 << 20)
#define ACPI_TABLE_COUNT_MAX 256

/*
 * Adds the root pointer at boot->rsdp, the table of tables it names and every table in that to the map, as ACPI_RECLAIMABLE. What does
 * not check out is complained about and left alone; boot->has_rsdp becomes false when the root pointer itself does not.
 */
void acpi_tables_reserve(const boot_window_t *window, boot_data_t *boot);

#endif
