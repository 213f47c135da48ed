/*
 * Multiboot2 boot information: a header, then tags one after the other, each at a multiple of 8.
 *
 *   | total_size | 0 | type | size | ... | type | size | ... | 0 | 8 |
 *     u32              u32    u32         ^ next = align_up(this + size, 8)     the end tag
 *
 * The walk only goes forward, by at least a tag's header at a time, inside the span that total_size and the window allow: it
 * ends whatever the bytes are. A tag that leaves the span ends the walk; a tag whose inside makes no sense is skipped.
 *
 * Memory: the map of tag 6 when there is one, otherwise UEFI's own (17), otherwise the two sums of the basic tag (4).
 */
#include "multiboot2.h"

#define HEADER_SIZE     8u
#define TAG_HEADER_SIZE 8u
#define TAG_ALIGNMENT   8u

enum {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_LOADER_NAME = 2,
    TAG_MODULE = 3,
    TAG_BASIC_MEMORY = 4,
    TAG_MEMORY_MAP = 6,
    TAG_RSDP_OLD = 14,
    TAG_RSDP_NEW = 15,
    TAG_EFI_MEMORY_MAP = 17,
};

/* Tag 6: entry size and version, then entries of base, length, type. */
#define MAP_ENTRIES_OFFSET  16u
#define MAP_ENTRY_SIZE_MIN  24u
#define MAP_ENTRY_ALIGNMENT 8u

/* Tag 17: descriptor size and version, then EFI_MEMORY_DESCRIPTORs (UEFI 2.10, section 7.2.3): type, start at 8, pages at 24. */
#define EFI_ENTRIES_OFFSET 16u
#define EFI_ENTRY_SIZE_MIN 40u
#define EFI_PAGE_SHIFT     12u

/* What a walk has come across; tags may be in any order. */
typedef struct multiboot2_walk {
    boot_data_t *boot;
    uint64_t address; /* of the structure */
    byte_span_t basic_memory;
    byte_span_t efi_memory_map;
    bool has_memory_map;
    bool has_command_line;
    bool has_new_rsdp;
} multiboot2_walk_t;

/* Whether entries of `entry_size` can be read; complains otherwise. */
static bool entry_size_is_sound(boot_data_t *boot, const char *what, uint32_t entry_size, uint32_t minimum)
{
    if (entry_size < minimum || entry_size % MAP_ENTRY_ALIGNMENT != 0) {
        boot_complain(boot, "multiboot2: %s refused: entry size %u", what, entry_size);
        return false;
    }
    return true;
}

static void read_memory_map(multiboot2_walk_t *walk, byte_span_t tag)
{
    const uint32_t entry_size = byte_span_u32(tag, 8);
    if (!byte_span_covers(tag, 0, MAP_ENTRIES_OFFSET) ||
        !entry_size_is_sound(walk->boot, "memory map", entry_size, MAP_ENTRY_SIZE_MIN)) {
        return;
    }
    walk->has_memory_map = true;
    for (uint64_t at = MAP_ENTRIES_OFFSET; byte_span_covers(tag, at, entry_size); at += entry_size) {
        boot_add_region(walk->boot, byte_span_u64(tag, at), byte_span_u64(tag, at + 8),
                        boot_region_type(byte_span_u32(tag, at + 16)));
    }
}

/* UEFI's types: conventional memory and what boot services and the loader leave behind is free once they have ended. */
static memory_region_type_t efi_region_type(uint32_t type)
{
    switch (type) {
    case 1: /* loader code and data: the kernel image and our modules are reserved on their own */
    case 2:
    case 3: /* boot services code and data */
    case 4:
    case 7: /* conventional memory */
        return MEMORY_REGION_AVAILABLE;
    case 8:
        return MEMORY_REGION_BAD;
    case 9:
        return MEMORY_REGION_ACPI_RECLAIMABLE;
    case 10:
        return MEMORY_REGION_ACPI_NVS;
    default:
        return MEMORY_REGION_RESERVED;
    }
}

/* Returns whether there was such a map. */
static bool read_efi_memory_map(multiboot2_walk_t *walk)
{
    const byte_span_t tag = walk->efi_memory_map;
    const uint32_t entry_size = byte_span_u32(tag, 8);
    if (!byte_span_covers(tag, 0, EFI_ENTRIES_OFFSET) ||
        !entry_size_is_sound(walk->boot, "UEFI memory map", entry_size, EFI_ENTRY_SIZE_MIN)) {
        return false;
    }
    for (uint64_t at = EFI_ENTRIES_OFFSET; byte_span_covers(tag, at, entry_size); at += entry_size) {
        const uint64_t pages = byte_span_u64(tag, at + 24);
        if (pages > UINT64_MAX >> EFI_PAGE_SHIFT) {
            boot_complain(walk->boot, "multiboot2: UEFI region of 0x%llx pages refused", (unsigned long long)pages);
            continue;
        }
        boot_add_region(walk->boot, byte_span_u64(tag, at + 8), pages << EFI_PAGE_SHIFT,
                        efi_region_type(byte_span_u32(tag, at)));
    }
    return true;
}

/* KiB below 1 MiB and KiB from 1 MiB up to the first hole. Returns whether the tag was whole. */
static bool read_basic_memory(multiboot2_walk_t *walk)
{
    if (!byte_span_covers(walk->basic_memory, 0, 16)) {
        return false;
    }
    boot_add_region(walk->boot, 0, KIB(byte_span_u32(walk->basic_memory, 8)), MEMORY_REGION_AVAILABLE);
    boot_add_region(walk->boot, MIB(1), KIB(byte_span_u32(walk->basic_memory, 12)), MEMORY_REGION_AVAILABLE);
    return true;
}

static void read_module(multiboot2_walk_t *walk, byte_span_t tag)
{
    if (!byte_span_covers(tag, 0, 16)) {
        boot_complain(walk->boot, "multiboot2: module tag of %u bytes refused", (unsigned)tag.length);
        return;
    }
    boot_add_module(walk->boot, byte_span_u32(tag, 8), byte_span_u32(tag, 12));
}

static void read_loader_name(multiboot2_walk_t *walk, byte_span_t name)
{
    size_t length = 0;
    while (length < name.length && length < BOOT_LOADER_NAME_MAX && name.bytes[length] != 0) {
        const uint8_t byte = name.bytes[length];
        walk->boot->loader_name[length++] = byte >= ' ' && byte <= '~' ? (char)byte : '?';
    }
    walk->boot->loader_name[length] = '\0';
}

static void read_tag(multiboot2_walk_t *walk, uint64_t offset, uint32_t type, byte_span_t tag)
{
    const byte_span_t body = byte_span_part(tag, TAG_HEADER_SIZE, tag.length);
    switch (type) {
    case TAG_COMMAND_LINE:
        if (!walk->has_command_line) {
            walk->has_command_line = true;
            cmdline_set(walk->boot->cmdline, (const char *)body.bytes, body.length);
        }
        break;
    case TAG_LOADER_NAME:
        read_loader_name(walk, body);
        break;
    case TAG_MODULE:
        read_module(walk, tag);
        break;
    case TAG_BASIC_MEMORY:
        walk->basic_memory = tag;
        break;
    case TAG_MEMORY_MAP:
        read_memory_map(walk, tag);
        break;
    case TAG_RSDP_OLD:
    case TAG_RSDP_NEW:
        if (!walk->has_new_rsdp) {
            walk->has_new_rsdp = type == TAG_RSDP_NEW;
            walk->boot->has_rsdp = true;
            walk->boot->rsdp = physical_address(walk->address + offset + TAG_HEADER_SIZE);
        }
        break;
    case TAG_EFI_MEMORY_MAP:
        walk->efi_memory_map = tag;
        break;
    default:
        break;
    }
}

/* Goes over all tags. */
static void walk_tags(multiboot2_walk_t *walk, byte_span_t info)
{
    uint64_t offset = HEADER_SIZE;
    while (byte_span_covers(info, offset, TAG_HEADER_SIZE)) {
        const uint32_t type = byte_span_u32(info, offset);
        const uint32_t size = byte_span_u32(info, offset + 4);
        if (type == TAG_END) {
            return;
        }
        if (size < TAG_HEADER_SIZE || !byte_span_covers(info, offset, size)) {
            boot_complain(walk->boot, "multiboot2: tag %u at offset %llu claims %u bytes; it and the rest are ignored",
                          type, (unsigned long long)offset, size);
            return;
        }
        read_tag(walk, offset, type, byte_span_part(info, offset, size));
        offset = align_up(offset + size, TAG_ALIGNMENT);
    }
    boot_complain(walk->boot, "multiboot2: the tags have no end");
}

status_t multiboot2_read(const boot_window_t *window, physical_address_t address, boot_data_t *boot)
{
    const byte_span_t header = boot_window_view(window, address.value, HEADER_SIZE);
    if (address.value % TAG_ALIGNMENT != 0 || header.length < HEADER_SIZE) {
        boot_complain(boot, "multiboot2: no boot information can be at 0x%llx", (unsigned long long)address.value);
        return STATUS_CORRUPT;
    }
    uint64_t total_size = byte_span_u32(header, 0);
    if (total_size < HEADER_SIZE + TAG_HEADER_SIZE) {
        boot_complain(boot, "multiboot2: boot information of %llu bytes makes no sense",
                      (unsigned long long)total_size);
        return STATUS_CORRUPT;
    }
    if (total_size > MULTIBOOT2_INFO_SIZE_MAX) {
        boot_complain(boot, "multiboot2: boot information of %llu bytes is cut to %llu", (unsigned long long)total_size,
                      (unsigned long long)MULTIBOOT2_INFO_SIZE_MAX);
        total_size = MULTIBOOT2_INFO_SIZE_MAX;
    }
    const byte_span_t info = boot_window_view(window, address.value, total_size);

    multiboot2_walk_t walk = {.boot = boot, .address = address.value};
    boot_add_region(boot, address.value, info.length, MEMORY_REGION_RESERVED);
    walk_tags(&walk, info);
    if (walk.has_memory_map || read_efi_memory_map(&walk) || read_basic_memory(&walk)) {
        return STATUS_OK;
    }
    boot_complain(boot, "multiboot2: no tag tells of memory");
    return STATUS_NOT_FOUND;
}
