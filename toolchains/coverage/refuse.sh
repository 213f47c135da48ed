#!/bin/sh
echo "bazel coverage is not supported in this workspace; run llvm-cov of @llvm on an instrumented test instead" >&2
exit 1
