"""Lets commands take turns, and says what each run took.

A plan comes in as JSON on standard input, the runs go out as JSON on standard output:

    {"rounds": 40, "realTime": true, "subjects": [{"name": "…", "before": [argv…], "argv": [argv…], "after": [argv…], "instant": "file"}]}
    {"…": {"wallMs": […], "peakKiB": […], "instantMs": […]}}

Node takes longer to start a process than these commands take in all, and less evenly. `{}` in an argument is the number of
the run. `before` and `after` are not timed. `peakKiB` is the most that one process of the command had in memory.
`instant` is a file into which the payload writes when it began, in nanoseconds of the monotonic clock. With `realTime`, the
commands run with real-time priority where that is allowed, so that other work of the machine touches them less.
"""

import json
import os
import sys
import time


def run(argv, number, silent=False):
    argv = [word.replace("{}", str(number)) for word in argv]
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)]
    begin = time.monotonic_ns()
    pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    end = time.monotonic_ns()
    os.close(null)
    if status != 0 and not silent:
        sys.exit(f"{' '.join(argv)} ended with {os.waitstatus_to_exitcode(status)}")
    return begin, end, usage.ru_maxrss


def instant(path, begin):
    for _ in range(20000):
        with open(path, "rb") as file:
            text = file.read()
        if text.endswith(b"\n"):
            return (int(text) - begin) / 1e6
        time.sleep(0.0001)
    sys.exit(f"nothing was written to {path}")


def main():
    plan = json.load(sys.stdin)
    try:
        if plan["realTime"]:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
    except OSError:
        print("without real-time priority", file=sys.stderr)
    results = {subject["name"]: {"wallMs": [], "peakKiB": [], "instantMs": []} for subject in plan["subjects"]}
    for number in range(plan["rounds"]):
        for subject in plan["subjects"]:
            for argv in subject.get("before", []):
                run(argv, number)
            if "instant" in subject:
                open(subject["instant"], "w").close()
            begin, end, peak = run(subject["argv"], number)
            result = results[subject["name"]]
            result["wallMs"].append((end - begin) / 1e6)
            result["peakKiB"].append(peak)
            if "instant" in subject:
                result["instantMs"].append(instant(subject["instant"], begin))
            for argv in subject.get("after", []):
                run(argv, number, silent=True)
    json.dump(results, sys.stdout)


main()
