"""Packs a kernel and a script into a disk image that U-Boot boots from; the same input gives the same bytes.

    make_disk.py --mtools MTOOLS --script BOOT.CMD --kernel IMAGE --output DISK

    sector 0            a boot record, for its table: one partition, active
    sector 1 ...        zeros: room for words that testing/qemu/machines.py puts there
    sector 2048 ...     a FAT file system with /Image and /boot.scr, where U-Boot's standard boot command looks
"""

import argparse
import os
import struct
import subprocess
import sys
import tempfile
import zlib

SECTOR = 512
FIRST_SECTOR = 2048
MEBIBYTE = 1 << 20
EPOCH = "1000000000"  # any fixed moment does; mtools takes it for "now"

# U-Boot's legacy image format (include/image.h): what `source` takes.
MAGIC = 0x27051956
TYPE_SCRIPT = 6


def script_image(text):
    """A script with the header that U-Boot checks: sums of the header and of the data."""
    data = struct.pack(">II", len(text), 0) + text  # a table of one length

    def header(checksum):
        numbers = (MAGIC, checksum, int(EPOCH), len(data), 0, 0, zlib.crc32(data))
        return struct.pack(">7I4B32s", *numbers, 0, 0, TYPE_SCRIPT, 0, b"boot")

    return header(zlib.crc32(header(0))) + data


def boot_record(sectors):
    """One active FAT partition; block addresses only, which is all that anyone reads today."""
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x0E, b"\xfe\xff\xff", FIRST_SECTOR, sectors)
    return b"QUARRY".ljust(446, b"\0") + entry.ljust(64, b"\0") + b"\x55\xaa"


def run(words):
    environment = {"LC_ALL": "C", "MTOOLSRC": os.devnull, "PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": EPOCH, "TZ": "UTC"}
    result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", env=environment)
    if result.returncode != 0:
        sys.exit("make_disk: %s failed:\n%s" % (" ".join(words), result.stdout))


def main():
    parser = argparse.ArgumentParser(description="Packs a disk image that U-Boot boots from.")
    for name in ("mtools", "script", "kernel", "output"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()

    with open(options.kernel, "rb") as file:
        kernel = file.read()
    with open(options.script, "rb") as file:
        script = file.read()
    size = (len(kernel) + MEBIBYTE - 1) // MEBIBYTE * MEBIBYTE + 4 * MEBIBYTE
    with tempfile.TemporaryDirectory(prefix="quarry-disk-") as folder:
        partition = os.path.join(folder, "partition")
        mtools = [options.mtools, "-c"]
        geometry = ["-T", str(size // SECTOR), "-h", "16", "-s", "63", "-H", str(FIRST_SECTOR)]
        run(mtools + ["mformat", "-C", "-i", partition, *geometry, "-N", "51554152", "-v", "QUARRY", "::"])
        for name, contents in (("Image", kernel), ("boot.scr", script_image(script))):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(contents)
            os.utime(path, (int(EPOCH), int(EPOCH)))
            run(mtools + ["mcopy", "-m", "-i", partition, path, "::/" + name])
        with open(partition, "rb") as file:
            contents = file.read()
    with open(options.output, "wb") as file:
        file.write(boot_record(size // SECTOR).ljust(FIRST_SECTOR * SECTOR, b"\0"))
        file.write(contents.ljust(size, b"\0"))


if __name__ == "__main__":
    main()
