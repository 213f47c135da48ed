/*
 * The malloc family's promises (family.h), function by function, and its behaviour under threads, forks and misuse.
 *
 * Under the names quarry_malloc and so on, in a program whose own malloc is another: so it runs with sanitizers, too.
 */
#include "testing/preload/family.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <random>
#include <thread>
#include <vector>

#include "testing/preload/test_block.h"
#include "gtest/gtest.h"

namespace {

constexpr size_t kTooMuch = static_cast<size_t>(PTRDIFF_MAX) + 1;
constexpr size_t kPage = 4096;

bool IsAligned(const void *block, size_t alignment)
{
    return reinterpret_cast<uintptr_t>(block) % alignment == 0;
}

/* Sizes around every class, every length of large blocks, and some far apart. */
std::vector<size_t> InterestingSizes()
{
    std::vector<size_t> sizes = {0, 1, 2, 3};
    for (size_t size = 16; size <= size_t{8} << 20; size += size / 8) {
        sizes.insert(sizes.end(), {size - 1, size, size + 1});
    }
    return sizes;
}

TEST(Family, EverySizeIsAlignedUsableAndDisjoint)
{
    std::vector<Block> blocks;
    for (const size_t size : InterestingSizes()) {
        auto *const bytes = static_cast<unsigned char *>(quarry_malloc(size));
        ASSERT_NE(bytes, nullptr) << size;
        EXPECT_TRUE(IsAligned(bytes, 16)) << size;
        const size_t usable = quarry_malloc_usable_size(bytes);
        EXPECT_GE(usable, size);
        EXPECT_LE(usable, size <= 16 ? 16 : size <= kPage ? 2 * size : size + size / 2 + kPage) << size;
        blocks.push_back({bytes, usable, static_cast<unsigned char>(blocks.size())});
        blocks.back().Fill();
    }
    for (const Block &block : blocks) {
        EXPECT_EQ(block.CountWrong(block.size), 0u);
        quarry_free(block.bytes);
    }
    quarry_free(nullptr);
    EXPECT_EQ(quarry_malloc_usable_size(nullptr), 0u);
}

TEST(Family, CallocClearsWhatWasUsedBefore)
{
    for (int round = 0; round < 3; round++) {
        for (const size_t size : InterestingSizes()) {
            auto *const bytes = static_cast<unsigned char *>(quarry_calloc(1, size));
            ASSERT_NE(bytes, nullptr);
            EXPECT_EQ((Block{bytes, size, 0}.CountWrong(size)), 0u) << size;
            memset(bytes, 0xa5, size);
            quarry_free(bytes);
        }
        quarry_malloc_trim(0);
    }
}

TEST(Family, WhatCannotBeHadIsRefusedWithErrno)
{
    void *const block = quarry_malloc(100);
    void *const large = quarry_malloc(100000);
    volatile size_t most = SIZE_MAX; /* not known while compiling */
    const auto refused = [](void *result) {
        const bool is_refused = result == nullptr && errno == ENOMEM;
        errno = 0;
        return is_refused;
    };
    errno = 0;
    EXPECT_TRUE(refused(quarry_malloc(most)));
    EXPECT_TRUE(refused(quarry_malloc(kTooMuch)));
    EXPECT_TRUE(refused(quarry_malloc(PTRDIFF_MAX))); /* within the rules, but not within the range */
    EXPECT_TRUE(refused(quarry_calloc(most, 2)));
    EXPECT_TRUE(refused(quarry_calloc(most / 2, 3)));
    EXPECT_TRUE(refused(quarry_calloc(1, most)));
    EXPECT_TRUE(refused(quarry_realloc(nullptr, most)));
    EXPECT_TRUE(refused(quarry_realloc(block, most)));
    EXPECT_TRUE(refused(quarry_realloc(large, kTooMuch)));
    EXPECT_TRUE(refused(quarry_realloc(large, PTRDIFF_MAX)));
    EXPECT_TRUE(refused(quarry_reallocarray(block, most, 2)));
    EXPECT_TRUE(refused(quarry_reallocarray(nullptr, most / 4, 8)));
    EXPECT_TRUE(refused(quarry_memalign(64, most)));
    EXPECT_TRUE(refused(quarry_memalign(65536, most - 100000)));
    EXPECT_TRUE(refused(quarry_aligned_alloc(16, kTooMuch)));
    EXPECT_TRUE(refused(quarry_valloc(most)));
    EXPECT_TRUE(refused(quarry_pvalloc(most)));
    quarry_free(block);
    quarry_free(large);
}

TEST(Family, AlignmentsAreKept)
{
    std::vector<void *> blocks;
    for (size_t alignment = 1; alignment <= size_t{64} << 20; alignment *= 2) {
        for (const size_t size : {size_t{0}, size_t{1}, alignment - 1, alignment, alignment + 1, size_t{5000}}) {
            void *block = quarry_aligned_alloc(alignment, size);
            ASSERT_NE(block, nullptr) << alignment;
            EXPECT_TRUE(IsAligned(block, alignment));
            EXPECT_GE(quarry_malloc_usable_size(block), size);
            blocks.push_back(block);
            block = quarry_memalign(alignment, size);
            EXPECT_TRUE(block != nullptr && IsAligned(block, alignment));
            blocks.push_back(block);
            if (alignment >= sizeof(void *)) {
                ASSERT_EQ(quarry_posix_memalign(&block, alignment, size), 0);
                EXPECT_TRUE(IsAligned(block, alignment));
                blocks.push_back(block);
            }
        }
    }
    for (void *const block : blocks) {
        quarry_free(block);
    }
}

TEST(Family, AlignmentsThatAreNoneAreRefused)
{
    void *block = &block;
    errno = 7;
    EXPECT_EQ(quarry_posix_memalign(&block, 0, 8), EINVAL);
    EXPECT_EQ(quarry_posix_memalign(&block, 4, 8), EINVAL);
    EXPECT_EQ(quarry_posix_memalign(&block, 24, 8), EINVAL);
    EXPECT_EQ(quarry_posix_memalign(&block, 64, kTooMuch), ENOMEM);
    EXPECT_EQ(errno, 7) << "posix_memalign leaves errno alone";
    EXPECT_EQ(block, static_cast<void *>(&block)) << "and the result, when there is none";
    EXPECT_EQ(quarry_aligned_alloc(0, 8), nullptr);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(quarry_aligned_alloc(48, 96), nullptr);
    errno = 0;
    EXPECT_EQ(quarry_memalign(kTooMuch + 1, 8), nullptr);
    EXPECT_EQ(errno, EINVAL);
    block = quarry_memalign(48, 96); /* glibc's takes the next power of two */
    EXPECT_TRUE(IsAligned(block, 64));
    quarry_free(block);
    block = quarry_valloc(10);
    EXPECT_TRUE(IsAligned(block, kPage));
    quarry_free(block);
    block = quarry_pvalloc(kPage + 1);
    EXPECT_GE(quarry_malloc_usable_size(block), 2 * kPage);
    quarry_free(block);
}

TEST(Family, ReallocKeepsContentsWhateverTheSizes)
{
    std::mt19937 random(1);
    const std::vector<size_t> sizes = InterestingSizes();
    for (int chain = 0; chain < 40; chain++) {
        Block block = {nullptr, 0, static_cast<unsigned char>(chain + 1)};
        for (int step = 0; step < 12; step++) {
            const size_t size = sizes[random() % sizes.size()] + 1;
            auto *const bytes = static_cast<unsigned char *>(quarry_realloc(block.bytes, size));
            ASSERT_NE(bytes, nullptr);
            const size_t kept = block.size;
            block = {bytes, size, block.seed};
            ASSERT_EQ(block.CountWrong(kept), 0u) << kept << " to " << size;
            ASSERT_GE(quarry_malloc_usable_size(bytes), size);
            block.Fill();
        }
        EXPECT_EQ(quarry_realloc(block.bytes, 0), nullptr);
    }
}

TEST(Family, ARunThatGrewByMovingAndShrankIsWhole)
{
    for (int round = 0; round < 4; round++) {
        Block block = {nullptr, 0, 0x77};
        for (size_t size = size_t{1} << 18; size < size_t{24} << 20; size += size / 3) {
            block.bytes = static_cast<unsigned char *>(quarry_realloc(block.bytes, size));
            ASSERT_NE(block.bytes, nullptr);
            ASSERT_EQ(block.CountWrong(block.size), 0u);
            block.size = size;
            block.Fill();
        }
        for (size_t size = block.size; size > 5000; size -= size / 3) {
            block.bytes = static_cast<unsigned char *>(quarry_realloc(block.bytes, size));
            block.size = size;
            ASSERT_EQ(block.CountWrong(size), 0u);
        }
        quarry_free(block.bytes);
        auto *const fresh = static_cast<unsigned char *>(quarry_calloc(1, size_t{24} << 20));
        EXPECT_EQ((Block{fresh, size_t{24} << 20, 0}.CountWrong(SIZE_MAX)), 0u);
        quarry_free(fresh);
    }
}

/* Random operations on a table of blocks that other threads use, too. */
class Table {
  public:
    void Run(unsigned seed, int steps)
    {
        std::mt19937 random(seed);
        for (int step = 0; step < steps; step++) {
            const size_t size = sizeof(size_t) + Size(random);
            auto *bytes = static_cast<unsigned char *>(step % 7 == 0 ? quarry_calloc(size, 1) : quarry_malloc(size));
            ASSERT_NE(bytes, nullptr);
            memcpy(bytes, &size, sizeof size);
            bytes[size - 1] = static_cast<unsigned char>(size);
            if (sizeof size == size) {
                memcpy(bytes, &size, sizeof size);
            }
            bytes = slots_[random() % kSlots].exchange(bytes);
            if (step % 4 == 0) {
                bytes = slots_[random() % kSlots].exchange(Resize(bytes, sizeof size + Size(random)));
            }
            Release(bytes);
        }
    }
    void Clear()
    {
        for (auto &slot : slots_) {
            Release(slot.exchange(nullptr));
        }
    }
    /* For a child, in which nobody else runs. */
    bool IsSound() const
    {
        for (const auto &slot : slots_) {
            if (!IsWhole(slot.load())) {
                return false;
            }
        }
        return true;
    }

  private:
    static constexpr size_t kSlots = 2000;

    static size_t Size(std::mt19937 &random)
    {
        const unsigned kind = random() % 100;
        return random() % (kind < 80 ? 400 : kind < 95 ? 9000 : kind < 99 ? 200000 : 2000000);
    }
    static bool IsWhole(const unsigned char *bytes)
    {
        size_t size;
        if (bytes == nullptr) {
            return true;
        }
        memcpy(&size, bytes, sizeof size);
        return size == sizeof size || bytes[size - 1] == static_cast<unsigned char>(size);
    }
    static unsigned char *Resize(unsigned char *bytes, size_t size)
    {
        EXPECT_TRUE(IsWhole(bytes));
        size_t before = size;
        if (bytes != nullptr) {
            memcpy(&before, bytes, sizeof before);
        }
        const unsigned char last = bytes == nullptr ? 0 : bytes[before - 1];
        bytes = static_cast<unsigned char *>(quarry_realloc(bytes, size));
        if (bytes == nullptr) {
            ADD_FAILURE() << "no memory for " << size;
            return nullptr;
        }
        if (before < size && before != sizeof before) {
            EXPECT_EQ(bytes[before - 1], last);
        }
        memcpy(bytes, &size, sizeof size);
        if (size != sizeof size) {
            bytes[size - 1] = static_cast<unsigned char>(size);
        }
        return bytes;
    }
    static void Release(unsigned char *bytes)
    {
        EXPECT_TRUE(IsWhole(bytes));
        quarry_free(bytes);
    }

    std::atomic<unsigned char *> slots_[kSlots] = {};
};

TEST(Family, ThreadsFreeWhatOthersAllocated)
{
    Table table;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; i++) {
        threads.emplace_back([&table, i] { table.Run(i, 20000); });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    table.Clear();
}

TEST(Family, TenThousandThreadsComeAndGo)
{
    Table table;
    for (unsigned round = 0; round < 2500; round++) {
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < 4; i++) {
            threads.emplace_back([&table, round, i] { table.Run(4 * round + i, 5); });
        }
        for (std::thread &thread : threads) {
            thread.join();
        }
    }
    table.Clear();
}

/* More at once than there are contexts: the others share one. */
TEST(Family, SixHundredThreadsAtOnce)
{
    Table table;
    std::atomic<unsigned> ready = 0;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 600; i++) {
        threads.emplace_back([&table, &ready, i] {
            table.Run(i, 5);
            ready++;
            while (ready < 600) {
                std::this_thread::yield();
            }
            table.Run(i, 20);
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    table.Clear();
}

pthread_key_t late_key;

/* ThreadSanitizer's runtime ends a thread in the last round, and can watch nothing after that. */
#if defined(__has_feature) && __has_feature(thread_sanitizer)
constexpr int kRounds = PTHREAD_DESTRUCTOR_ITERATIONS - 1;
#else
constexpr int kRounds = PTHREAD_DESTRUCTOR_ITERATIONS;
#endif

/* Allocates in every round of destructors that there is, and frees what the round before left. */
void AllocateLate(void *block)
{
    static thread_local int rounds;
    quarry_free(block);
    quarry_free(quarry_realloc(quarry_malloc(100000), 300000));
    rounds++;
    if (rounds < kRounds && pthread_setspecific(late_key, quarry_malloc(200)) != 0) {
        abort();
    }
}

TEST(Family, DestructorsOfThreadsMayAllocate)
{
    ASSERT_EQ(pthread_key_create(&late_key, AllocateLate), 0);
    for (int i = 0; i < 50; i++) {
        std::thread([] { ASSERT_EQ(pthread_setspecific(late_key, quarry_malloc(10)), 0); }).join();
    }
    ASSERT_EQ(pthread_key_delete(late_key), 0);
}

TEST(Family, AChildOfAThreadedProgramHasAWholeHeap)
{
    Table table;
    std::atomic<bool> is_over = false;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 3; i++) {
        threads.emplace_back([&table, &is_over, i] {
            for (unsigned round = 0; !is_over; round++) {
                table.Run(100 * i + round, 200);
            }
        });
    }
    for (int i = 0; i < 30; i++) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(60); /* a lock that nobody will let go of ends the child by a signal */
            const bool is_sound = table.IsSound();
            table.Run(static_cast<unsigned>(i), 300);
            table.Clear();
            _exit(is_sound && !testing::Test::HasFailure() ? 0 : 1);
        }
        int status = -1;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    }
    is_over = true;
    for (std::thread &thread : threads) {
        thread.join();
    }
    table.Clear();
}

TEST(FamilyDeathTest, MisuseIsToldAndEndsTheProgram)
{
    const auto dies_of = [](const char *message, void (*mistake)()) {
        EXPECT_EXIT(mistake(), testing::KilledBySignal(SIGABRT), message);
    };
    dies_of("double free", [] {
        void *const block = quarry_malloc(50);
        quarry_free(block);
        quarry_free(block);
    });
    dies_of("double free", [] {
        void *const block = quarry_malloc(50000);
        quarry_free(block);
        quarry_free(block);
    });
    dies_of("double free", [] {
        void *const block = quarry_malloc(size_t{20} << 20);
        quarry_free(block);
        quarry_free(block);
    });
    dies_of("double free", [] {
        void *const block = quarry_malloc(50);
        quarry_free(block);
        quarry_free(quarry_realloc(block, 5000));
        quarry_free(block);
    });
    dies_of("free of a misaligned pointer", [] { quarry_free(static_cast<char *>(quarry_malloc(50)) + 8); });
    dies_of("free of a misaligned pointer", [] { quarry_free(static_cast<char *>(quarry_malloc(50000)) + 8); });
    dies_of("free of a foreign pointer", [] {
        int on_the_stack;
        quarry_free(&on_the_stack);
    });
    dies_of("free of a foreign pointer", [] {
        static int nobodys;
        void *volatile pointer = &nobodys;
        pointer = quarry_realloc(pointer, 100);
    });
}

} // namespace
