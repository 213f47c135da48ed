"""u_boot_disk: packs a kernel image into a disk that U-Boot boots from, by its standard boot command.

    u_boot_disk(
        name = "disk_aarch64",
        image = "//kernel:image_aarch64",
        script = "//kernel:media/boot.cmd",
    )

makes disk_aarch64.disk: a FAT file system with /Image, and `script` as /boot.scr. The same inputs give the same bytes.
"""

load("//toolchains:kernel_image.bzl", "KernelImageInfo")

def _u_boot_disk_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".disk")
    kernel = ctx.attr.image[KernelImageInfo].bootable
    arguments = ctx.actions.args()
    arguments.add("--mtools", ctx.file._mtools)
    arguments.add("--script", ctx.file.script)
    arguments.add("--kernel", kernel)
    arguments.add("--output", output)
    ctx.actions.run(
        executable = ctx.executable._make_disk,
        arguments = [arguments],
        inputs = depset([kernel, ctx.file.script], transitive = [ctx.attr._grub[DefaultInfo].files]),
        outputs = [output],
        mnemonic = "UBootDisk",
        progress_message = "Packing " + str(ctx.label),
    )
    return [DefaultInfo(files = depset([output]), runfiles = ctx.runfiles(files = [output]))]

u_boot_disk = rule(
    implementation = _u_boot_disk_impl,
    attrs = {
        "image": attr.label(mandatory = True, providers = [KernelImageInfo], doc = "becomes /Image"),
        "script": attr.label(allow_single_file = True, mandatory = True, doc = "what U-Boot runs"),
        "_grub": attr.label(default = "@grub//:all"),
        "_make_disk": attr.label(cfg = "exec", default = "//toolchains/u_boot:make_disk", executable = True),
        "_mtools": attr.label(allow_single_file = True, default = "@grub//:bin/mtools"),
    },
    doc = "A disk from which U-Boot boots a kernel image.",
)
