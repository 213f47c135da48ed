/*
 * Every message of a check, as a process that dies of it: one test a mistake (mistakes.h).
 *
 * The suites make the same mistakes under a trap, in many more states. Here nothing catches the check: the process must end, and the
 * last that it says must be the exact message.
 */
#include <cstdio>
#include <cstdlib>

#include "testing/host/check_death.h"
#include "testing/host/mistakes.h"
#include "testing/host/world.h"

void mistake_needs(int condition, const char *what)
{
    if (condition == 0) {
        std::fprintf(stderr, "a mistake can't be made: %s\n", what);
        std::exit(2);
    }
}

namespace {

class MistakeTest : public ::testing::Test {
  public:
    explicit MistakeTest(const mistake_t *mistake) : mistake_(mistake)
    {
    }

    void TestBody() override
    {
        EXPECT_CHECK_DEATH(mistake_->make(), mistake_->message);
    }

  private:
    const mistake_t *mistake_;
};

void RegisterAll(const char *suite, const mistake_t *mistakes)
{
    for (const mistake_t *mistake = mistakes; mistake->name != nullptr; mistake++) {
        ::testing::RegisterTest(suite, mistake->name, nullptr, mistake->message, __FILE__, __LINE__,
                                [=]() -> ::testing::Test * { return new MistakeTest(mistake); });
    }
}

} // namespace

int main(int argc, char **argv)
{
    ::testing::InitGoogleTest(&argc, argv);
    /* Each child starts from main(), in a world of its own: with threads about, a fork alone is not safe. */
    ::testing::FLAGS_gtest_death_test_style = "threadsafe";
    world_start();
    RegisterAll("SlabDeathTest", slab_mistakes);
    RegisterAll("PageDeathTest", page_mistakes);
    RegisterAll("SystemDeathTest", system_mistakes);
    RegisterAll("UserDeathTest", user_mistakes);
    RegisterAll("VirtualMemoryDeathTest", vm_mistakes);
    return RUN_ALL_TESTS();
}
