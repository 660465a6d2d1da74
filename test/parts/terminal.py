"""Runs a program in a pseudo terminal and types at its prompts, as a person would.

Standard input is JSON: {"args": [...], "folder": "...", "environment": {...}, "limit": seconds,
"steps": [{"prompt": "text to wait for", "type": "what to type"}]}. A step with "hangUp" closes the terminal instead, as a
connection that breaks does. Prints {"code": n, "screen": "all that was shown"}.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time


def main():
    request = json.load(sys.stdin)
    pid, terminal = pty.fork()
    if pid == 0:
        # A new pseudo terminal has no columns at all, and every letter would get a line.
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        os.chdir(request["folder"])
        os.execve(request["args"][0], request["args"], request["environment"])
    deadline = time.monotonic() + request["limit"]
    shown, seen = b"", 0
    steps = list(request["steps"])
    while True:
        if time.monotonic() > deadline:
            os.kill(pid, 9)
            break
        ready, _, _ = select.select([terminal], [], [], 0.2)
        if ready:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:  # Linux says so when the other side has closed it
                break
            if not chunk:
                break
            shown += chunk
        if steps and steps[0]["prompt"].encode() in shown[seen:]:
            seen = len(shown)
            if steps[0].get("hangUp"):
                steps.pop(0)
                os.close(terminal)
                break
            time.sleep(0.2)  # a person is slower than the program that begins to read
            os.write(terminal, steps.pop(0)["type"].encode() + b"\r")
    status = wait(pid, deadline)
    code = os.waitstatus_to_exitcode(status)
    json.dump({"code": code, "screen": shown.decode("utf-8", "replace"), "untyped": len(steps)}, sys.stdout)


def wait(pid, deadline):
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended == pid:
            return status
        time.sleep(0.05)
    os.kill(pid, 9)
    return os.waitpid(pid, 0)[1]


main()
