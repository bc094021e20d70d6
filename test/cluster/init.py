"""Process 1 of the cluster's process namespace: init.py PROGRAM [ARGUMENT...]

Runs PROGRAM, passes signals on to it, collects processes whose parents have ended, and ends when PROGRAM does; the kernel
then kills whatever is left in the namespace.
"""
import os
import signal
import sys

program = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda received, _: os.kill(program, received))
while True:
    pid, status = os.wait()
    if pid == program:
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else 128 - code)
