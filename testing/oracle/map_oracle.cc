/*
 * The memory map and the command line of a tree, made with libfdt, beside the kernel's: testing/oracle/blob.h.
 */
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <libfdt.h>

#include "testing/oracle/blob.h"
extern "C" {
#include "testing/oracle/boot_map.h"
}

namespace {

constexpr uint64_t kBase = 0x48000000;
constexpr uint64_t kLimit = UINT64_C(1) << 52;

uint64_t number_of(const uint8_t *bytes, int cells)
{
    uint64_t number = 0;
    for (int i = 0; i < cells * 4; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

void add(memory_map_t *map, uint64_t base, uint64_t size, memory_region_type_t type)
{
    (void)!memory_map_add(map, physical_address(base), size, type); /* what is refused is in neither map */
}

/* Whether a string property is, up to its first zero byte, `text`. */
bool property_is(const void *fdt, int node, const char *name, const std::string &text)
{
    int length = 0;
    const char *value = static_cast<const char *>(fdt_getprop(fdt, node, name, &length));
    return value != nullptr && length > 0 && std::memchr(value, 0, static_cast<size_t>(length)) != nullptr &&
           text == value;
}

} // namespace

bool is_available(const void *fdt, int node)
{
    return fdt_getprop(fdt, node, "status", nullptr) == nullptr || property_is(fdt, node, "status", "okay") ||
           property_is(fdt, node, "status", "ok");
}

namespace {

/* Adds all of `reg`, in cells of two at most, which is all that boards have; others make `is_comparable` false. */
void add_reg(const void *fdt, int parent, int node, memory_region_type_t type, memory_map_t *map, bool *is_comparable)
{
    int length = 0;
    const auto *reg = static_cast<const uint8_t *>(fdt_getprop(fdt, node, "reg", &length));
    const int address_cells = fdt_address_cells(fdt, parent);
    const int size_cells = fdt_size_cells(fdt, parent);
    if (reg == nullptr) {
        return;
    }
    if (address_cells < 1 || address_cells > 2 || size_cells < 1 || size_cells > 2) {
        *is_comparable = false;
        return;
    }
    const int entry = 4 * (address_cells + size_cells);
    for (int at = 0; length % entry == 0 && at < length; at += entry) {
        uint64_t size = number_of(reg + at + 4 * address_cells, size_cells);
        const uint64_t base = number_of(reg + at, address_cells);
        if (type == MEMORY_REGION_RESERVED && base != 0 && size > 0 - base) {
            size = 0 - base; /* what is to be kept is cut at the top */
        }
        add(map, base, size, type);
    }
}

/*
 * The memory map as libfdt's user would make it; false when the tree has something in it that ours reads by finer
 * rules.
 */
bool make_map(const void *fdt, memory_map_t *map)
{
    bool is_comparable = true;
    memory_map_init(map);
    add(map, kBase, fdt_totalsize(fdt), MEMORY_REGION_RESERVED);
    for (int i = 0; i < fdt_num_mem_rsv(fdt); i++) {
        uint64_t base = 0;
        uint64_t size = 0;
        EXPECT_EQ(0, fdt_get_mem_rsv(fdt, i, &base, &size));
        add(map, base, base != 0 && size > 0 - base ? 0 - base : size, MEMORY_REGION_RESERVED);
    }
    int node = 0;
    fdt_for_each_subnode(node, fdt, 0)
    {
        if (property_is(fdt, node, "device_type", "memory") && is_available(fdt, node)) {
            add_reg(fdt, 0, node, MEMORY_REGION_AVAILABLE, map, &is_comparable);
        }
    }
    const int group = fdt_path_offset(fdt, "/reserved-memory");
    if (group >= 0) {
        int length = 0;
        const void *ranges = fdt_getprop(fdt, group, "ranges", &length);
        is_comparable = is_comparable && ranges != nullptr && length == 0;
        fdt_for_each_subnode(node, fdt, group)
        {
            if (is_available(fdt, node)) {
                add_reg(fdt, group, node, MEMORY_REGION_RESERVED, map, &is_comparable);
            }
        }
    }
    const int chosen = fdt_path_offset(fdt, "/chosen");
    return is_comparable && (chosen < 0 || fdt_getprop(fdt, chosen, "linux,initrd-start", nullptr) == nullptr);
}

} // namespace

void expect_same_map(const Blob &blob)
{
    const auto theirs = std::make_unique<memory_map_t>();
    const auto ours = std::make_unique<memory_map_t>();
    const auto cmdline = std::make_unique<cmdline_t>();
    if (!make_map(blob.data(), theirs.get())) {
        return;
    }
    const status_t status = boot_map_read(blob.data(), blob.length(), kBase, ours.get(), cmdline.get());
    ASSERT_TRUE(status == STATUS_OK || status == STATUS_NOT_FOUND);
    ASSERT_EQ(memory_map_finish(theirs.get(), physical_address(kLimit)),
              memory_map_finish(ours.get(), physical_address(kLimit)));
    ASSERT_EQ(theirs->region_count, ours->region_count);
    for (size_t i = 0; i < ours->region_count; i++) {
        ASSERT_EQ(theirs->regions[i].base.value, ours->regions[i].base.value);
        ASSERT_EQ(theirs->regions[i].size_bytes, ours->regions[i].size_bytes);
        ASSERT_EQ(theirs->regions[i].type, ours->regions[i].type);
    }
    const int chosen = fdt_path_offset(blob.data(), "/chosen");
    int length = 0;
    const void *bootargs = chosen < 0 ? nullptr : fdt_getprop(blob.data(), chosen, "bootargs", &length);
    if (bootargs != nullptr) {
        const std::string text(static_cast<const char *>(bootargs),
                               strnlen(static_cast<const char *>(bootargs), static_cast<size_t>(length)));
        ASSERT_EQ(std::min<size_t>(text.size(), CMDLINE_LENGTH_MAX), cmdline->length);
        for (size_t i = 0; i < cmdline->length; i++) {
            ASSERT_EQ(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?', cmdline->text[i]);
        }
    }
}
