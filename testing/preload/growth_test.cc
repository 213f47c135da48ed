/*
 * realloc: buffers that grow, shrink and grow again, alone and by turns, with others between, and without memory.
 *
 * Under the names quarry_malloc and so on, as family_test.cc.
 */
#include "testing/preload/family.h"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "testing/preload/test_block.h"
#include "gtest/gtest.h"

namespace {

constexpr size_t kPage = 4096;

/* Faster than byte by byte, where everything is watched. */
bool IsFilled(const unsigned char *bytes, size_t size, unsigned char seed)
{
    return size == 0 || (bytes[0] == seed && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* A buffer that checks, each time it gets another size, that its contents came along. */
class Buffer {
  public:
    explicit Buffer(unsigned char seed) : seed_(seed)
    {
    }
    Buffer(const Buffer &) = delete;
    Buffer &operator=(const Buffer &) = delete;
    ~Buffer()
    {
        quarry_free(bytes_);
    }
    void Resize(size_t size)
    {
        auto *const bytes = static_cast<unsigned char *>(quarry_realloc(bytes_, size));
        ASSERT_NE(bytes, nullptr) << size;
        moves_ += bytes != bytes_ && bytes_ != nullptr;
        bytes_ = bytes;
        const size_t kept = size < size_ ? size : size_;
        ASSERT_TRUE(IsFilled(bytes_, kept, seed_)) << size_ << " to " << size;
        const size_t usable = quarry_malloc_usable_size(bytes_);
        ASSERT_GE(usable, size);
        ASSERT_LE(usable, size <= 16 ? 16 : 2 * size + 4 * kPage) << "room to grow is not a block's";
        memset(bytes_ + kept, seed_, size - kept);
        size_ = size;
    }
    void GrowTo(size_t size)
    {
        while (size_ < size) {
            const size_t next = size_ < 16 ? 16 : size_ + size_ / 4;
            Resize(next < size ? next : size);
        }
    }
    unsigned char *Release()
    {
        unsigned char *const bytes = bytes_;
        bytes_ = nullptr;
        return bytes;
    }
    size_t size() const
    {
        return size_;
    }
    int moves() const
    {
        return moves_;
    }

  private:
    unsigned char *bytes_ = nullptr;
    size_t size_ = 0;
    unsigned char seed_;
    int moves_ = 0;
};

/* In a thread of its own each, so that what earlier tests left in a cache does not matter. */
void InAThread(void (*body)())
{
    std::thread(body).join();
}

TEST(Growth, ABufferThatWasGrownBeforeGrowsWhereItIs)
{
    InAThread([] {
        for (int round = 0; round < 10; round++) {
            Buffer buffer(static_cast<unsigned char>(round + 1));
            buffer.GrowTo(5000);
            const int moves = buffer.moves();
            buffer.GrowTo(size_t{1} << 20);
            if (round > 5) {
                EXPECT_EQ(buffer.moves(), moves);
            }
        }
    });
}

TEST(Growth, BuffersThatGrowByTurnsKeepTheirRooms)
{
    InAThread([] {
        for (int round = 0; round < 4; round++) {
            Buffer one(1);
            Buffer two(2);
            Buffer three(3);
            for (size_t size = 5000; size < 1000000; size += size / 8) {
                one.Resize(size);
                two.Resize(size + 3000);
                three.Resize(size + 9000);
            }
            if (round > 1) {
                EXPECT_LE(one.moves() + two.moves() + three.moves(), 3 * 7);
            }
        }
    });
}

TEST(Growth, MoreBuffersThanRoomsGrowAllTheSame)
{
    InAThread([] {
        std::vector<std::unique_ptr<Buffer>> buffers;
        for (int i = 0; i < 20; i++) {
            buffers.push_back(std::make_unique<Buffer>(static_cast<unsigned char>(i + 1)));
        }
        for (size_t size = 10; size < 700000; size += size / 3) {
            for (auto &buffer : buffers) {
                buffer->Resize(size);
            }
        }
    });
}

TEST(Growth, OtherAllocationsBetweenStayWhatTheyWere)
{
    InAThread([] {
        std::mt19937 random(3);
        std::vector<Block> others;
        for (int round = 0; round < 10; round++) {
            Buffer buffer(static_cast<unsigned char>(round + 100));
            for (size_t size = 100; size < 3000000; size += size / 5) {
                buffer.Resize(size);
                const size_t other = 1 + random() % (random() % 2 == 0 ? 5000 : 150000);
                others.push_back({static_cast<unsigned char *>(quarry_malloc(other)), other,
                                  static_cast<unsigned char>(others.size())});
                ASSERT_NE(others.back().bytes, nullptr);
                others.back().Fill();
                if (random() % 3 == 0) {
                    std::swap(others[random() % others.size()], others.back());
                    EXPECT_EQ(others.back().CountWrong(SIZE_MAX), 0u);
                    quarry_free(others.back().bytes);
                    others.pop_back();
                }
            }
        }
        for (const Block &block : others) {
            EXPECT_EQ(block.CountWrong(SIZE_MAX), 0u);
            quarry_free(block.bytes);
        }
    });
}

TEST(Growth, WhatShrinksGivesBackAndGrowsAgain)
{
    InAThread([] {
        std::mt19937 random(4);
        Buffer one(1);
        Buffer two(2);
        for (int round = 0; round < 60; round++) {
            Buffer &buffer = random() % 2 == 0 ? one : two;
            buffer.GrowTo(size_t{1} << (12 + random() % 11));
            buffer.Resize(1 + random() % buffer.size());
        }
    });
}

TEST(Growth, UpTo64MebibytesAndDown)
{
    Buffer one(1);
    Buffer two(2);
    for (int round = 0; round < 2; round++) {
        one.GrowTo(size_t{64} << 20);
        two.GrowTo(size_t{20} << 20);
        one.Resize(size_t{5} << 20);
        two.Resize(100);
        one.Resize(5000);
    }
}

/*
 * What stays short after longer ones were grown and freed keeps none of their room: short blocks stand together, so that
 * they keep few blocks of 64 pages from being given back. Whatever pattern was learned before.
 */
TEST(Growth, BlocksThatStayShortStayTogether)
{
    for (const int cycles : {1, 6, 20}) {
        std::set<uintptr_t> places;
        std::vector<unsigned char *> blocks;
        for (int i = 0; i < 100; i++) {
            for (int cycle = 0; cycle < cycles; cycle++) {
                Buffer(1).GrowTo(700000);
            }
            Buffer kept(2);
            kept.GrowTo(8000);
            blocks.push_back(kept.Release());
            places.insert(reinterpret_cast<uintptr_t>(blocks.back()) / (64 * kPage));
        }
        EXPECT_LT(places.size(), blocks.size() / 4) << cycles;
        for (unsigned char *const block : blocks) {
            quarry_free(block);
        }
    }
}

/* Another thread may grow, shrink or free a block that has a room here, while its neighbour here goes on. */
TEST(Growth, ABlockWithRoomMayGoToAnotherThread)
{
    std::vector<Block> given;
    for (int round = 0; round < 50; round++) {
        Buffer buffer(static_cast<unsigned char>(round));
        buffer.GrowTo(40000);
        given.push_back({buffer.Release(), 40000, static_cast<unsigned char>(round)});
        if (round % 2 == 0) {
            std::thread other([block = given.back(), round] {
                auto *const bytes =
                    static_cast<unsigned char *>(quarry_realloc(block.bytes, round % 4 == 0 ? 9000 : 90000));
                const size_t kept = round % 4 == 0 ? 9000 : 40000;
                EXPECT_EQ((Block{bytes, kept, block.seed}.CountWrong(SIZE_MAX)), 0u);
                quarry_free(bytes);
            });
            Buffer(7).GrowTo(60000);
            other.join();
            given.pop_back();
        }
    }
    for (const Block &block : given) {
        EXPECT_EQ(block.CountWrong(SIZE_MAX), 0u);
        quarry_free(block.bytes);
    }
}

/* Lets the process have no more than 48 MiB beyond what it has: less than one step of the arena's. */
bool LimitMemory()
{
    uint64_t size;
    uint64_t resident;
    uint64_t shared;
    uint64_t text;
    uint64_t none;
    uint64_t data;
    std::FILE *const file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr ||
        std::fscanf(file, "%lu %lu %lu %lu %lu %lu", &size, &resident, &shared, &text, &none, &data) != 6) {
        return false;
    }
    std::fclose(file);
    const rlimit limit = {data * kPage + (size_t{48} << 20), RLIM_INFINITY};
    return setrlimit(RLIMIT_DATA, &limit) == 0;
}

/* In a child that may have little more memory than it has: growth ends by NULL, with the block as it was. */
TEST(Growth, WithoutMemoryTheOldBlockStays)
{
#if defined(__has_feature) && __has_feature(thread_sanitizer)
    GTEST_SKIP() << "its runtime ends a program without memory";
#endif
    for (const size_t size : {size_t{100}, size_t{4096}, size_t{5000}, size_t{300000}, size_t{30} << 20}) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(60);
            Block block = {static_cast<unsigned char *>(quarry_malloc(size)), size, 0x3c};
            block.Fill();
            if (!LimitMemory()) {
                _exit(2);
            }
            int refusals = 0;
            for (size_t wanted = 2 * size; wanted < size_t{1} << 50; wanted *= 4) {
                errno = 0;
                auto *const bytes = static_cast<unsigned char *>(quarry_realloc(block.bytes, wanted));
                if (bytes == nullptr && errno != ENOMEM) {
                    _exit(3);
                }
                refusals += bytes == nullptr;
                block.bytes = bytes == nullptr ? block.bytes : bytes;
                if (!IsFilled(block.bytes, size, block.seed) || quarry_malloc_usable_size(block.bytes) < size) {
                    _exit(4);
                }
            }
            block.bytes = static_cast<unsigned char *>(quarry_realloc(block.bytes, 50));
            if (block.bytes == nullptr || block.CountWrong(50) != 0 || refusals == 0) {
                _exit(5);
            }
            quarry_free(block.bytes);
            _exit(0);
        }
        int status = -1;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status << ", from " << size;
    }
}

} // namespace
