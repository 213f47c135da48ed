# What U-Boot does with the disk that it finds this script on: load the kernel and start it, with the machine's own device tree.
# Whoever starts the machine may have put words for the kernel's command line before the first partition, as
# "bootargs=...": 64 KiB and a little at most, ended by a zero byte.
if ${devtype} read ${kernel_addr_r} 1 90; then env import -t ${kernel_addr_r} 12000; fi
load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} /Image
booti ${kernel_addr_r} - ${fdtcontroladdr}
