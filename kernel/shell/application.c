/*
 * The application of an image that is a kernel and its shell, and nothing else.
 */
#include "kernel/application.h"

#include "kernel/shell.h"

int kernel_application(void)
{
    return shell_main((shell_command_table_t){NULL, 0});
}
