/*
 * A tree under test, for C++.
 */
#ifndef TESTING_ORACLE_BLOB_H
#define TESTING_ORACLE_BLOB_H

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

/*
 * Bytes with nothing readable behind them, so that the sanitizers see the first byte too many; aligned as libfdt asks.
 */
class Blob {
  public:
    Blob(const std::string &bytes, size_t length) : length_(length), bytes_(std::malloc(length == 0 ? 1 : length))
    {
        std::memcpy(bytes_, bytes.data(), length);
    }
    ~Blob()
    {
        std::free(bytes_);
    }
    Blob(const Blob &) = delete;
    Blob &operator=(const Blob &) = delete;

    const void *data() const
    {
        return bytes_;
    }
    size_t length() const
    {
        return length_;
    }

  private:
    size_t length_;
    void *bytes_;
};

/* Expects that the kernel makes the memory map and the command line of a sound tree that a user of libfdt would. */
void expect_same_map(const Blob &blob);

/* Whether a node's `status` lets it be used, by libfdt. */
bool is_available(const void *fdt, int node);

#endif
