/*
 * Death tests for CHECK messages: that a mistake, made without any trap, ends the process with exactly its message.
 *
 *     TEST(SlabDeathTest, DoubleFree)
 *     {
 *         EXPECT_CHECK_DEATH(FreeTwice(), "double free");
 *     }
 *
 * The test program's main() is the adapter's, so the child starts in a world of its own.
 */
#ifndef TESTING_HOST_CHECK_DEATH_H
#define TESTING_HOST_CHECK_DEATH_H

#include <string>

#include "gtest/gtest.h"

/* A pattern (POSIX extended) for the line that arch/host/report.c prints for a failed check. */
inline std::string CheckDeathPattern(const std::string &message)
{
    std::string pattern = "check failed: ";
    for (const char character : message) {
        if (std::string(".[]{}()*+?^$|\\").find(character) != std::string::npos) {
            pattern += '\\';
        }
        pattern += character;
    }
    return pattern + "\n";
}

#define EXPECT_CHECK_DEATH(statement, message) EXPECT_DEATH(statement, CheckDeathPattern(message))

#endif
