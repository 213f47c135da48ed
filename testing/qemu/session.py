"""One guest from start to end: its serial output, and how it ended. A guest that says nothing for too long is killed."""

import contextlib
import os
import selectors
import subprocess
import time


class Ending:
    """How a session ended. `code` is QEMU's exit code, None when it was killed; `reason` says why it was."""

    def __init__(self, output, code, reason, seconds):
        self.output = output  # bytes
        self.code = code
        self.reason = reason
        self.seconds = seconds

    def lines(self):
        text = self.output.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
        return text.split("\n")


def run(command, silence_seconds, total_seconds, feed=b"", feed_after=b"", output_max=64 << 20):
    """
    Runs a command whose standard output is the serial line, until it ends by itself. When it has said `feed_after`, `feed` is typed: a
    serial line that nobody has set up yet drops what comes.

    It is killed when nothing comes for silence_seconds, after total_seconds, or when it has said output_max bytes.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
    )
    output = bytearray()
    reason = None
    last_heard = started
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while reason is None:
                if feed and feed_after in output:
                    with contextlib.suppress(BrokenPipeError):  # it ended already; the exit code tells
                        process.stdin.write(feed)
                    feed = b""
                now = time.monotonic()
                wait = min(last_heard + silence_seconds, started + total_seconds) - now
                if wait <= 0:
                    silent = now - last_heard >= silence_seconds
                    reason = "nothing said for %g seconds" % silence_seconds if silent else "still running after %g seconds" % total_seconds
                    break
                if not selector.select(wait):
                    continue
                piece = os.read(process.stdout.fileno(), 65536)
                if not piece:
                    break
                last_heard = time.monotonic()
                output += piece
                if len(output) > output_max:
                    reason = "more than %d bytes of output" % output_max
        if reason is None:
            # The line is closed, but the process may linger: it has the rest of its time for that.
            try:
                process.wait(max(1.0, min(silence_seconds, started + total_seconds - time.monotonic())))
            except subprocess.TimeoutExpired:
                reason = "closed its serial line and did not end"
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
    code = process.returncode if reason is None else None
    return Ending(bytes(output), code, reason, time.monotonic() - started)
