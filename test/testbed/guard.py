"""Holds on to what must not outlive the test bed. Only the standard library, so that any Python will do.

    guard.py exec PARENT PROGRAM [ARGUMENT...]   become PROGRAM; the kernel kills it when process PARENT ends, however it ends
    guard.py lock FILE                           lock FILE, print a line, hold the lock until standard input ends
    guard.py sweep FOLDER                        when standard input ends, remove FOLDER, unless a line "keep" came

A lock held this way can't go stale: the kernel drops it with the process.
"""
import os
import shutil
import signal
import sys
import time


def become(parent, program, *arguments):
    if sys.platform == "linux":
        import ctypes
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it ended before prctl
        sys.exit(1)
    os.execvp(program, [program, *arguments])


def lock(file):
    import fcntl
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("waiting", flush=True)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    print("locked", flush=True)
    sys.stdin.read()


def sweep(folder):
    if "keep" in sys.stdin.read():
        return
    for _ in range(50):  # processes of the test bed may still be writing while the kernel ends them
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return
        time.sleep(0.1)


if __name__ == "__main__":
    {"exec": become, "lock": lock, "sweep": sweep}[sys.argv[1]](*sys.argv[2:])
