# Starts the kernel in ways that bootloaders should not. The word before the first partition, "bootargs=...", names the way.
#
# U-Boot's own `go` is not among them: this one waits for good until the PL011 has no room for more, and never gets to the program.
if ${devtype} read ${kernel_addr_r} 1 90; then env import -t ${kernel_addr_r} 12000; fi
way=${bootargs}

# A tree to spoil: a copy of the machine's own, in the middle of memory.
tree=0x48000000
image=0x4a000000
if test ${way} = high; then tree=0x148000000; image=0x14a000000; fi
fdt addr ${fdtcontroladdr}
fdt move ${fdtcontroladdr} ${tree} 100000
load ${devtype} ${devnum}:${distro_bootpart} ${image} /Image
if test ${way} = misplaced; then cp.b ${image} 0x4c001000 400000; image=0x4c001000; fi
given=${tree}

fdt set /chosen bootargs run=meminfo
if test ${way} = none; then given=0; fi
if test ${way} = program; then given=1; fi
if test ${way} = program_at_el2; then given=1; fi
if test ${way} = odd; then given=0x48000004; fi
if test ${way} = no_memory_there; then given=0x8000000000; fi
if test ${way} = no_such_address; then given=0x8000000000000; fi
if test ${way} = no_header; then mw.l ${tree} 0; fi
if test ${way} = cut; then mw.l 0x48000004 0x00080000; fi
if test ${way} = no_console; then fdt rm /pl011@9000000; fi
if test ${way} = console_nowhere; then fdt set /pl011@9000000 reg <0x0 0x70000000 0x0 0x1000>; fi
if test ${way} = console_wrong; then fdt set /pl011@9000000 reg <0x0 0x09010000 0x0 0x1000>; fi
if test ${way} = no_cpus; then fdt rm /cpus; fi
if test ${way} = no_psci; then fdt rm /psci; fi
if test ${way} = no_gic; then fdt rm /intc@8000000; fi
if test ${way} = no_memory; then fdt rm /memory@40000000; fi
if test ${way} = memory_wraps; then fdt set /memory@40000000 reg <0xffffffff 0xfffff000 0x0 0x2000>; fi
if test ${way} = memory_short; then fdt set /memory@40000000 reg <0x0 0x40000000>; fi
# Boot itself is content with the lowest memory, which is there; a program gets what is above 4 GiB.
if test ${way} = memory_absent; then
    fdt set /memory@40000000 reg <0x0 0x40000000 0x10 0x0>
    fdt set /chosen bootargs 'run="run hello"'
fi
if test ${way} = high; then fdt set /memory@40000000 reg <0x1 0x0 0x0 0x80000000>; fi

# A kernel of a few instructions, which U-Boot starts as the protocol has it, and which hands over what it should not.
mw.l 0x46000000 0 20
mw.l 0x46000000 0x14000010 # b 0x40
mw.l 0x46000010 0x1000     # the header: size, flags, magic number
mw.l 0x46000018 0xa
mw.l 0x46000038 0x644d5241
mw.l 0x46000040 0xd503201f 8
mw.l 0x46000040 0x58000200 # ldr x0, 0x80
mw.l 0x46000044 0x58000221 # ldr x1, 0x88
mw.l 0x46000060 0xd61f0020 # br x1
mw.q 0x46000080 ${given}
mw.q 0x46000088 ${image}
# As a program is called: with the MMU and caches on, once more with U-Boot's own tables.
if test ${given} = 1; then
    mw.l 0x46000048 0xd5381002 # mrs x2, sctlr_el1
    mw.l 0x4600004c 0xb2400042 # orr x2, x2, #1
    mw.l 0x46000050 0xb27e0042 # orr x2, x2, #4
    mw.l 0x46000054 0xd5181002 # msr sctlr_el1, x2
    mw.l 0x46000058 0xd5033fdf # isb
fi
if test ${way} = program_at_el2; then
    mw.l 0x46000048 0xd53c1002 # mrs x2, sctlr_el2
    mw.l 0x46000054 0xd51c1002 # msr sctlr_el2, x2
fi
booti 0x46000000 - ${fdtcontroladdr}
