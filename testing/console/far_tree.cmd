# Starts the kernel with a sound device tree above the first 4 GiB.
load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} /Image
setenv fdt_high 0xffffffffffffffff
cp.b ${fdtcontroladdr} 0x140000000 0x4000
booti ${kernel_addr_r} - 0x140000000
