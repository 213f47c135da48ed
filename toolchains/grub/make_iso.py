"""Packs files into an ISO image that GRUB boots under BIOS and UEFI, from a CD or a disk; the same input gives the same bytes.

    make_iso.py --grub GRUB-MKIMAGE --mtools MTOOLS --xorriso XORRISO --output ISO PATH=FILE ...

What is made, and where firmware looks for it:

    boot/grub/bios.img    El Torito boot image: GRUB's CD loader and its core     BIOS, from a CD
    the first sector      GRUB's hybrid boot record, which loads the same core    BIOS, from a disk
    boot/grub/efi.img     a FAT file system with EFI/BOOT/BOOTX64.EFI             UEFI, from both (El Torito and a GPT partition)

Modules of GRUB are linked into the cores, so the medium carries no folder of them. `tar` reads the disk by which a runner hands
words to the kernel's command line (append.cfg; testing/qemu/machines.py).
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

# Any fixed moment does; this is 2001-09-09 01:46:40 UTC. GRUB, mtools and xorriso take it for "now".
EPOCH = "1000000000"

# Finds the medium that it was loaded from.
FIND_MEDIUM = "search --file --set=root /boot/kernel.elf\nset prefix=($root)/boot/grub\n"

COMMON_MODULES = """
    boot configfile echo iso9660 multiboot2 normal part_gpt part_msdos reboot halt
    search search_fs_file serial tar terminal test
""".split()
BIOS_MODULES = COMMON_MODULES + ["biosdisk", "vga_text"]
EFI_MODULES = COMMON_MODULES + ["efi_gop", "fat"]


def run(words, **options):
    """Runs a tool quietly; what it said comes out when it fails."""
    result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", **options)
    if result.returncode != 0:
        sys.exit("make_iso: %s failed:\n%s" % (" ".join(map(str, words)), result.stdout))


class Maker:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        # The packages' root is two up from the launcher: bin/grub-mkimage.
        self.modules = os.path.join(os.path.dirname(options.grub), "..", "usr", "lib", "grub")
        self.environment = {
            "LC_ALL": "C",
            "MTOOLSRC": "/dev/null",
            "PATH": "/usr/bin:/bin",
            "SOURCE_DATE_EPOCH": EPOCH,
            "TZ": "UTC",
        }

    def core(self, target, modules):
        """GRUB with its modules in one file."""
        config = os.path.join(self.folder, "find_medium.cfg")
        with open(config, "w", encoding="ascii") as file:
            file.write(FIND_MEDIUM)
        core = os.path.join(self.folder, target)
        folder = os.path.join(self.modules, target)
        words = ["--directory", folder, "--format", target, "--prefix", "/boot/grub", "--config", config]
        run([self.options.grub, *words, "--output", core, *modules], env=self.environment)
        return core

    def bios_image(self, path):
        with open(path, "wb") as image:
            for part in (os.path.join(self.modules, "i386-pc", "cdboot.img"), self.core("i386-pc", BIOS_MODULES)):
                with open(part, "rb") as file:
                    shutil.copyfileobj(file, image)

    def efi_image(self, path):
        core = self.core("x86_64-efi", EFI_MODULES)
        os.utime(core, (int(EPOCH), int(EPOCH)))
        kilobytes = os.path.getsize(core) // 1024 + 64
        kilobytes = -(-kilobytes // 32) * 32
        mtools = [self.options.mtools, "-c"]
        run(mtools + ["mformat", "-C", "-i", path, "-T", str(kilobytes * 2), "-h", "1", "-s", "32", "-N", "51554152", "-v", "EFI", "::"],
            env=self.environment)
        run(mtools + ["mmd", "-i", path, "::/EFI", "::/EFI/BOOT"], env=self.environment)
        run(mtools + ["mcopy", "-m", "-i", path, core, "::/EFI/BOOT/BOOTX64.EFI"], env=self.environment)

    def iso(self, tree):
        words = """
            -as mkisofs -quiet -rational-rock -volid QUARRY -uid 0 -gid 0
            -eltorito-boot boot/grub/bios.img -no-emul-boot -boot-load-size 4 -boot-info-table --grub2-boot-info
            --efi-boot boot/grub/efi.img -efi-boot-part --efi-boot-image --protective-msdos-label
        """.split()
        hybrid = ["--grub2-mbr", os.path.join(self.modules, "i386-pc", "boot_hybrid.img")]
        run([self.options.xorriso, *words, *hybrid, "-o", self.options.output, tree], env=self.environment)


def main():
    parser = argparse.ArgumentParser(description="Packs files into an ISO image that GRUB boots.")
    for tool in ("grub", "mtools", "xorriso", "output"):
        parser.add_argument("--" + tool, required=True)
    parser.add_argument("contents", nargs="+", metavar="PATH=FILE")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="quarry-iso-") as folder:
        tree = os.path.join(folder, "tree")
        for entry in options.contents:
            path, _, source = entry.partition("=")
            target = os.path.join(tree, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(source, target)
        maker = Maker(options, folder)
        maker.bios_image(os.path.join(tree, "boot/grub/bios.img"))
        maker.efi_image(os.path.join(tree, "boot/grub/efi.img"))
        for root, folders, files in os.walk(tree):
            for name in folders + files:
                path = os.path.join(root, name)
                os.chmod(path, 0o755 if os.path.isdir(path) else 0o444)
                os.utime(path, (int(EPOCH), int(EPOCH)))
        os.utime(tree, (int(EPOCH), int(EPOCH)))
        maker.iso(tree)


if __name__ == "__main__":
    main()
