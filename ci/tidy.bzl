"""tidy_test: clang-tidy on every C file that some targets are made of.

    tidy_test(
        name = "tidy_test",
        targets = ["//kernel:image"],
    )

An aspect follows `deps` and checks each library's files with the very flags that compile them for that platform. Each file
is one cached action, so a change costs what it touches. The actions always succeed and leave a log; the test prints the
logs, and fails unless all are empty.
"""

load("@rules_cc//cc:find_cc_toolchain.bzl", "find_cc_toolchain")

TidyInfo = provider(
    doc = "What clang-tidy said.",
    fields = {"logs": "depset of one log a file, empty when all is well"},
)

_SCRIPT = """\
log=$1; shift
source=$1; shift
"$@" >"$log" 2>&1
status=$?
sed -i "s,$PWD/,,g" "$log"
if [ $status -eq 0 ]; then
    : >"$log" # what remains is counts of warnings in headers that were not asked about
elif [ ! -s "$log" ]; then
    echo "$source: clang-tidy ended with status $status" >"$log"
fi
"""

def _tidy_file(ctx, target, source, feature_configuration, cc_toolchain):
    context = target[CcInfo].compilation_context
    variables = cc_common.create_compile_variables(
        feature_configuration = feature_configuration,
        cc_toolchain = cc_toolchain,
        user_compile_flags = ctx.fragments.cpp.copts + getattr(ctx.rule.attr, "copts", []),
        include_directories = context.includes,
        quote_include_directories = context.quote_includes,
        system_include_directories = context.system_includes,
        preprocessor_defines = depset(transitive = [context.defines, context.local_defines]),
    )
    flags = cc_common.get_memory_inefficient_command_line(
        feature_configuration = feature_configuration,
        action_name = "c-compile",
        variables = variables,
    )
    log = ctx.actions.declare_file("%s.tidy/%s.log" % (target.label.name, source.short_path.replace("../", "")))
    ctx.actions.run_shell(
        command = _SCRIPT,
        arguments = [
            log.path,
            source.path,
            ctx.file._clang_tidy.path,
            "--quiet",
            "--config-file=" + ctx.file._config.path,
            source.path,
            "--",
        ] + flags,
        inputs = depset(
            [source, ctx.file._config],
            transitive = [context.headers, cc_toolchain.all_files],
        ),
        outputs = [log],
        tools = [ctx.file._clang_tidy],
        mnemonic = "ClangTidy",
        progress_message = "Reading " + source.short_path,
    )
    return log

def _tidy_aspect_impl(target, ctx):
    logs = []
    if CcInfo in target and ctx.rule.kind == "cc_library" and not target.label.workspace_name:
        cc_toolchain = find_cc_toolchain(ctx)
        feature_configuration = cc_common.configure_features(
            ctx = ctx,
            cc_toolchain = cc_toolchain,
            requested_features = ctx.features,
            unsupported_features = ctx.disabled_features,
        )
        logs = [
            _tidy_file(ctx, target, source, feature_configuration, cc_toolchain)
            for source in ctx.rule.files.srcs
            if source.extension == "c" and source.is_source
        ]
    return [TidyInfo(logs = depset(logs, transitive = [
        dep[TidyInfo].logs
        for dep in getattr(ctx.rule.attr, "deps", [])
        if TidyInfo in dep
    ]))]

_tidy_aspect = aspect(
    implementation = _tidy_aspect_impl,
    attr_aspects = ["deps"],
    attrs = {
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
        "_clang_tidy": attr.label(allow_single_file = True, default = "@llvm//:bin/clang-tidy"),
        "_config": attr.label(allow_single_file = True, default = "//:.clang-tidy"),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

def _tidy_test_impl(ctx):
    logs = depset(transitive = [target[TidyInfo].logs for target in ctx.attr.targets])
    if not logs.to_list():
        fail("no C file is below these targets")
    list = ctx.actions.declare_file(ctx.label.name + ".logs")
    ctx.actions.write(list, "".join([log.short_path + "\n" for log in logs.to_list()]))
    test = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(test, """\
#!/bin/sh
status=0
while read -r log; do
    [ ! -s "$log" ] || { cat "$log"; status=1; }
done <"%s"
echo "$(wc -l <"%s") C files were read"
exit $status
""" % (list.short_path, list.short_path), is_executable = True)
    return [DefaultInfo(executable = test, runfiles = ctx.runfiles(files = [list], transitive_files = logs))]

tidy_test = rule(
    implementation = _tidy_test_impl,
    attrs = {
        "targets": attr.label_list(aspects = [_tidy_aspect], doc = "what to follow down to its C files"),
    },
    doc = "clang-tidy has nothing to say about the C files that the targets are made of.",
    test = True,
)
