"""Runs one program and writes what it took; `measure.py` calls this as `python -I -S`.

    launch.py RESULT PROGRAM [ARGS...]

The kernel counts the memory of whoever starts a program as the program's own until it has
more. So this imports next to nothing: what takes less than a bare interpreter, about 10 MiB,
can't be told apart.
"""

import os
import sys
import time

result, program = sys.argv[1], sys.argv[2:]
begin = time.perf_counter()
pid = os.posix_spawnp(program[0], program, os.environ)
_, status, usage = os.wait4(pid, 0)
seconds = time.perf_counter() - begin
# ru_maxrss is in KiB.
with open(result, "w") as out:
    print(seconds, usage.ru_utime, usage.ru_stime, usage.ru_maxrss, status, file=out)
sys.exit(min(abs(os.waitstatus_to_exitcode(status)), 255))
