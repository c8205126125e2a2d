"""Run a command that ends with the process that started it: `tie.py PARENT DATA GROUP COMMAND...`.

PARENT is the number of the starting process, on whose end the system kills the command. DATA limits
the command's own memory to so many bytes (RLIMIT_DATA), 0 not at all. GROUP is the folder of a
control group to join, or empty. `bench.system.children` starts this file with `-I -S`.
"""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1  # of <linux/prctl.h>

if __name__ == "__main__":
    parent, data, group, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):  # it ended before the system was told
        sys.exit(1)
    if int(data):
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        limit = int(data) if most == resource.RLIM_INFINITY else min(int(data), most)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    if group:
        Path(group, "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started: {error.strerror}")
