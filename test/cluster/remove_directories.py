"""Removes directories that hold nothing but directories: remove_directories.py DIRECTORY...

When standard input ends, so that it happens however the process at its other end does. A cgroup can be removed once its
processes are gone, so this tries for a while.
"""
import os
import sys
import time


def remove(top):
    for path, _, _ in os.walk(top, topdown=False):
        try:
            os.rmdir(path)
        except OSError:
            pass
    return not os.path.lexists(top)


sys.stdin.read()
for _ in range(100):
    if all([remove(top) for top in sys.argv[1:]]):
        break
    time.sleep(0.1)
