/*
 * Processes on the host: what an image's boot has done by the time that tests run.
 */
#include "arch/cpu_jobs.h"
#include "fs/kfs.h"
#include "mm/vm.h"
#include "testing/models/process_world.h"

void process_world_boot(void)
{
    static bool is_booted;
    if (is_booted) {
        return;
    }
    const status_t status = vm_init();
    CHECK(status == STATUS_OK || status == STATUS_EXISTS, "no virtual memory for processes");
    kfs_init(&kfs_kernel);
    CHECK(process_init(&kfs_kernel) == STATUS_OK, "no processes");
    cpu_jobs_set_idle_work(process_idle_work);
    is_booted = true;
}
