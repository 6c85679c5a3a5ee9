"""Against what PyTorch 2.13.0 computed (tests/vectors/make_torch_vectors.py wrote the file)."""

import json
from pathlib import Path

import numpy as np
import pytest
from compare import as_numpy

from keras_upsample import layers, ops

pytestmark = pytest.mark.backend_neutral

with np.load(Path(__file__).parents[1] / "vectors" / "torch_vectors.npz") as _file:
    VECTORS = {name: _file[name] for name in _file.files}
CASES = json.loads(str(VECTORS["cases"]))
LARGEST_ERROR = 1e-5


def names(prefix: str) -> list[str]:
    found = [name for name in CASES if name.startswith(prefix)]
    assert found
    return found


def compare(actual: object, name: str) -> None:
    values, dtype = as_numpy(actual)
    expected = VECTORS[f"{name}/y"]
    assert (values.shape, dtype) == (expected.shape, "float32")
    assert np.abs(values - expected).max() <= LARGEST_ERROR


@pytest.mark.parametrize("name", names("interpolate_"))
@pytest.mark.parametrize("form", ["operator", "taps", "matrix"])
def test_interpolate(name: str, form: str) -> None:
    case = CASES[name]
    options: dict = {"size": tuple(case["size"]), "data_format": "channels_first"}
    mode = case["mode"]
    if mode.startswith("nearest"):
        options["coordinates"] = "half_pixel" if mode == "nearest-exact" else "asymmetric"
        function = ops.resize_nearest
    else:
        options["coordinates"] = "align_corners" if case["align_corners"] else "half_pixel"
        function = ops.resize_bilinear
        if mode == "bicubic":
            function = ops.resize_bicubic
            options |= {"coefficient": -0.75, "border": "clamp"}
    with ops.resize_forms({mode.removesuffix("-exact"): (form,)}):
        compare(function(VECTORS[f"{name}/x"], **options), name)


@pytest.mark.parametrize("name", names("pixel_shuffle_"))
def test_pixel_shuffle(name: str) -> None:
    x, scale = VECTORS[f"{name}/x"], CASES[name]["scale"]
    compare(ops.pixel_shuffle(x, scale, "crd", data_format="channels_first"), name)


@pytest.mark.parametrize("name", [*names("conv_transpose_"), "article"])
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_conv_transpose(name: str, data_format: str) -> None:
    layer = layers.TransposedConv2D.from_torch_geometry(**CASES[name], data_format=data_format)
    x = VECTORS[f"{name}/x"]
    if data_format == "channels_last":
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    layer.build(x.shape)
    layer.set_weights([VECTORS[f"{name}/weight"].transpose(2, 3, 1, 0), VECTORS[f"{name}/bias"]])
    y = as_numpy(layer(x))[0]
    compare(y if data_format == "channels_first" else y.transpose(0, 3, 1, 2), name)


@pytest.mark.parametrize("name", names("spread"))
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_conv_transpose_in_groups_with_dilations(name: str, data_format: str) -> None:
    kinds = {1: layers.TransposedConv1D, 2: layers.TransposedConv2D, 3: layers.TransposedConv3D}
    x, weight = VECTORS[f"{name}/x"], VECTORS[f"{name}/weight"]
    rank = x.ndim - 2
    layer = kinds[rank].from_torch_geometry(**CASES[name], data_format=data_format)
    if data_format == "channels_last":
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    layer.build(x.shape)
    kernel = weight.transpose(*range(2, rank + 2), 1, 0)
    layer.set_weights([kernel, VECTORS[f"{name}/bias"]])
    y = as_numpy(layer(x))[0]
    assert layer.compute_output_shape(x.shape) == y.shape
    compare(y if data_format == "channels_first" else np.moveaxis(y, -1, 1), name)


@pytest.mark.parametrize("name", names("lengths_"))
def test_lines_and_volumes(name: str) -> None:
    case, x = CASES[name], VECTORS[f"{name}/x"]
    mode, interpolation = case["mode"], "linear"
    coordinates = "align_corners" if case["align_corners"] else "half_pixel"
    if mode.startswith("nearest"):
        interpolation = "nearest"
        coordinates = "half_pixel" if mode == "nearest-exact" else "asymmetric"
    y = {3: ops.resize1d, 5: ops.resize3d}[x.ndim](
        x,
        size=tuple(case["size"]),
        interpolation=interpolation,
        coordinates=coordinates,
        data_format="channels_first",
    )
    compare(y, name)


@pytest.mark.parametrize("name", names("antialias_"))
@pytest.mark.parametrize("form", ["matrix", "pointwise"])
def test_antialias(name: str, form: str) -> None:
    """None of width 1, where PyTorch's own is wrong."""
    mode, size = CASES[name]["mode"], tuple(CASES[name]["size"])
    function = {"bilinear": ops.resize_bilinear, "bicubic": ops.resize_bicubic}[mode]
    x = VECTORS[f"{name}/x"]
    with ops.resize_forms({mode: (form,)}):
        compare(function(x, size=size, antialias=True, data_format="channels_first"), name)


def test_the_articles_example_has_the_articles_shapes() -> None:
    assert VECTORS["article/x"].shape == (1, 16, 8, 8)
    assert VECTORS["article/y"].shape == (1, 8, 16, 16)


def test_exactly_scaling_layer_is_pytorchs_where_the_geometries_meet() -> None:
    """Kernel 4, stride 2, padding 1 takes one pixel off each side, as the default crop does."""
    name = "conv_transpose_4_2_1_0"
    layer = layers.TransposedConv2D(2, 2, 4, data_format="channels_first")
    layer.build(VECTORS[f"{name}/x"].shape)
    layer.set_weights([VECTORS[f"{name}/weight"].transpose(2, 3, 1, 0), VECTORS[f"{name}/bias"]])
    compare(layer(VECTORS[f"{name}/x"]), name)


def test_against_pytorch_itself() -> None:
    """Random geometries, where PyTorch is installed."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: vectors only")
    rng = np.random.default_rng(11)
    for _ in range(30):
        kernel, stride = int(rng.integers(1, 7)), int(rng.integers(1, 5))
        padding, output_padding = int(rng.integers(0, kernel)), int(rng.integers(0, stride))
        theirs = torch.nn.ConvTranspose2d(2, 3, kernel, stride, padding, output_padding)
        x = rng.uniform(-1, 1, (1, 2, 8, 9)).astype("float32")
        with torch.no_grad():
            expected = theirs(torch.tensor(x)).numpy()
        ours = layers.TransposedConv2D.from_torch_geometry(
            3, kernel, stride, padding, output_padding, data_format="channels_first"
        )
        ours.build(x.shape)
        ours.set_weights(
            [theirs.weight.detach().numpy().transpose(2, 3, 1, 0), theirs.bias.detach().numpy()]
        )
        y = as_numpy(ours(x))[0]
        assert y.shape == expected.shape
        assert np.abs(y - expected).max() <= LARGEST_ERROR


@pytest.mark.parametrize("name", names("max_pool_"))
def test_max_pool_and_unpool(name: str) -> None:
    pool_size, size = CASES[name]["pool_size"], tuple(CASES[name]["size"])
    first = {"data_format": "channels_first"}
    y, indices = ops.max_pool_with_indices(VECTORS[f"{name}/x"], pool_size, **first)
    compare(y, name)
    flat = VECTORS[f"{name}/indices"]
    found = as_numpy(ops.flat_indices(indices, pool_size, size[1], **first))[0]
    assert np.array_equal(found, flat)
    back = ops.window_indices(flat, pool_size, size[1], **first)
    assert np.array_equal(as_numpy(back)[0], as_numpy(indices)[0])
    z = ops.max_unpool(y, back, pool_size, size=size, **first)
    assert np.array_equal(as_numpy(z)[0], VECTORS[f"{name}/z"])


@pytest.mark.parametrize("name", names("area_"))
@pytest.mark.parametrize("form", ["operator", "taps", "matrix"])
def test_area(name: str, form: str) -> None:
    size, x = tuple(CASES[name]["size"]), VECTORS[f"{name}/x"]
    with ops.resize_forms({"area": (form,)}):
        compare(ops.resize_area(x, size=size, data_format="channels_first"), name)
