"""How blocks are timed: how often each form runs, and which blocks come first."""

from functools import partial

import keras
import pytest

from keras_upsample.lowering import _meters, _tune, lower
from keras_upsample.program._applied import KEEP


class Clock:
    """A clock that runs alone move."""

    def __init__(self, seconds):
        self.now, self.calls = 0.0, dict.fromkeys(seconds, 0)
        self.runs = {form: partial(self.run, form) for form in seconds}
        self._seconds = {form: iter(times) for form, times in seconds.items()}

    def __call__(self):
        return self.now

    def run(self, form):
        self.calls[form] += 1
        self.now += next(self._seconds[form])


def steady(seconds, count=13):
    return [seconds] * count


def falling(start, count=13):
    return [start * 0.98**number for number in range(count)]


@pytest.mark.parametrize(
    ("seconds", "limit", "calls"),
    [
        ({"a": steady(2), "b": steady(1)}, 99, {"a": 5, "b": 5}),  # one is left
        ({"a": steady(1.4), "b": steady(1)}, 99, {"a": 5, "b": 5}),  # nothing moves
        ({"a": falling(1.4), "b": falling(1)}, 99, {"a": 13, "b": 13}),
        ({"a": falling(1.4), "b": falling(1)}, 10, {"a": 6, "b": 6}),
        ({"a": falling(1.4), "b": falling(1), "c": steady(3)}, 99, {"a": 13, "b": 13, "c": 5}),
        ({"a": falling(1.4), "b": falling(1)}, 0, {"a": 5, "b": 5}),
    ],
)
def test_rounds_end_where_they_decide_nothing(seconds, limit, calls, monkeypatch):
    """One call before the rounds is not counted among the times."""
    clock = Clock(seconds)
    monkeypatch.setattr(_meters, "perf_counter", clock)
    found = _meters.interleaved_minima(clock.runs, limit)
    assert clock.calls == calls
    assert found == pytest.approx({form: min(seconds[form][1 : calls[form]]) for form in seconds})


def test_the_largest_blocks_are_measured_first(monkeypatch, tmp_path):
    """The time ends after two; the graph has the smallest first."""
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path))
    image = x = keras.Input((8, 12, 4), name="image")
    for number, filters in enumerate((4, 6, 16, 8)):
        x = keras.layers.UpSampling2D(2, name=f"up{number}")(x)
        x = keras.layers.Conv2D(filters, 3, padding="same", name=f"conv{number}")(x)
    model = keras.Model(image, keras.layers.Conv2D(2, 1)(x))
    sizes = []

    def measure(self, proposal, graph):
        sizes.append(proposal.block.sizes)
        if len(sizes) == 2:
            self._end = 0.0
        return dict.fromkeys([KEEP, *proposal.forms], 1.0)

    monkeypatch.setattr(_tune.Tuner, "_measure", measure)
    lowered = lower(model, "tflite", tune=100)
    assert len({entry.layers for entry in lowered.applied}) >= 4
    work = [_tune.prod(each) for each in sizes]
    assert len(work) == 2 and work == sorted(work, reverse=True) and 16 in sizes[0]
