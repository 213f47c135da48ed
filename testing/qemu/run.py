"""Runs an image in QEMU, with this terminal as its console.

    bazel run //:qemu_x86_64 -- --memory 128M --cpus 2 --boot direct --append 'key=value' --run 'cmd; cmd'

Of other platforms, //:qemu_aarch64 and //:qemu_riscv64, the boot paths are direct and uboot.

Control-A X ends the machine, Control-A H lists what else Control-A does; all other keys go to the guest. With --run, the shell
runs the commands and the machine ends with their status, which is then this program's.
"""

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading

try:
    import termios
except ImportError:  # a Python without it has no terminal to restore either
    termios = None

import configuration
import machines

PROMPT = b"quarry> "


def parse(arguments, config):
    platform = config["platform"]
    boots = [boot for row, boot in machines.MACHINES if row == platform]
    parser = argparse.ArgumentParser(prog="//:qemu_" + platform, description="Runs Quarry in QEMU (%s)." % platform)
    parser.add_argument("--memory", default=config["memory"], help="such as 128M or 4G (%(default)s unless told)")
    parser.add_argument("--cpus", default=str(config["cpus"]), help="1 to %d (%%(default)s unless told)" % machines.CPUS_MAX)
    parser.add_argument("--boot", default=config["boot"], help="%s (%%(default)s unless told)" % ", ".join(boots))
    parser.add_argument("--append", default="", help="words for the kernel's command line")
    parser.add_argument("--run", metavar="COMMANDS", help="run shell commands, separated by ';', and exit with their status")
    parser.add_argument("--qemu", metavar="WORDS", default="", help="more words for QEMU itself")
    parser.add_argument("--show", action="store_true", help="print QEMU's command line and do nothing")
    return parser.parse_args(arguments)


def words_for_kernel(config, options):
    words = [config.get("append", ""), options.append]
    if options.run is not None:
        words.append('run="' + options.run.replace("\\", "\\\\").replace('"', '\\"') + '"')
    return " ".join(word for word in words if word)


def pass_signals_to(process):
    """Control-C is the guest's when QEMU has the terminal; what reaches us by other ways ends the machine."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: process.terminate())


def run_on_terminal(command):
    """Runs QEMU on the terminal, and puts that back as it was, however QEMU ended."""
    saved = termios.tcgetattr(sys.stdin) if termios is not None else None
    process = subprocess.Popen(command)
    pass_signals_to(process)
    try:
        return process.wait()
    finally:
        if saved is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)


def type_for(process):
    """Types our standard input to the guest, and Control-D at its end, so that no shell waits for ever."""
    with contextlib.suppress(OSError):
        while piece := os.read(0, 4096):
            process.stdin.write(piece)
        process.stdin.write(b"\x04")


def run_on_pipes(command, has_input):
    """
    Runs QEMU without a terminal. Input waits for the shell's first prompt: a serial line that nobody has set up yet drops what
    comes.
    """
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    pass_signals_to(process)
    heard = b""
    typist = None
    while piece := os.read(process.stdout.fileno(), 65536):
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        heard = (heard + piece)[-len(piece) - len(PROMPT) :]
        if has_input and typist is None and PROMPT in heard:
            typist = threading.Thread(target=type_for, args=(process,), daemon=True)
            typist.start()
    return process.wait()


def exit_status(machine, code, is_scripted):
    """The guest's status. Without one (Control-A X, or a machine that switched itself off) only an interactive run went well."""
    status = machine.status_of(code)
    if status is not None:
        return status
    if code != 0:
        print("QEMU ended with code %d" % code, file=sys.stderr)
        return 1
    if is_scripted:
        print("the machine went down before the commands were done", file=sys.stderr)
        return 1
    return 0


def main():
    # The launcher's own words come first: --config FILE --runfiles FOLDER.
    _, config_path, _, runfiles, *arguments = sys.argv[1:]
    config = configuration.read(config_path, runfiles)
    options = parse(arguments, config)
    is_terminal = sys.stdin.isatty()
    try:
        machine = machines.find(config["platform"], options.boot)
        with tempfile.TemporaryDirectory(prefix="quarry-") as folder:
            command = machines.command(
                machine,
                config["files"],
                folder,
                memory=machines.parse_memory(options.memory),
                cpus=machines.parse_cpus(options.cpus),
                append=words_for_kernel(config, options),
                extra=shlex.split(options.qemu),
            )
            # On a terminal, QEMU's multiplexer gives Control-A X; bytes from a file or a pipe are nobody's commands.
            command += ["-serial", "mon:stdio"] if is_terminal else ["-serial", "stdio", "-monitor", "none"]
            if options.show:
                print(shlex.join(command))
                return 0
            code = run_on_terminal(command) if is_terminal else run_on_pipes(command, options.run is None)
            return exit_status(machine, code, options.run is not None)
    except machines.Refused as refusal:
        print("%s: %s" % ("//:qemu_" + config["platform"], refusal), file=sys.stderr)
        return 2
    except ValueError as problem:
        print("//:qemu_%s: --qemu: %s" % (config["platform"], problem), file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
