"""iso: packs a kernel image into a boot medium for PCs.

    iso(
        name = "iso",
        image = "//kernel:image",
        grub_config = "media/grub.cfg",
    )

makes iso.iso, which boots by Multiboot2 from a CD or a USB stick, under BIOS and under UEFI: GRUB's core for either finds the
medium by its /boot/kernel.elf, and reads /boot/grub/grub.cfg there. `files` adds more, at the paths it names. The same
inputs give the same bytes: every date is fixed, and identifiers are derived from it.
"""

load("//toolchains:kernel_image.bzl", "KernelImageInfo")

def _iso_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".iso")
    arguments = ctx.actions.args()
    arguments.add("--grub", ctx.file._grub_mkimage)
    arguments.add("--mtools", ctx.file._mtools)
    arguments.add("--xorriso", ctx.file._xorriso)
    arguments.add("--output", output)
    contents = {
        "boot/grub/grub.cfg": ctx.file.grub_config,
        "boot/kernel.elf": ctx.attr.image[KernelImageInfo].elf,
    }
    for target, path in ctx.attr.files.items():
        contents[path] = target[DefaultInfo].files.to_list()[0]
    for path, file in contents.items():
        arguments.add(path + "=" + file.path)
    ctx.actions.run(
        executable = ctx.executable._make_iso,
        arguments = [arguments],
        inputs = depset(contents.values(), transitive = [ctx.attr._grub[DefaultInfo].files]),
        outputs = [output],
        mnemonic = "Iso",
        progress_message = "Packing " + str(ctx.label),
    )
    return [DefaultInfo(files = depset([output]), runfiles = ctx.runfiles(files = [output]))]

iso = rule(
    implementation = _iso_impl,
    attrs = {
        "files": attr.label_keyed_string_dict(allow_files = True, doc = "more files, and their paths on the medium"),
        "grub_config": attr.label(allow_single_file = True, mandatory = True, doc = "becomes /boot/grub/grub.cfg"),
        "image": attr.label(mandatory = True, providers = [KernelImageInfo], doc = "becomes /boot/kernel.elf"),
        "_grub": attr.label(default = "@grub//:all"),
        "_grub_mkimage": attr.label(allow_single_file = True, default = "@grub//:bin/grub-mkimage"),
        "_make_iso": attr.label(cfg = "exec", default = "//toolchains/grub:make_iso", executable = True),
        "_mtools": attr.label(allow_single_file = True, default = "@grub//:bin/mtools"),
        "_xorriso": attr.label(allow_single_file = True, default = "@grub//:bin/xorriso"),
    },
    doc = "A medium that boots a kernel image on a PC, from BIOS and from UEFI.",
)
