"""Make a child process die with its parent, even when the parent is killed with -9 (Linux).

Run as a program it becomes another one that dies with its parent:
`python -m service.voice.engines.die_with_parent PARENT_PID PROGRAM [ARGUMENT ...]`.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> None:
    """Ask the kernel to SIGKILL this process when the thread that started it ends (prctl(2)).

    Exits at once when the parent is gone already. Elsewhere than on Linux it does nothing.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


def main() -> None:
    """Die with the parent whose pid is the first argument, as the program in the others."""
    die_with_parent(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - our own arguments, no shell


if __name__ == "__main__":
    main()
