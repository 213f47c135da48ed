/*
 * Our reader of device trees beside libfdt, on the tree of every board below the folder in argv[1], and on damaged
 * ones.
 *
 * Both accept a tree, or both refuse it; and of one that both accept they say the same: nodes, properties,
 * reservations, cells, paths, phandles, the console, and the memory map. Where they are meant to differ, refuses_more()
 * says why. Damage follows from the file's name and a number, which a failure tells; QUARRY_RUNS in the environment
 * sets how many damaged trees are made of each.
 */
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <libfdt.h>

extern "C" {
#include "arch/shared/devicetree_board.h"
}
#include "testing/oracle/blob.h"

namespace {

constexpr int kDamagedUsual = 10;
constexpr int kNodesBetweenPaths = 97; /* what costs a walk of the whole tree is asked of one node in so many */

std::filesystem::path boards;

/*
 * Trees of versions before 17, whose header lacks the structure's size: no tool has made them since 2006. We refuse
 * them.
 */
bool is_too_old(const Blob &blob)
{
    return blob.length() >= DEVICETREE_HEADER_SIZE && fdt_magic(blob.data()) == FDT_MAGIC &&
           fdt_version(blob.data()) < 17;
}

/*
 * Whether there may be a property of nearly 4 GiB. libfdt 1.6.1 adds such lengths up to a place that it has passed, and
 * goes on from there, or stays there for ever: fdt_next_tag() does not ask whether the sum wraps.
 */
bool may_wrap(const Blob &blob)
{
    const auto *bytes = static_cast<const char *>(blob.data());
    const std::string wrapping = "\xff\xff\xff";
    const std::string text(bytes, blob.length());
    for (size_t at = text.find(wrapping); at != std::string::npos; at = text.find(wrapping, at + 1)) {
        if (at >= 4 && text.compare(at - 4, 4, std::string("\0\0\0\3", 4)) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * Trees that libfdt's check lets through and we refuse: without a root, of which libfdt then finds no node; and nested
 * more deeply than any board.
 */
bool refuses_more(const void *fdt)
{
    int next = 0;
    if (fdt_next_tag(fdt, 0, &next) != FDT_BEGIN_NODE) {
        return true;
    }
    int depth = 0;
    for (int offset = 0; offset >= 0; offset = fdt_next_node(fdt, offset, &depth)) {
        if (depth >= static_cast<int>(DEVICETREE_DEPTH_MAX)) {
            return true;
        }
    }
    return false;
}

/*
 * The node that a path leads to, for libfdt. Of aliases of aliases it knows no end, so they are answered here: nothing.
 */
int find_by_libfdt(const void *fdt, const std::string &path)
{
    if (path.empty()) {
        return -FDT_ERR_NOTFOUND;
    }
    if (path[0] != '/') {
        const int aliases = fdt_path_offset(fdt, "/aliases");
        const std::string alias = path.substr(0, path.find('/'));
        int length = 0;
        const auto *whole = static_cast<const char *>(
            aliases < 0 ? nullptr
                        : fdt_getprop_namelen(fdt, aliases, alias.data(), static_cast<int>(alias.size()), &length));
        if (whole == nullptr || length < 2 || whole[0] != '/' || whole[length - 1] != '\0') {
            return -FDT_ERR_NOTFOUND;
        }
    }
    return fdt_path_offset_namelen(fdt, path.data(), static_cast<int>(path.size()));
}

void expect_same_path(const devicetree_t &tree, const void *fdt, const std::string &path)
{
    devicetree_node_t node;
    const int offset = find_by_libfdt(fdt, path);
    const status_t status = devicetree_find(&tree, path.data(), path.size(), &node);
    ASSERT_EQ(offset >= 0, status == STATUS_OK) << path;
    if (offset >= 0) {
        ASSERT_EQ(static_cast<uint32_t>(offset), node.path[node.depth]) << path;
    }
}

void expect_same_properties(const devicetree_node_t &node, const void *fdt, int offset)
{
    uint32_t cursor = 0;
    const char *name = nullptr;
    devicetree_value_t value;
    int property = 0;
    fdt_for_each_property_offset(property, fdt, offset)
    {
        const char *their_name = nullptr;
        int length = 0;
        const void *bytes = fdt_getprop_by_offset(fdt, property, &their_name, &length);
        ASSERT_TRUE(devicetree_next_property(&node, &cursor, &name, &value));
        ASSERT_EQ(bytes, value.bytes);
        ASSERT_EQ(static_cast<uint32_t>(length), value.length);
        ASSERT_STREQ(their_name, name);
        /* The first of that name is the one that counts, for both. */
        ASSERT_TRUE(devicetree_property(&node, name, &value));
        ASSERT_EQ(fdt_getprop(fdt, offset, name, nullptr), value.bytes);
    }
    ASSERT_FALSE(devicetree_next_property(&node, &cursor, &name, &value));
}

void expect_same_cells(const devicetree_node_t &node, const void *fdt, int offset)
{
    devicetree_cells_t cells;
    const status_t status = devicetree_cells(&node, &cells);
    const int address_cells = fdt_address_cells(fdt, offset);
    const int size_cells = fdt_size_cells(fdt, offset);
    if (status != STATUS_OK) {
        ASSERT_TRUE(address_cells < 0 || size_cells < 0);
        return;
    }
    /* Children without addresses are an error to libfdt, and a fact to us. */
    ASSERT_EQ(address_cells, cells.address == 0 ? -FDT_ERR_BADNCELLS : static_cast<int>(cells.address));
    ASSERT_EQ(size_cells, static_cast<int>(cells.size));
}

void expect_same_compatible(const devicetree_node_t &node, const void *fdt, int offset)
{
    int length = 0;
    const auto *list = static_cast<const char *>(fdt_getprop(fdt, offset, "compatible", &length));
    if (list == nullptr || length == 0 || list[length - 1] != '\0') {
        return; /* of a list without an end, libfdt looks at the byte behind it */
    }
    for (const std::string &text : {std::string(list + length / 2), std::string(list), std::string("arm,gic-v3")}) {
        if (text.empty()) {
            continue; /* for this one libfdt, too, looks at the byte behind the list */
        }
        ASSERT_EQ(fdt_node_check_compatible(fdt, offset, text.c_str()) == 0,
                  devicetree_is_compatible(&node, text.c_str()));
    }
}

void expect_same_nodes(const devicetree_t &tree, const void *fdt)
{
    devicetree_node_t node = devicetree_root(&tree);
    int depth = 0;
    int count = 0;
    for (int offset = 0; offset >= 0; offset = fdt_next_node(fdt, offset, &depth), count++) {
        if (depth < 0) {
            break; /* behind the root's end */
        }
        if (count != 0) {
            ASSERT_TRUE(devicetree_next(&node));
        }
        ASSERT_EQ(static_cast<uint32_t>(offset), node.path[node.depth]);
        ASSERT_EQ(static_cast<uint32_t>(depth), node.depth);
        ASSERT_STREQ(fdt_get_name(fdt, offset, nullptr), devicetree_name(&node));
        ASSERT_NO_FATAL_FAILURE(expect_same_properties(node, fdt, offset));
        ASSERT_NO_FATAL_FAILURE(expect_same_cells(node, fdt, offset));
        ASSERT_NO_FATAL_FAILURE(expect_same_compatible(node, fdt, offset));
        ASSERT_EQ(is_available(fdt, offset), devicetree_is_available(&node));
        if (count % kNodesBetweenPaths == 3) {
            char path[4096];
            if (fdt_get_path(fdt, offset, path, sizeof(path)) == 0) {
                ASSERT_NO_FATAL_FAILURE(expect_same_path(tree, fdt, path));
            }
            const uint32_t phandle = fdt_get_phandle(fdt, offset);
            devicetree_node_t found;
            ASSERT_EQ(fdt_node_offset_by_phandle(fdt, phandle) >= 0,
                      devicetree_find_phandle(&tree, phandle, &found) == STATUS_OK);
            if (devicetree_find_phandle(&tree, phandle, &found) == STATUS_OK) {
                ASSERT_EQ(fdt_node_offset_by_phandle(fdt, phandle), static_cast<int>(found.path[found.depth]));
            }
        }
    }
    ASSERT_FALSE(devicetree_next(&node));
}

void expect_same_reservations(const devicetree_t &tree, const void *fdt)
{
    devicetree_range_t range;
    const int count = fdt_num_mem_rsv(fdt);
    ASSERT_GE(count, 0);
    for (int i = 0; i < count; i++) {
        uint64_t base = 0;
        uint64_t size = 0;
        ASSERT_EQ(0, fdt_get_mem_rsv(fdt, i, &base, &size));
        ASSERT_TRUE(devicetree_reservation(&tree, static_cast<size_t>(i), &range));
        ASSERT_EQ(base, range.base);
        ASSERT_EQ(size, range.size);
    }
    ASSERT_FALSE(devicetree_reservation(&tree, static_cast<size_t>(count), &range));
}

void expect_same_console(const devicetree_t &tree, const void *fdt)
{
    const int chosen = fdt_path_offset(fdt, "/chosen");
    int length = 0;
    const auto *path =
        static_cast<const char *>(chosen < 0 ? nullptr : fdt_getprop(fdt, chosen, "stdout-path", &length));
    if (path == nullptr || length == 0 || std::memchr(path, 0, static_cast<size_t>(length)) == nullptr) {
        return;
    }
    const std::string whole = path;
    const int offset = find_by_libfdt(fdt, whole.substr(0, whole.find(':')));
    devicetree_node_t node;
    ASSERT_EQ(offset >= 0, devicetree_stdout(&tree, &node) == STATUS_OK) << whole;
    if (offset >= 0) {
        ASSERT_EQ(static_cast<uint32_t>(offset), node.path[node.depth]);
    }
}

/* Returns whether both accepted the tree. */
void compare(const std::string &bytes, size_t length, bool *is_accepted)
{
    const Blob blob(bytes, length);
    devicetree_t tree;
    const status_t status = devicetree_open(blob.data(), blob.length(), &tree);
    *is_accepted = status == STATUS_OK;
    if (is_too_old(blob)) {
        ASSERT_EQ(STATUS_UNSUPPORTED, status);
        return; /* libfdt 1.6.1 follows a null pointer in some: fdt_check_full() does not ask what fdt_get_name() says */
    }
    if (status != STATUS_OK && may_wrap(blob)) {
        return;
    }
    const int checked = fdt_check_full(blob.data(), blob.length());
    if (checked == 0 && status != STATUS_OK) {
        ASSERT_TRUE(refuses_more(blob.data())) << "libfdt accepts what we refuse";
        return;
    }
    ASSERT_EQ(checked == 0, status == STATUS_OK) << "libfdt: " << fdt_strerror(checked);
    if (checked == 0) {
        ASSERT_NO_FATAL_FAILURE(expect_same_reservations(tree, blob.data()));
        ASSERT_NO_FATAL_FAILURE(expect_same_nodes(tree, blob.data()));
        ASSERT_NO_FATAL_FAILURE(expect_same_console(tree, blob.data()));
        ASSERT_NO_FATAL_FAILURE(expect_same_map(blob));
    }
}

/* Changes some bytes, near where it matters more often than elsewhere; returns how much of the tree is left. */
size_t damage(std::string *bytes, std::mt19937_64 *random)
{
    static const uint32_t numbers[] = {0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};
    const auto below = [random](uint64_t bound) { return static_cast<size_t>((*random)() % bound); };
    for (size_t count = 1 + below(3); count != 0; count--) {
        const size_t at = below(24) == 0 ? below(40) : below(bytes->size() - 4);
        switch (below(4)) {
        case 0:
            (*bytes)[at] = static_cast<char>((*bytes)[at] ^ (1 << below(8)));
            break;
        case 1:
            (*bytes)[at] = static_cast<char>(below(256));
            break;
        case 2: {
            const uint32_t number = cpu_to_fdt32(numbers[below(std::size(numbers))]);
            std::memcpy(&(*bytes)[at & ~size_t{3}], &number, 4);
            break;
        }
        default: {
            const std::string moved = bytes->substr(below(bytes->size()), 1 + below(64));
            bytes->replace(at, std::min(moved.size(), bytes->size() - at), moved, 0,
                           std::min(moved.size(), bytes->size() - at));
            break;
        }
        }
    }
    return below(8) == 0 ? below(bytes->size()) : bytes->size();
}

std::vector<std::filesystem::path> trees()
{
    std::vector<std::filesystem::path> found;
    const auto follow = std::filesystem::directory_options::follow_directory_symlink;
    for (const auto &entry : std::filesystem::recursive_directory_iterator(boards, follow)) {
        if (entry.path().extension() == ".dtb") {
            found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::string read_file(const std::filesystem::path &path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(DevicetreeOracle, EveryBoardReadsAlike)
{
    const auto found = trees();
    ASSERT_GE(found.size(), 30U);
    RecordProperty("boards", static_cast<int>(found.size()));
    for (const auto &path : found) {
        bool is_accepted = false;
        ASSERT_NO_FATAL_FAILURE(compare(read_file(path), read_file(path).size(), &is_accepted)) << path;
        ASSERT_TRUE(is_accepted) << path;
    }
}

TEST(DevicetreeOracle, EveryDamagedBoardReadsAlikeOrIsRefusedByBoth)
{
    const char *const runs = std::getenv("QUARRY_RUNS");
    const int count = runs == nullptr ? kDamagedUsual : std::atoi(runs);
    int accepted = 0;
    int refused = 0;
    for (const auto &path : trees()) {
        const std::string sound = read_file(path);
        for (int number = 0; number < count; number++) {
            const std::string name = path.filename().string();
            std::seed_seq seed(name.begin(), name.end());
            std::mt19937_64 random(seed);
            random.discard(static_cast<unsigned long long>(number) * 64);
            std::string bytes = sound;
            const size_t length = damage(&bytes, &random);
            bool is_accepted = false;
            ASSERT_NO_FATAL_FAILURE(compare(bytes, length, &is_accepted)) << path << ", damage " << number;
            ++(is_accepted ? accepted : refused);
        }
    }
    RecordProperty("accepted", accepted);
    RecordProperty("refused", refused);
    std::printf("%d damaged trees read alike, %d were refused\n", accepted, refused);
    EXPECT_GT(accepted, 0);
    EXPECT_GT(refused, 0);
}

} // namespace

int main(int argc, char **argv)
{
    ::testing::InitGoogleTest(&argc, argv);
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    boards = argv[1];
    return RUN_ALL_TESTS();
}
