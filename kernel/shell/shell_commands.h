/*
 * The shell's own commands, a table for each file of them.
 */
#ifndef KERNEL_SHELL_SHELL_COMMANDS_H
#define KERNEL_SHELL_SHELL_COMMANDS_H

#include "kernel/shell.h"

extern const shell_command_table_t shell_file_commands;    /* shell_files.c */
extern const shell_command_table_t shell_memory_commands;  /* shell_memory.c */
extern const shell_command_table_t shell_process_commands; /* shell_process.c, in images only */
extern const shell_command_table_t shell_stress_commands;  /* shell_stress.c */
extern const shell_command_table_t shell_system_commands;  /* shell_system.c */

/* Completes the word at the cursor: a command where one is expected, otherwise a path. For line_editor_config_t. */
struct line_editor;
void shell_complete(void *context, struct line_editor *editor);

#endif
