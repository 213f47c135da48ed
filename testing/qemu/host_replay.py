"""A failure that was found in QEMU, repeated on the host from the line that the guest printed."""

import os
import subprocess

REPLAY = "replay: "
SHRUNK = "shrunk in "
SECONDS_MAX = 60


def failure_of(story):
    """The replay text and what is told of the shrunk failure, from a failing row's story; (None, []) without one."""
    told = []
    for line in story:
        if line.startswith(SHRUNK):
            told = []
        elif line.startswith(REPLAY):
            return line[len(REPLAY) :], told
        else:
            told.append(line.strip())
    return None, []


def problem(program, story):
    """Repeats it with the host's test program. Returns why that was not the same failure, or None."""
    text, told = failure_of(story)
    if text is None or not told:
        return "the guest told of no failure that could be repeated"
    try:
        result = subprocess.run(
            [os.path.abspath(program), "--quarry_replay=" + text],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "the host did not end within %d seconds" % SECONDS_MAX
    output = result.stdout.decode("utf-8", "replace")
    if result.returncode == 0:
        return "what failed in QEMU passes on the host: " + text
    lines = iter([line.strip() for line in output.split("\n")])
    for wanted in [*told, REPLAY + text]:
        if wanted not in lines:  # takes lines up to the one that is found, so this asks for the order, too
            return "the host does not say %r:\n%s" % (wanted, output)
    return None
