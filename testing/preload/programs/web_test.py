"""h2o, a web server with threads, on our malloc, while ab loads it; ab is on our malloc as well.

    web_test LIBRARY H2O AB REQUESTS
"""

import http.client
import os
import re
import signal
import sys

import program

CONFIGURATION = """\
listen:
  host: 127.0.0.1
  port: %(port)d
num-threads: 4
%(user)serror-log: %(folder)s/errors
access-log: %(folder)s/access
compress: [gzip]
file.index: ['index.txt']
hosts:
  default:
    paths:
      /:
        file.dir: %(folder)s/files
        file.dirlisting: on
"""

SIZES = {"small.txt": 200, "middle.txt": 30000, "large.txt": 2000000}


def load(run, ab, port, name, *words):
    report = run.run(os.path.abspath(ab), "-q", *words, "http://127.0.0.1:%d/%s" % (port, name))
    failed = re.search(r"Failed requests: +(\d+)", report)
    if failed is None or failed.group(1) != "0" or "Non-2xx" in report:
        sys.exit("%s: not every request was served\n%s" % (name, report))


def main():
    library, h2o, ab, requests = sys.argv[1:]
    with program.Programs(library) as run:
        port = program.free_port()
        os.mkdir(run.path("files"))
        contents = {name: (name + "\n").encode() * (size // (len(name) + 1)) for name, size in SIZES.items()}
        for name, content in contents.items():
            with open(run.path("files", name), "wb") as file:
                file.write(content)
        with open(run.path("h2o.conf"), "w") as file:
            # A server that is started by root wants to become somebody else, who may not read our folder.
            is_root = os.getuid() == 0
            leaves = is_root and program.can_leave_root()
            user = "user: root\n" if is_root and not leaves else ""
            file.write(CONFIGURATION % {"port": port, "folder": run.folder, "user": user})
        server = run.serve(
            port, os.path.abspath(h2o), "-c", run.path("h2o.conf"), preexec_fn=program.leave_root if leaves else None
        )

        load(run, ab, port, "small.txt", "-n", requests, "-c", "40", "-k")
        load(run, ab, port, "small.txt", "-n", str(int(requests) // 10), "-c", "40")
        load(run, ab, port, "middle.txt", "-n", str(int(requests) // 5), "-c", "40", "-k", "-H", "Accept-Encoding: gzip")
        load(run, ab, port, "large.txt", "-n", str(int(requests) // 100), "-c", "20", "-k")
        for name, content in contents.items():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/" + name)
            if connection.getresponse().read() != content:
                sys.exit("%s is not what was served" % name)
        run.evidence_of(server, pages=100, threads=4)
        run.stop(server, signal.SIGTERM)
        run.evidence(allocations=20000, processes=4)  # of ab alone: h2o leaves without a word


if __name__ == "__main__":
    main()
