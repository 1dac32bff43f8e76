"""Free ports and waiting."""

import contextlib
import socket
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_open(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def wait_for(what, ready, seconds=60, pause=0.1):
    """The first true answer of `ready`; an error that says `what` was not there in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ready():
            return answer
        time.sleep(pause)
    raise TimeoutError(f"{what}: not within {seconds} s")
