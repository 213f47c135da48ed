/*
 * System calls about KFS: open, read, readdir, stat, close. A process sees files as the shell does, but writes none.
 */
#include "process_internal.h"

#define READ_PIECE 512u

/* Copies a path of `length` bytes in and ends it. STATUS_INVALID when there is a zero byte in it. */
static status_t copy_path(process_t *process, char path[SYSTEM_PATH_MAX + 1], uint64_t address, uint64_t length)
{
    if (length > SYSTEM_PATH_MAX) {
        return STATUS_OUT_OF_RANGE;
    }
    const status_t status = address_space_copy_in(process->space, path, address, (size_t)length, NULL);
    if (status != STATUS_OK) {
        return status;
    }
    path[length] = '\0';
    return text_length(path) == length ? STATUS_OK : STATUS_INVALID;
}

int64_t process_call_open(process_t *process, const uint64_t *arguments)
{
    char path[SYSTEM_PATH_MAX + 1];
    status_t status = copy_path(process, path, arguments[0], arguments[1]);
    if (status != STATUS_OK) {
        return process_result_of(status);
    }
    open_file_t *file;
    status = process_file_open(process, path, &file);
    return status == STATUS_OK ? process_handle_add(process, (process_handle_t){file, NULL})
                               : process_result_of(status);
}

int64_t process_call_read(process_t *process, const uint64_t *arguments)
{
    process_handle_t handle;
    status_t status = process_handle_get(process, arguments[0], PROCESS_HANDLE_FILE, &handle);
    if (status != STATUS_OK) {
        return process_result_of(status);
    }
    char piece[READ_PIECE];
    const uint64_t length = arguments[3] < SYSTEM_WRITE_MAX ? arguments[3] : SYSTEM_WRITE_MAX;
    uint64_t offset = arguments[1];
    uint64_t done = 0;
    size_t count = 1;
    while (status == STATUS_OK && count != 0 && done < length) {
        const size_t wanted = length - done < READ_PIECE ? (size_t)(length - done) : READ_PIECE;
        status = kfs_read(handle.file->file, offset, piece, wanted, &count);
        if (status == STATUS_OK && count != 0) {
            status = address_space_copy_out(process->space, arguments[2] + done, piece, count, &count);
            offset += count;
            done += count;
        }
    }
    process_handle_put(handle);
    return done != 0 || status == STATUS_OK ? (int64_t)done : process_result_of(status);
}

/* Fills in what the user gets to see of an entry, without a byte that was not written on purpose. */
static void describe(system_entry_t *entry, const kfs_entry_t *from, uint64_t size)
{
    *entry = (system_entry_t){
        .size = size,
        .is_directory = from->is_directory,
        .is_readable = from->is_readable,
        .is_writable = from->is_writable,
    };
    (void)text_print(entry->name, sizeof(entry->name), "%s", from->name);
}

int64_t process_call_readdir(process_t *process, const uint64_t *arguments)
{
    process_handle_t handle;
    status_t status = process_handle_get(process, arguments[0], PROCESS_HANDLE_FILE, &handle);
    if (status != STATUS_OK) {
        return process_result_of(status);
    }
    kfs_entry_t found;
    status = kfs_readdir(handle.file->file, arguments[1], &found);
    process_handle_put(handle);
    if (status == STATUS_OK) {
        system_entry_t entry;
        describe(&entry, &found, 0);
        status = address_space_copy_out(process->space, arguments[2], &entry, sizeof(entry), NULL);
    }
    return process_result_of(status);
}

int64_t process_call_stat(process_t *process, const uint64_t *arguments)
{
    char path[SYSTEM_PATH_MAX + 1];
    kfs_stat_t stat;
    status_t status = copy_path(process, path, arguments[0], arguments[1]);
    if (status == STATUS_OK) {
        status = kfs_stat(process_kfs, path, &stat);
    }
    if (status == STATUS_OK) {
        system_entry_t entry;
        describe(&entry, &stat.entry, stat.size_bytes);
        status = address_space_copy_out(process->space, arguments[2], &entry, sizeof(entry), NULL);
    }
    return process_result_of(status);
}

int64_t process_call_close(process_t *process, const uint64_t *arguments)
{
    return process_result_of(process_handle_close(process, arguments[0]));
}
