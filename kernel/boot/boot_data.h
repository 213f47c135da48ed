/*
 * What the readers of boot data (multiboot2.c, pvh.c, devicetree.c, acpi_tables.c) fill in, whatever the bootloader, and what they read from.
 *
 * A reader is a function of bytes alone: it touches nothing but the window and the boot_data_t it is given, so that the host can test it
 * with any bytes. It believes nothing: what does not fit is refused with a complaint, and it goes on with what is sound.
 */
#ifndef KERNEL_BOOT_BOOT_DATA_H
#define KERNEL_BOOT_BOOT_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"
#include "base/units.h"
#include "byte_span.h"
#include "kernel/cmdline.h"
#include "mm/memory_map.h"

/* Physical memory that may be read now: byte `base + n` is bytes[n], for n below `size`. */
typedef struct boot_window {
    const uint8_t *bytes;
    uint64_t base;
    uint64_t size;
} boot_window_t;

/* At most `length` bytes from physical `address` on: cut where the window ends, empty when `address` is outside. */
static inline byte_span_t boot_window_view(const boot_window_t *window, uint64_t address, uint64_t length)
{
    if (address < window->base || address - window->base >= window->size) {
        return byte_span(window->bytes, 0);
    }
    return byte_span_part(byte_span(window->bytes, window->size), address - window->base, length);
}

#define BOOT_MODULE_MAX      16
#define BOOT_LOADER_NAME_MAX 63

/* A file that the bootloader loaded beside the kernel. */
typedef struct boot_module {
    physical_address_t base;
    uint64_t size_bytes;
} boot_module_t;

typedef struct boot_data {
    memory_map_t *map;  /* regions are added to it; not finished */
    cmdline_t *cmdline; /* set when there is one */
    boot_module_t modules[BOOT_MODULE_MAX];
    size_t module_count;     /* further modules are reserved in the map, and not listed */
    physical_address_t rsdp; /* where the ACPI root pointer, or a copy of it, lies; meaningful when has_rsdp */
    bool has_rsdp;
    char loader_name[BOOT_LOADER_NAME_MAX + 1];

    void (*report)(void *context, const char *line); /* told of each complaint, one line without newline; may be NULL */
    void *report_context;
    uint32_t complaints;
} boot_data_t;

/* Complaints that are told one by one; a hostile map could make thousands. The rest are only counted. */
#define BOOT_COMPLAINTS_TOLD_MAX 16

/* Counts a complaint and tells it. */
PRINTF_LIKE(2, 3) void boot_complain(boot_data_t *boot, const char *format, ...);

/* Adds a region of the bootloader's map; complains when the map refuses it. An empty region is dropped without a word. */
void boot_add_region(boot_data_t *boot, uint64_t base, uint64_t size_bytes, memory_region_type_t type);

/* Adds [start, end) as a module, reserved; complains when it is empty or ends before it starts. */
void boot_add_module(boot_data_t *boot, uint64_t start, uint64_t end);

/* The type that E820, Multiboot2 and PVH number alike: 1 available, 3 and 4 ACPI, 5 bad; anything else is reserved. */
memory_region_type_t boot_region_type(uint32_t e820_type);

#endif
