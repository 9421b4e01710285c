"""Runs a program on a terminal of its own and types for a user.

Standard input holds JSON: {"argv", "cwd", "env", "steps": [[expected, keys], ...], "seconds"}. The keys of a step are typed once
its expected text was drawn since the step before. Standard output gets JSON: {"exitCode", "screen"}, the latter being all that
was drawn, without control sequences; a step that waits in vain is told in "missing".
"""
import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time

CONTROL = re.compile(rb"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Za-z0-9]|[=>])|[\x00-\x09\x0b-\x1f]")

asked = json.load(sys.stdin)
child, terminal = pty.fork()
if child == 0:
    # The size is set before the program starts.
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
    os.chdir(asked["cwd"])
    os.execvpe(asked["argv"][0], asked["argv"], asked["env"])

drawn = b""
since = 0


def read(until):
    """Reads what comes before `until`; whether the program still runs."""
    global drawn
    ready, _, _ = select.select([terminal], [], [], max(0, until - time.monotonic()))
    if not ready:
        return True
    try:
        data = os.read(terminal, 65536)
    except OSError:
        data = b""
    drawn += data
    return data != b""


def text(start=0):
    return CONTROL.sub(b"", drawn[start:]).decode(errors="replace")


missing = None
for expected, keys in asked["steps"]:
    deadline = time.monotonic() + asked["seconds"]
    while missing is None and expected not in text(since):
        if time.monotonic() > deadline or not read(deadline):
            missing = expected
    if missing is not None:
        break
    since = len(drawn)
    os.write(terminal, keys.encode())

deadline = time.monotonic() + asked["seconds"]
while missing is None and read(deadline):
    if time.monotonic() > deadline:
        missing = "the end"
if missing is not None:
    os.kill(child, 15)
    while read(time.monotonic() + 10):
        pass
_, status = os.waitpid(child, 0)
json.dump({"exitCode": os.waitstatus_to_exitcode(status), "screen": text(), "missing": missing}, sys.stdout)
