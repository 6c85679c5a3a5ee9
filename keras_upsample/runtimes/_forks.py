"""TensorFlow in forked processes.

A fork has one thread. The threads by which TensorFlow computed before it are not there, and it
waits for them for ever. `python benchmarks/reliability.py threads` shows it.
"""

import os

_user: int | None = None


def check_fork() -> None:
    """Note that TensorFlow computes in this process.

    Raises:
        RuntimeError: this process is a fork of one in which it did.
    """
    global _user
    if _user is None:
        _user = os.getpid()
    elif _user != os.getpid():
        raise RuntimeError(
            "TensorFlow computed in the process that this one was forked from, and would wait for "
            "threads that only that one has. Start processes by "
            'multiprocessing.get_context("spawn"), or fork before the first model is loaded.'
        )
