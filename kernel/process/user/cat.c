/* Shows KFS files, and lists directories, as the shell does: statistics are for user programs, too. */
#include "quarry.h"

static int fail(const char *path, int64_t result)
{
    quarry_print("cat: ");
    return quarry_failed(path, "can't be read", result);
}

static void list(int64_t handle)
{
    system_entry_t entry;
    int64_t result = 0;
    for (uint64_t index = 0; result >= 0; index++) {
        result = quarry_readdir(handle, index, &entry);
        if (result >= 0) {
            quarry_print(entry.name);
            quarry_print(entry.is_directory ? "/\n" : "\n");
        }
    }
}

static int show(const char *path, int64_t handle)
{
    char buffer[256];
    uint64_t offset = 0;
    for (;;) {
        const int64_t count = quarry_read(handle, offset, buffer, sizeof(buffer));
        if (count < 0) {
            return fail(path, count);
        }
        if (count == 0) {
            return 0;
        }
        (void)quarry_write(buffer, (size_t)count);
        offset += (uint64_t)count;
    }
}

int main(int count, char **arguments)
{
    int status = 0;
    for (int index = 1; index < count; index++) {
        system_entry_t entry;
        int64_t result = quarry_stat(arguments[index], &entry);
        if (result >= 0) {
            result = quarry_open(arguments[index]);
        }
        if (result < 0) {
            status = fail(arguments[index], result);
            continue;
        }
        if (entry.is_directory) {
            list(result);
        } else {
            status |= show(arguments[index], result);
        }
        (void)quarry_close(result);
    }
    return status;
}
