"""Limits that a child process sets itself before it reads a foreign file."""

from contextlib import suppress
from pathlib import Path


def limit_time(seconds: float) -> None:
    """End the process after `seconds`, by a signal that ends native code too."""
    with suppress(ImportError, AttributeError):
        import signal

        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)


def limit_memory(most: int) -> None:
    """Limit the address space to `most` bytes, so that a larger claim gets an error and other
    processes are not pushed out of memory."""
    with suppress(ImportError, OSError, ValueError, AttributeError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def address_space() -> int:
    """Bytes that this process has reserved by now; 0 where the system does not say."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        pages = Path("/proc/self/statm").read_text().split()[0]
        return int(pages) * resource.getpagesize()
    return 0
