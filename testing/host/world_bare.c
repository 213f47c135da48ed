/*
 * A world without allocators, for suites that test what needs none.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "host.h"
#include "testing/host/world.h"

void world_start(void)
{
    if (host_start(MIB(64)) != STATUS_OK) {
        fprintf(stderr, "the system refuses 64 MiB of address space\n");
        exit(2);
    }
}
