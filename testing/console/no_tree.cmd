# Starts the kernel as a program: with a count and a list of words in its registers, and no device tree.
load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} /Image
go ${kernel_addr_r}
