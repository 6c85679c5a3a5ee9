"""The checks of the rules catch wrong constants: each mutation must make one fail by its values.

A mutation is a change of the text of one function; the text must stand there once.
"""

import inspect
import sys
import textwrap
from collections.abc import Callable
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
import pytest
from linear_cases import (
    LIKE,
    check_branches,
    check_fold,
    check_merge,
    check_padding,
    check_pointwise,
    check_resize_like,
    check_shrinking,
)
from refusal_cases import check_stays
from transposed_cases import Geometry, check_deconvolution, check_transposed
from upsampling_cases import (
    Filtered,
    Joined,
    Nearest,
    Subpixel,
    check_convolution,
    check_filtering,
    check_layout,
    check_nearest,
    check_shuffle,
    check_shuffle_behind,
    check_subpixel,
    ready_for_filtering,
)

from keras_upsample.lowering._rules import (
    _interleaved,
    _parts,
    _phases,
    _resizes,
    branches,
    concatenation,
    deconvolution,
    fold,
    layout,
    merge,
    minimal_filtering,
    nearest,
    padding,
    pointwise,
    resize_like,
    shuffle,
    subpixel,
)
from keras_upsample.ops import _shuffle
from keras_upsample.program import _activations, _keras_reader, _keras_writer, _tiled
from keras_upsample.program._keras_table import InKeras
from keras_upsample.program._operations import Convolution, Linear, Transposed

BY_VALUES = r"^(largest error|shape)"


def mutate(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType | type, name: str, old: str, new: str
) -> None:
    """Change the text of a function, wherever the package has it, or of a method."""
    original = getattr(module, name)
    namespace = vars(sys.modules[original.__module__])
    source = textwrap.dedent(inspect.getsource(original))
    assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in {name}"
    made: dict[str, Any] = {}
    exec(compile(source.replace(old, new), namespace["__file__"], "exec"), namespace, made)
    if isinstance(module, type):
        monkeypatch.setattr(module, name, made[name])
    for other in [m for key, m in sys.modules.items() if key.startswith("keras_upsample.")]:
        for attribute, value in list(vars(other).items()):
            changed = exchanged(value, original, made[name])
            if changed is not value:
                monkeypatch.setattr(other, attribute, changed)


def exchanged(value: Any, old: Any, new: Any) -> Any:
    """A value of a module with a function exchanged, also in a tuple or a table."""
    if value is old:
        return new
    if isinstance(value, tuple) and any(each is old for each in value):
        return tuple(new if each is old else each for each in value)
    if isinstance(value, InKeras):
        both = (value.read, value.write)
        return InKeras(*exchanged(both, old, new)) if old in both else value
    if isinstance(value, MappingProxyType):
        made = {key: exchanged(each, old, new) for key, each in value.items()}
        same = all(made[key] is each for key, each in value.items())
        return value if same else made
    return value


def nearest_of(**options: Any) -> Callable[[], Any]:
    return lambda: check_nearest(Nearest(**options))


def transposed_of(*arguments: Any, **options: Any) -> Callable[[], Any]:
    return lambda: check_transposed(Geometry(*arguments, **options))


# module, function, what stands there, what is put there, check
MUTATIONS = [
    # nearest
    (nearest, "_spread", "np.flip(kernel, axis)", "kernel", nearest_of()),
    (nearest, "_spread", "range(scale)", "range(1, scale)", nearest_of()),
    (nearest, "_spread", "slice(a, a +", "slice(a // 2, a // 2 +", nearest_of()),
    (nearest, "_as_transposed", "1 - top, rows - 1 - bottom", "1 - bottom, rows - 1 - top",
     nearest_of(kernel=(4, 3))),
    (nearest, "_as_transposed", "columns - 1 - left", "columns - left", nearest_of()),
    (nearest, "_as_transposed", "(0, 1, 3, 2)", "(1, 0, 3, 2)", nearest_of()),
    (nearest, "beside", "sum(widths[:index])", "sum(widths[index + 1 :])",
     nearest_of(joined="Concatenate", channels=2, skips=(2,))),
    (nearest, "beside", "x=skip, activation=None)", "x=skip, activation=None, bias=None)",
     nearest_of(joined="ops")),
    (nearest, "beside", "axis=2)", "axis=2)[::-1]", nearest_of(joined="SkipFusion2D")),
    (nearest, "beside", "Activation(total, convolution.activation)", "Activation(total, None)",
     nearest_of(joined="Concatenate", activation="relu")),
    (nearest, "lateral", "np.ones_like(bias), bias)", "np.ones_like(bias), 0 * bias)",
     nearest_of(joined="Conv2D")),
    (nearest, "lateral", "merged, activation=None)", "merged, activation=None, bias=None)",
     nearest_of(joined="Dense")),
    (nearest, "lateral", "Activation(total, convolution.activation)", "Activation(total, None)",
     nearest_of(joined="Conv2D", activation="relu")),
    (nearest, "lateral", "io,hwop->hwip", "io,hwop->whip", nearest_of(joined="Conv2D")),
    # phases
    (_phases, "_axes", "- int(k) + end)", "- int(k) + end + 1)", transposed_of((4, 4))),
    (_phases, "_axes", "first = (begin + moved) // s", "first = (begin + s - 1) // s",
     transposed_of((5, 5))),
    (_phases, "_axes", "((begin + moved) % s,", "((begin + moved + 1) % s,", transposed_of((5, 5))),
    (_phases, "_phase_kernel", "[::-1, :, ::-1]", "[:, :, ::-1]", transposed_of((3, 3))),
    (_phases, "_phase_kernel", "5, 1, 3, 4)", "5, 3, 1, 4)", transposed_of((2, 2))),
    (_phases, "_phase_kernel", "axes[0].moved, axes", "axes[0].taps - 1, axes",
     transposed_of((3, 2))),
    (_phases, "_by_shuffle", "np.tile(", "np.repeat(", transposed_of((2, 2))),
    # phases of their own, and their interleaving
    (_interleaved, "_phases", "(len(taps) - 1 - q, grown // s + q)",
     "(grown // s + q, len(taps) - 1 - q)", transposed_of((4, 4))),
    (_interleaved, "_phases", "divmod(a + begin, s)", "divmod(a, s)", transposed_of((4, 4))),
    (_interleaved, "_phases", "tuple(reversed(range(r, k, s)))", "tuple(range(r, k, s))",
     transposed_of((4, 4))),
    (_interleaved, "_runs", "(last.taps), last.pads)", "(last.taps), phase.pads)",
     transposed_of((4, 4))),
    (_interleaved, "_convolve", "np.tile(", "np.repeat(", transposed_of((2, 2))),
    (_interleaved, "_convolve", "(row.pads, run[0].pads)", "(row.pads, row.pads)",
     transposed_of((4, 4))),
    (_interleaved, "_add", "(max(a - before, 0), 0)", "(0, max(a - before, 0))",
     nearest_of(joined="Concatenate", scale=(3, 3))),
    (_interleaved, "_add", "(max(before - a, 0), max(behind - (s - 1 - a), 0))",
     "(max(behind - (s - 1 - a), 0), max(before - a, 0))", nearest_of(joined="Concatenate")),
    (_interleaved, "_add", "(pads[0], pads[1])", "(pads[1], pads[0])",
     nearest_of(joined="Concatenate")),
    (_shuffle, "interleave", "axis=2)", "axis=1)", transposed_of((2, 2))),
    (_shuffle, "interleave", "a * width : (a + 1) * width", ":width",
     lambda: check_shuffle((2, 3, "dcr", (3, 4)))),
    (shuffle, "_by_rows", "bias[row]", "bias[: len(row)]",
     lambda: check_shuffle_behind(2, "dcr", None)),
    (shuffle, "_by_rows", "reshape(len(index), -1)", "swapaxes(0, 1).reshape(len(index), -1)",
     lambda: check_shuffle_behind(2, "dcr", None)),
    (_activations, "by_element", "activation is None or", "True or",
     transposed_of(activation="softmax")),
    # what Keras' layers compute
    (_keras_reader, "_transposed_crop", "return max(total, 0) // 2, total - max(total, 0) // 2",
     "return total - max(total, 0) // 2, max(total, 0) // 2", transposed_of((5, 5))),
    (_keras_reader, "_transposed_crop", "return 0, min(kernel - stride, 0)", "return 0, 0",
     transposed_of((1, 1), padding="valid")),
    (_keras_reader, "same_pads", "total // 2, total - total // 2", "total - total // 2, total // 2",
     nearest_of(kernel=(2, 2))),
    (_keras_reader, "affine_of", "variance + layer.epsilon", "variance",
     lambda: check_fold("no gamma")),
    (_keras_reader, "affine_of", "-_array(layer.moving_mean) * scale", "-_array(layer.moving_mean)",
     lambda: check_fold("same")),
    (_keras_reader, "affine_of", "in (-1, rank - 1)", "in (-1, 1, rank - 1)",
     lambda: check_stays("norm of rows")),
    # the algebra of operations
    (Linear, "scaled", "scale * self.exact_bias", "self.exact_bias", lambda: check_fold("same")),
    (Linear, "scaled", "scale * self.exact_bias", "self.exact_bias", lambda: check_fold("dense")),
    (Convolution, "_kernel_by_filter", "scale.reshape(kernel.shape[2:])",
     "scale.reshape(kernel.shape[:1:-1]).T", lambda: check_fold("depthwise")),
    (Transposed, "_kernel_by_filter", "scale[:, None]", "scale",
     lambda: check_fold("transposed, valid")),
    (Linear, "_kernel_by_channel", "self.exact_kernel * scale", "self.exact_kernel / scale",
     lambda: check_fold("rescaled before")),
    (Convolution, "of_constant", ".ravel()", ".ravel() * 0", lambda: check_fold("shifted before")),
    # fold
    (fold, "before", "not (padded and", "not (False and", lambda: check_stays("norm, same")),
    (fold, "before", "padding is not None or convolution.pads != NONE", "convolution.pads != NONE",
     lambda: check_stays("norm, padding, valid")),
    # merge
    (merge, "two_convolutions", "moved = np.einsum(", "moved = 0 * np.einsum(",
     lambda: check_merge("1x1 twice")),
    (merge, "two_convolutions", '"zyio,hwop->hwip"', '"zyio,hwop->whip"',
     lambda: check_merge("1x1 before, no bias")),
    (merge, "two_convolutions", "second.pads != NONE and", "False and",
     lambda: check_stays("bias before same")),
    (merge, "two_convolutions", "activation=second.activation", "activation=None",
     lambda: check_merge("1x1 before")),
    # padding
    (_keras_writer, "convolution", '"strides": strides', '"strides": strides[::-1]',
     lambda: check_padding(((7, 5), (2, 3), (1, 1), (5, 7)))),
    (_keras_writer, "convolution", '"dilation_rate": dilation', '"dilation_rate": dilation[::-1]',
     lambda: check_padding(((3, 2), (1, 1), (2, 3), (5, 4)))),
    (padding, "into_same", "pads=total", "pads=convolution.pads",
     lambda: check_padding(((3, 3), (1, 1), (1, 1), (5, 7)))),
    # pointwise
    (pointwise, "before_resize", 'startswith("nearest")', 'startswith("")',
     lambda: check_pointwise("bilinear", activation="tanh")),
    (pointwise, "before_resize", "activation=own", "activation=own, bias=None",
     lambda: check_pointwise("bicubic")),
    (pointwise, "behind_shrinking", "found.on(y)", "replace(found.on(y), bias=None)",
     lambda: check_shrinking("1x1")),
    (_resizes, "as_convolution", "linear.bias, linear", "None, linear",
     lambda: check_merge("dense before")),
    # resize like
    (resize_like, "at_known_sizes", "coordinates=like.coordinates", 'coordinates="half_pixel"',
     lambda: check_resize_like(LIKE[1], "bilinear", "align_corners")),
    (resize_like, "at_known_sizes", '"scale": (rows, columns)', '"scale": (columns, rows)',
     lambda: check_resize_like(LIKE[0], "nearest", "asymmetric")),
    # branches
    (branches, "concatenated", "np.concatenate(left)", "np.concatenate(left[::-1])",
     lambda: check_branches("resized in the middle")),
    (branches, "_apart", "None if number else", "None if not number else",
     lambda: check_branches("sum of three")),
    (branches, "_apart", "Activation(total, convolution.activation)", "Activation(total, None)",
     lambda: check_branches("resized in the middle")),
    (branches, "_apart", "results[1:], 1)", "results[2:], 1)", lambda: check_branches("sum")),
    # deconvolution
    (deconvolution, "_frame", "centre + (s - 1)", "centre + (s + 1)",
     lambda: check_deconvolution(Geometry((4, 4), (2, 2), None))),
    (deconvolution, "_frame", "first = s + shift", "first = s + shift - 1",
     lambda: check_deconvolution(Geometry((5, 5), (3, 3), None))),
    (deconvolution, "_frame", "centre = (k - 1) / 2", "centre = k / 2",
     lambda: check_deconvolution(Geometry((4, 4), (2, 2), "valid"))),
    (deconvolution, "_frame", "((1, 1), (1, 1))", "((1, 1), (2, 0))",
     lambda: check_deconvolution(Geometry((4, 4), (2, 2), "valid"))),
    # minimal filtering
    (minimal_filtering, "_sums", "1 - first, last", "2 - first, last",
     lambda: check_filtering(Filtered((4, 3)))),
    (minimal_filtering, "_build", "hwio,ph->pwio", "hwio,pw->phio",
     lambda: check_filtering(Filtered((4, 3)))),
    (minimal_filtering, "_build", "pads=((0, 0), (1, 1))", "pads=((0, 0), (2, 0))",
     lambda: check_filtering(Filtered((4, 3)))),
    (minimal_filtering, "_outputs", "times(4, even2)", "times(2, even2)",
     lambda: check_filtering(Filtered((4, 3)))),
    (minimal_filtering, "_outputs", "times(4, twice)", "times(8, twice)",
     lambda: check_filtering(Filtered((4, 3)))),
    # parts
    (_parts, "add_up", "ends[:-1], axis=2)", "ends[:-1], axis=2)[::-1]",
     lambda: check_filtering(Filtered((4, 3), parts=(2, 2)))),
    (_parts, "form", "replace(own, bias=None) if number else own", "own",
     lambda: check_convolution(Joined().model(), concatenation)),
    (_parts, "form", "(view, x=part", "(view, dilation=(1, 1), x=part",
     lambda: check_convolution(Joined(kernel=(3, 2), dilation=2).model(), concatenation)),
    (_parts, "form", "Activation(total, view.activation)", "Activation(total, None)",
     lambda: check_convolution(Joined(activation="relu").model(), concatenation)),
    (minimal_filtering, "_build", "None if number or bias is None", "None if bias is None",
     lambda: check_filtering(Filtered((4, 3), parts=(2, 2)))),
    # layout
    (layout, "behind_a_pool", '"max", (1, 1), (1, 1)', '"max", (2, 2), (1, 1), "same"',
     lambda: check_layout()),
    # tiles
    (_tiled, "_inputs", "[:, 1 : 1 + size]", "[:, :size]",
     lambda: check_filtering(Filtered((4, 4)))),
    (_tiled, "_cut", "(1, behind[0])", "(0, behind[0] + 1)",
     lambda: check_filtering(Filtered((35, 7)))),
    (_tiled, "_cut", "wide * j : wide * (j + 1) + 2", "2 * j : wide + 2 * j + 2",
     lambda: check_filtering(Filtered((7, 35)))),
    (_tiled, "_join_tiles", "for i in range(rows)", "for i in reversed(range(rows))",
     lambda: check_filtering(Filtered((60, 7)))),
    (_tiled, "_outputs", "TILE * k : TILE * (k + 1), :, k", "TILE * k : TILE * (k + 1), :, k - 1",
     lambda: check_filtering(Filtered((8, 8)))),
    # sub-pixel convolution
    (subpixel, "in_parts", "reshape(layer.filters, -1).T", "reshape(-1, layer.filters).T",
     lambda: check_subpixel(Subpixel(3, order="crd"))),
    (subpixel, "in_parts", "else bias[order]", "else bias",
     lambda: check_subpixel(Subpixel(order="crd"))),
    # shuffle
    (shuffle, "_shuffle", "reshape(s, s, filters)", "reshape(s, s, filters).swapaxes(0, 1)",
     lambda: check_shuffle((2, 3, "dcr", (3, 4)))),
    (shuffle, "_shuffle", "transpose(1, 2, 0)", "transpose(2, 1, 0)",
     lambda: check_shuffle((2, 3, "crd", (3, 4)))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("module", "name", "old", "new", "check"),
    MUTATIONS,
    ids=[f"{name}: {new}" for _, name, _, new, _ in MUTATIONS],
)
def test_a_mutation_is_caught(
    module: ModuleType | type,
    name: str,
    old: str,
    new: str,
    check: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ready_for_filtering(monkeypatch)
    mutate(monkeypatch, module, name, old, new)
    with pytest.raises(AssertionError, match=BY_VALUES):
        check()


@pytest.mark.parametrize("matrix", ["G", "B"])
def test_every_number_of_the_filters_counts(matrix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of A, which `_outputs` writes out, and of all three, see the exact test."""
    ready_for_filtering(monkeypatch)
    table = getattr(minimal_filtering, matrix)
    rng = np.random.default_rng(0)
    for row, column in rng.permutation(np.argwhere(table))[:5]:
        wrong = table.copy()
        wrong[row, column] *= -1
        with monkeypatch.context() as patch:
            patch.setattr(minimal_filtering, matrix, wrong)
            with pytest.raises(AssertionError, match=BY_VALUES):
                check_filtering(Filtered((9, 3)))


def test_the_biases_of_the_products_count(monkeypatch: pytest.MonkeyPatch) -> None:
    ready_for_filtering(monkeypatch)
    monkeypatch.setattr(minimal_filtering, "BIAS", np.roll(minimal_filtering.BIAS, 1))
    with pytest.raises(AssertionError, match=BY_VALUES):
        check_filtering(Filtered((5, 3)))
