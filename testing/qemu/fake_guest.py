"""Plays QEMU and its guest for judge_test.py: says what it is told, and ends as it is told.

    fake_guest.py SCRIPT ...    where SCRIPT is a Python literal: a list of ("say", text), ("sleep", seconds), ("exit", code),
                                ("flood", bytes), ("close",), ("echo",)
"""

import ast
import os
import sys
import time

for step in ast.literal_eval(sys.argv[1]):
    kind, values = step[0], step[1:]
    if kind == "say":
        os.write(1, values[0].encode("latin-1"))
    elif kind == "sleep":
        time.sleep(values[0])
    elif kind == "flood":
        piece = b"x" * 65536
        for _ in range(values[0] // len(piece) + 1):
            os.write(1, piece)
    elif kind == "close":
        os.close(1)
        os.close(2)
    elif kind == "echo":
        os.write(1, os.read(0, 4096))
    elif kind == "exit":
        os._exit(values[0])
