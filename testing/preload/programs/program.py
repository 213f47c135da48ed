"""What tests of programs on our malloc share: how such a program is started, and how it is known that the malloc was ours.

A program is run by its launcher of a package's repository, which is found through a path that the test gets as an argument. Every
process of it that ends by exit() adds a line to a file, from which `evidence` reads how many allocations there were.
"""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

# What programs add to their folder's name for a socket is no more than half an address.
SCRATCH_LENGTH_MAX = 50

TEXT = {"mode": "w+", "encoding": "utf-8", "errors": "replace"}

LINE = re.compile(r"quarry malloc: (\d+) allocations, (\d+) frees, (\d+) large, (\d+) contexts for (\d+) threads")


class Programs:
    """A folder of one's own, an environment with our malloc, and what was said in it. Used as a context manager."""

    def __init__(self, library):
        self.folder = tempfile.mkdtemp(dir=scratch_folder(), prefix="run-")
        self.stats = os.path.join(self.folder, "malloc-stats")
        self.plain = {"PATH": "/bin:/usr/bin", "HOME": self.folder, "LC_ALL": "C.UTF-8", "TMPDIR": self.folder}
        self.environment = dict(self.plain, LD_PRELOAD=os.path.abspath(library), QUARRY_MALLOC_STATS=self.stats)
        self.servers = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            if server.poll() is None:
                server.kill()
                server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run(self, *command, plain=False, timeout=240, input="", environment={}):
        """Runs a command to its end, which must be a good one. Returns what it wrote to standard output."""
        texts = []
        with contextlib.ExitStack() as stack:
            # Files, and not pipes: whoever is left of a command that is dead would keep its end of a pipe open.
            files = [stack.enter_context(tempfile.TemporaryFile(dir=self.folder, **TEXT)) for _ in range(3)]
            files[0].write(input)
            files[0].seek(0)
            process = subprocess.Popen(
                command, cwd=self.folder, env=dict(self.plain if plain else self.environment, **environment),
                stdin=files[0], stdout=files[1], stderr=files[2], start_new_session=True,
            )
            try:
                status = "exit status %d" % process.wait(timeout)
            except subprocess.TimeoutExpired:
                status = "no end within %d seconds" % timeout
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            for file in files[1:]:
                file.seek(0)
                texts.append(file.read())
        if status != "exit status 0":
            sys.exit("%s: %s\n%s\n%s" % (command, status, texts[0][-4000:], texts[1][-8000:]))
        return texts[0]

    def serve(self, port, *command, **options):
        """Starts a server, and waits until it listens."""
        log = self.path("server-%d.log" % len(self.servers))
        with open(log, "wb") as output:
            server = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=output, stderr=output, **options)
        self.servers.append(server)
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return server
            if server.poll() is not None:
                break
            time.sleep(0.1)
        with open(log, errors="replace") as text:
            sys.exit("%s does not listen (exit status %s)\n%s" % (command, server.poll(), text.read()[-8000:]))

    def stop(self, server, send):
        """Ends a server by a signal, and has it say what it allocated."""
        server.send_signal(send)
        status = server.wait(timeout=120)
        if status != 0:
            sys.exit("the server ended with status %d" % status)

    def evidence_of(self, server, pages, threads):
        """The same of a server that runs, and will not say how it ends: by what the system knows of its memory."""
        used = 0
        with open("/proc/%d/smaps" % server.pid) as text:
            areas = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) (....) \S+ \S+ (\d+) .*?^Rss: +(\d+) kB$", text.read(), re.M | re.S)
        reserved = max((area for area in areas if area[2] == "---p"), key=lambda area: int(area[1], 16) - int(area[0], 16))
        end = reserved[0]
        for start, area_end, _, _, resident in reversed(areas):
            if area_end == end and int(resident) > 0:
                used += int(resident) // 4
                end = start
        tasks = len(os.listdir("/proc/%d/task" % server.pid))
        print("our malloc: %d pages in use, %d threads" % (used, tasks))
        if used < pages or tasks < threads or int(reserved[1], 16) - int(reserved[0], 16) < 1 << 30:
            sys.exit("that is not what the test should have made")

    def evidence(self, allocations, threads=1, processes=1):
        """Our malloc must have been used: so often, by so many threads of one process, in so many processes."""
        with open(self.stats) as text:
            rows = [tuple(map(int, match.groups())) for match in map(LINE.match, text) if match]
        total = sum(row[0] for row in rows)
        most_threads = max((row[4] for row in rows), default=0)
        print("our malloc: %d processes, %d allocations, at most %d threads in one" % (len(rows), total, most_threads))
        if len(rows) < processes or total < allocations or most_threads < threads:
            sys.exit("that is not what the test should have made")
        if any(row[1] > row[0] for row in rows):
            sys.exit("more frees than allocations")


def scratch_folder():
    """
    Where the test may write. Bazel's own folder may have so long a name that a program can't make a socket in it (108 characters
    of an address, unix(7)); then it is the system's, as short as it comes.
    """
    folder = os.environ.get("TEST_TMPDIR", "")
    return folder if 0 < len(folder) <= SCRATCH_LENGTH_MAX else None


def leave_root():
    """Makes the calling process, which has one thread, that of an ordinary user, with the same rights to files."""
    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(0x10000000) != 0:  # CLONE_NEWUSER
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", "1000 %d 1" % user), ("gid_map", "1000 %d 1" % group)):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)


def can_leave_root():
    try:
        return subprocess.call(["/bin/true"], preexec_fn=leave_root) == 0
    except subprocess.SubprocessError:
        return False


def free_port():
    """A port of the loopback interface that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
