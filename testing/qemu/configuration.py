"""What a target knows: a JSON file that defs.bzl writes, with paths as the runfiles have them."""

import json
import os


def read(path, runfiles):
    """Returns the configuration, with "files" made absolute."""
    with open(path, encoding="utf-8") as file:
        configuration = json.load(file, strict=False)  # Bazel leaves control characters as they are
    configuration["files"] = {
        name: os.path.join(runfiles, relative) for name, relative in configuration["files"].items()
    }
    return configuration
