/*
 * The image's own programs, by name.
 */
#include "kernel/process.h"
#include "programs.h"

const char *process_program_name(size_t index)
{
    return index < program_count ? program_files[index].name : NULL;
}

static const program_file_t *find(const char *name)
{
    for (size_t index = 0; index < program_count; index++) {
        if (text_equal(program_files[index].name, name)) {
            return &program_files[index];
        }
    }
    return NULL;
}

status_t process_start_program(size_t argument_count, const char *const *arguments, const process_sink_t *sink,
                               bool is_detached, uint32_t *pid)
{
    const program_file_t *const file = argument_count != 0 ? find(arguments[0]) : NULL;
    if (file == NULL) {
        return STATUS_NOT_FOUND;
    }
    const process_request_t request = {
        .name = file->name,
        .bytes = file->bytes,
        .size = (size_t)file->size,
        .machine = (uint16_t)program_machine,
        .argument_count = argument_count,
        .arguments = arguments,
        .sink = sink,
        .is_detached = is_detached,
        .is_file_lasting = true,
    };
    return process_start(&request, pid);
}
