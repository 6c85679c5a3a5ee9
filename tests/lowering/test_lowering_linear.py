"""Rules about linear layers, padding and resizes: equal to the model itself, and applied."""

from typing import Any

import numpy as np
import pytest
from keras import layers
from linear_cases import (
    BRANCHES,
    FOLD,
    LIKE,
    MERGE,
    PADDED,
    RESIZES,
    SHRINKING,
    chain,
    check_branches,
    check_fold,
    check_merge,
    check_padding,
    check_pointwise,
    check_resize_like,
    check_shrinking,
    conv,
    norm,
    random_stack,
)
from lowering_checks import check, count, model_of, names_of, only

from keras_upsample.layers import (
    CropLike2D,
    PadToMultiple2D,
    PixelShuffle2D,
    ResizeLike2D,
)
from keras_upsample.lowering._rules import (
    branches,
    fold,
    identity,
    merge,
    nearest,
    padding,
    pointwise,
    resize_like,
    transposed,
)


@pytest.mark.parametrize("name", FOLD)
def test_fold(name: str) -> None:
    check_fold(name)


def test_fold_keeps_what_is_behind() -> None:
    lowered = check_fold("activation behind")
    assert count(lowered.model, layers.ReLU) == 1


def test_fold_says_which_layers() -> None:
    stack = chain(conv(name="a"), norm(name="b"))
    (entry,) = check(model_of(stack, 4, 4, 2), fold).applied
    assert (entry.rule, entry.layers, entry.form) == (fold.NAME, ("a", "b"), "one layer")


@pytest.mark.parametrize("case", PADDED, ids=str)
def test_padding(case: tuple) -> None:
    assert check_padding(case).model.layers[-1].padding == "same"


@pytest.mark.parametrize("case", [case for case in PADDED if case[1] != (2, 3)], ids=str)
def test_padding_of_depthwise(case: tuple) -> None:
    """TensorFlow has none of strides of two lengths."""
    (layer,) = check_padding(case, depthwise=True).model.layers[1:]
    assert type(layer) is layers.DepthwiseConv2D and layer.padding == "same"


@pytest.mark.parametrize("name", MERGE)
def test_merge(name: str) -> None:
    check_merge(name)


@pytest.mark.parametrize("name", RESIZES)
def test_pointwise(name: str) -> None:
    check_pointwise(name, activation="softmax")
    check_pointwise(name, use_bias=False)


@pytest.mark.parametrize("activation", ["relu", "softmax", "sparsemax"])
def test_only_nearest_lets_an_activation_pass(activation: str) -> None:
    for name, passes in [("nearest", True), ("bilinear", False), ("bicubic", False)]:
        lowered = check_pointwise(name, activation=activation)
        assert count(lowered.model, layers.Activation) == (0 if passes else 1)


def test_pointwise_through_two_resizes() -> None:
    stack = chain(
        layers.UpSampling2D(2),
        layers.UpSampling2D(2, interpolation="bilinear"),
        conv(1, 1, name="reduced"),
    )
    lowered = check(model_of(stack, 2, 3, 4), pointwise)
    assert lowered.model.get_layer("reduced").output.shape == (None, 2, 3, 1)


@pytest.mark.parametrize("name", SHRINKING)
def test_pointwise_behind_a_resize_that_shrinks(name: str) -> None:
    check_shrinking(name)


@pytest.mark.parametrize("coordinates", ["half_pixel", "align_corners", "asymmetric"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("case", LIKE, ids=str)
def test_resize_like(case: tuple, interpolation: str, coordinates: str) -> None:
    check_resize_like(case, interpolation, coordinates)


def test_resize_like_by_whole_factors_is_a_resize_for_other_rules() -> None:
    def decoder(x: Any) -> Any:
        y = ResizeLike2D("nearest")([conv(3, 3, strides=2, padding="same")(x), x])
        return conv(2, 3, padding="same")(y)

    lowered = check(
        model_of(decoder, 6, 8, 2), resize_like, nearest, forms={nearest.NAME: "shuffle"}
    )
    assert count(lowered.model, PixelShuffle2D) == 1
    assert not names_of(check(model_of(decoder, None, None, 2), sizes=[(6, 8)]))


@pytest.mark.parametrize("name", BRANCHES)
def test_branches(name: str) -> None:
    check_branches(name)


def test_decoder_of_segformer() -> None:
    """Four maps, each behind a dense layer, resized to the size of one and concatenated."""

    def decoder(x: Any) -> Any:
        maps = [conv(c, strides=s, padding="same", activation="relu")(x) for c, s in STAGES]
        maps = [layers.Dense(8)(each) for each in maps]
        maps = [layers.Resizing(7, 9)(each) if i else each for i, each in enumerate(maps)]
        y = conv(8, 1, use_bias=False, name="fuse")(layers.Concatenate()(maps))
        return conv(2, 1, name="head")(layers.ReLU()(norm()(y)))

    lowered = check(model_of(decoder, 14, 18, 3), branches, merge, pointwise, fold)
    assert not count(lowered.model, layers.Dense)
    assert not count(lowered.model, layers.Concatenate)
    # one convolution a map, the maps' own, and the last
    assert count(lowered.model, layers.Conv2D) == 2 * len(STAGES) + 1


STAGES = [(3, 2), (4, 4), (5, 8), (2, 1)]
"""Channels and strides of maps; the last is larger than the first."""

NOTHING = {
    "Dropout": (lambda: layers.Dropout(0.5), (4, 3)),
    "SpatialDropout1D": (lambda: layers.SpatialDropout1D(0.5), (4, 3)),
    "SpatialDropout2D": (lambda: layers.SpatialDropout2D(0.5), (4, 5, 3)),
    "SpatialDropout3D": (lambda: layers.SpatialDropout3D(0.5), (2, 4, 5, 3)),
    "AlphaDropout": (lambda: layers.AlphaDropout(0.5), (3,)),
    "GaussianDropout": (lambda: layers.GaussianDropout(0.5), (3,)),
    "GaussianNoise": (lambda: layers.GaussianNoise(0.5), (3,)),
    "Identity": (lambda: layers.Identity(), (3,)),
    "ActivityRegularization": (lambda: layers.ActivityRegularization(0.1), (3,)),
    "Activation": (lambda: layers.Activation("linear"), (3,)),
    "Rescaling": (lambda: layers.Rescaling([1.0, 1.0, 1.0], 0.0), (4, 3)),
    "ZeroPadding2D": (lambda: layers.ZeroPadding2D(0), (None, None, 3)),
    "Cropping2D": (lambda: layers.Cropping2D(((0, 0), (0, 0))), (4, 5, 3)),
    "UpSampling2D": (lambda: layers.UpSampling2D(1, interpolation="bilinear"), (4, 5, 3)),
    "PadToMultiple2D": (lambda: PadToMultiple2D(2), (4, 6, 3)),
    "CropLike2D": (lambda: lambda x: CropLike2D()([x, layers.ReLU()(x)]), (4, 5, 3)),
}


@pytest.mark.parametrize("name", NOTHING)
def test_identity(name: str) -> None:
    layer, shape = NOTHING[name]
    stack = chain(layers.Activation("tanh"), layer(), layers.Dense(2))
    lowered = check(model_of(stack, *shape), identity, never=only(identity))
    kinds = [type(layer).__name__ for layer in lowered.model.layers]
    assert kinds[-2:] == ["Activation", "Dense"]
    assert len(kinds) == 3


def test_not_quite_nothing() -> None:
    """Each of these does something to one number at least."""
    tried = {
        "rescaling": (layers.Rescaling([1.0, 1.0, 1.001]), (4, 5, 3)),
        "offset": (layers.Rescaling(1.0, 0.01), (4, 5, 3)),
        "padding": (layers.ZeroPadding2D(((0, 0), (0, 1))), (4, 5, 3)),
        "cropping": (layers.Cropping2D(((0, 1), (0, 0))), (4, 5, 3)),
        "upsampling": (layers.UpSampling2D((1, 2)), (4, 5, 3)),
        "multiple": (PadToMultiple2D(4), (4, 5, 3)),
        "multiple at open sizes": (PadToMultiple2D(4), (None, None, 3)),
        "relu": (layers.Activation("relu"), (4, 5, 3)),
    }
    for name, (layer, shape) in tried.items():
        lowered = check(model_of(chain(layer, layers.Dense(2)), *shape), never=only(identity))
        assert not names_of(lowered), name


def test_random_padding_in_front_of_same_or_valid() -> None:
    rng = np.random.default_rng(7)
    applied = 0
    for _ in range(16):
        pads = tuple(map(tuple, rng.integers(0, 3, (2, 2)).tolist()))
        kernel = tuple(int(n) for n in rng.integers(1, 5, 2))
        stack = chain(
            layers.ZeroPadding2D(pads),
            conv(
                2,
                kernel,
                padding=str(rng.choice(["same", "valid"])),
                strides=int(rng.integers(1, 3)),
            ),
        )
        size = tuple(int(n) for n in rng.integers(4, 8, 2))
        lowered = check(model_of(stack, *size, 2), never=only(padding))
        applied += len(lowered.applied)
    assert 1 <= applied < 16


FORMS = [
    {},
    {nearest.NAME: "shuffle", transposed.NAME: "shuffle"},
    {nearest.NAME: "transposed", transposed.NAME: "dense"},
]


def test_random_stacks() -> None:
    """Rules one behind another; which of them met is asked, else this would prove little."""
    met: set[str] = set()
    for seed in range(24):
        stack, shape = random_stack(seed)
        lowered = check(model_of(chain(*stack), *shape), forms=FORMS[seed % len(FORMS)])
        met |= set(names_of(lowered))
    rules = (fold, identity, merge, nearest, padding, pointwise, transposed)
    assert met == {rule.NAME for rule in rules}
