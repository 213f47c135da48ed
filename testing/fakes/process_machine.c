/*
 * Processes in an image: its boot has set them up.
 */
#include "testing/models/process_world.h"

void process_world_boot(void)
{
}
