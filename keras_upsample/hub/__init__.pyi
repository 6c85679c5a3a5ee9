from ._pull import PullReport, pull
from ._push import PushReport, push

__all__ = ["PullReport", "PushReport", "pull", "push"]
