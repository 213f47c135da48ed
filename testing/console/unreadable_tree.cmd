# Starts the kernel as firmware would, with hart 0 in a0, and in a1 the start of memory, where OpenSBI keeps everybody out. What the
# words are:
#
#   li a0, 0   lui a1, 0x80000   slli a1, a1, 32   srli a1, a1, 32   lui t0, 0x84000   slli t0, t0, 32   srli t0, t0, 32
#   fence.i    jr t0
load ${devtype} ${devnum}:${distro_bootpart} 0x84000000 /Image
mw.l 0x83000000 0x00000513
mw.l 0x83000004 0x800005b7
mw.l 0x83000008 0x02059593
mw.l 0x8300000c 0x0205d593
mw.l 0x83000010 0x840002b7
mw.l 0x83000014 0x02029293
mw.l 0x83000018 0x0202d293
mw.l 0x8300001c 0x0000100f
mw.l 0x83000020 0x00028067
go 0x83000000
