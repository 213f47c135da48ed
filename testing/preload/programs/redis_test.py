"""redis-server on our malloc, under redis-benchmark, with input and output threads, and forks that write its data out.

    redis_test LIBRARY REDIS_SERVER REDIS_CLI REDIS_BENCHMARK REQUESTS
"""

import os
import signal
import sys

import program


def main():
    library, server_path, cli_path, benchmark_path, requests = sys.argv[1:]
    with program.Programs(library) as run:
        port = program.free_port()
        listen = ["--port", str(port), "--bind", "127.0.0.1", "--dir", run.folder]
        threads = ["--io-threads", "2", "--io-threads-do-reads", "yes", "--enable-debug-command", "yes"]
        server = run.serve(port, os.path.abspath(server_path), *listen, *threads, "--save", "", "--appendonly", "yes")

        def cli(*words):
            return run.run(os.path.abspath(cli_path), "-p", str(port), *words).strip()

        def benchmark(*words):
            return run.run(os.path.abspath(benchmark_path), "-p", str(port), "-n", requests, "-q", *words)

        print(benchmark("-c", "30", "-P", "16", "-r", "20000", "-d", "100", "-t", "set,get,incr,lpush,rpop,sadd,hset,zadd,mset"))
        if cli("bgsave") != "Background saving started":
            sys.exit("bgsave is refused")
        print(benchmark("-c", "30", "-P", "16", "-r", "500", "-d", "6000", "-t", "set,get"))
        print(benchmark("-c", "10", "-P", "16", "eval", "return #string.rep('x', 300)", "0"))

        # What it says it has must be what it reads back from its files, by another process.
        if cli("set", "last", "word") != "OK" or cli("debug", "reload") != "OK" or cli("get", "last") != "word":
            sys.exit("what was written does not come back")
        digest = cli("debug", "digest")
        if cli("debug", "loadaof") != "OK" or cli("debug", "digest") != digest:
            sys.exit("the log does not give the same data")
        if int(cli("dbsize")) < 1000 or int(cli("flushall") == "OK") != 1 or cli("dbsize") != "0":
            sys.exit("the number of keys is wrong")
        run.stop(server, signal.SIGTERM)
        run.evidence(allocations=int(requests), threads=3, processes=5)


if __name__ == "__main__":
    main()
