/*
 * The user programs that the image carries: //kernel/process/user:programs defines them.
 */
#ifndef KERNEL_PROCESS_PROGRAMS_H
#define KERNEL_PROCESS_PROGRAMS_H

#include <stdint.h>

typedef struct program_file {
    const char *name;
    const uint8_t *bytes; /* an ELF file */
    uint64_t size;
} program_file_t;

extern const program_file_t program_files[];
extern const uint64_t program_count;
extern const uint64_t program_machine; /* the ELF machine number of this machine's programs */

#endif
