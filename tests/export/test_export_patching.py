"""Functions that several patches replace at a time, entered and left in any order."""

import inspect
import threading
from types import SimpleNamespace
from typing import Any

import pytest
import tensorflow as tf

from keras_upsample.program._patching import Patch


def place() -> SimpleNamespace:
    def double(x: Any, times: int = 2) -> Any:
        return x * times

    return SimpleNamespace(double=double)


def patch_of(module: Any, wanted_times: int, result: str) -> Patch:
    """Gives `result` where `times` is this number."""
    patch: Patch = Patch(lambda: [(module, "double", patch.by(form))])

    def form(original: Any, x: Any, times: int) -> Any | None:
        return result if times == wanted_times else None

    return patch


def traced(module: Any, *arguments: Any, **options: Any) -> Any:
    found = []

    @tf.function(autograph=False)
    def build() -> None:
        found.append(module.double(*arguments, **options))

    build.get_concrete_function()
    return found[0]


@pytest.mark.parametrize("first_left", [0, 1])
def test_two_patches_at_one_place_are_left_in_any_order(first_left: int) -> None:
    module = place()
    original = module.double
    two, three = patch_of(module, 2, "two"), patch_of(module, 3, "three")
    contexts = [two.entered(), three.entered()]
    for context in contexts:
        context.__enter__()
    assert [traced(module, 5), traced(module, 5, 3), traced(module, 5, times=4)] == [
        "two",
        "three",
        20,
    ]
    assert inspect.signature(module.double) == inspect.signature(original)
    contexts[first_left].__exit__(None, None, None)
    left = [10, "three"] if first_left == 0 else ["two", 15]
    assert [traced(module, 5), traced(module, 5, 3)] == left
    contexts[1 - first_left].__exit__(None, None, None)
    assert module.double is original


def test_another_threads_patch_is_not_this_ones() -> None:
    module = place()
    original = module.double
    two, three = patch_of(module, 2, "two"), patch_of(module, 3, "three")
    entered, go_on = threading.Event(), threading.Event()
    found: list[Any] = []

    def other() -> None:
        with three.entered():
            found.extend([traced(module, 5), traced(module, 5, 3)])
            entered.set()
            go_on.wait(30)
            found.extend([traced(module, 5), traced(module, 5, 3)])

    thread = threading.Thread(target=other)
    with two.entered():
        thread.start()
        assert entered.wait(30)
        assert [traced(module, 5), traced(module, 5, 3)] == ["two", 15]
    go_on.set()  # the other one is left last
    thread.join()
    assert found == [10, "three"] * 2
    assert module.double is original


def test_a_patch_that_is_entered_twice_stays_until_it_is_left_twice() -> None:
    module = place()
    original = module.double
    two = patch_of(module, 2, "two")
    with two.entered():
        with two.entered():
            assert traced(module, 5) == "two"
        assert traced(module, 5) == "two"
    assert module.double is original
