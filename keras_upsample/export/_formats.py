"""One function a format."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..formats._inside import planned
from ..formats._onnx import OPSETS
from ..lowering._lower import headed
from ..metadata import Metadata
from ..program._input_shape import ShapeArgument
from ..program._signature import signature_to_run
from ..targets import resizable, target_named
from ._artefact import Options, make_artefact
from ._gates import GateArgument
from ._given import given_examples
from ._images import Images
from ._known import after_head, known, output_names, scores_of, with_scalings
from ._pixel_reference import reference_of
from ._report import ArtefactReport
from ._resizable import opened, sized_for
from ._source import as_model

_TFLITE = {
    "float32": "tflite",
    "float16": "tflite_float16",
    "dynamic": "tflite_dynamic",
    "int8": "tflite_int8",
    "int16x8": "tflite_int16x8",
}
_ONNX = {"float32": "onnx", "float16": "onnx_float16", "int8": "onnx_int8"}


def to_saved_model(
    model: Any,
    path: str | Path,
    *,
    input_shape: ShapeArgument = None,
    batch_size: int | None = None,
    metadata: Metadata | None = None,
    scaling: str = "outside",
    images: Images = None,
    head: str | None = None,
    threshold: float | None = None,
    lower: bool = True,
    tune: bool | float = False,
    overwrite: bool = False,
    gate: GateArgument = None,
) -> ArtefactReport:
    """Write a SavedModel directory, verified in TensorFlow.

    One signature, `serving_default`, with the names of the model's inputs and outputs; height,
    width and batch stay open where the model leaves them open.

    Args:
        model: any Keras model, or the path of one, as for `export`.
        path: the directory to write. A SavedModel of ours that stands there is replaced
            at the end.
        input_shape: sizes to fix, without the batch, e.g. `(256, 256, 3)`, or a dict by input name.
        batch_size: fixes the batch.
        metadata: what the model means; default what it carries, see `keras_upsample.metadata.of`.
        images: what to verify on; see `verify`.
        scaling, head, threshold, lower, tune, overwrite, gate: as for `export`.

    Returns:
        The artefact's report.

    Raises:
        ExportError, VerificationError, ValueError, TypeError, PermissionError: nothing was written
            and whatever stood at `path` is unchanged.

    Example:
        >>> to_saved_model(model, "build/unet")  # doctest: +SKIP
    """
    options = Options(
        metadata=metadata, scaling=scaling, lower=lower, tune=tune, overwrite=overwrite, gate=gate
    )
    return _one(
        model, path, "saved_model", input_shape, batch_size, images, head, threshold, options
    )


def to_tflite(
    model: Any,
    path: str | Path,
    *,
    input_shape: ShapeArgument = None,
    precision: str = "float32",
    representative_data: Any = None,
    integer_io: bool = False,
    keep_float: Sequence[str] = (),
    allow_flex: bool = False,
    batch_size: int = 1,
    resizable: bool = False,
    metadata: Metadata | None = None,
    scaling: str = "outside",
    images: Images = None,
    head: str | None = None,
    threshold: float | None = None,
    lower: bool = True,
    tune: bool | float = False,
    overwrite: bool = False,
    gate: GateArgument = None,
) -> ArtefactReport:
    """Write a TFLite file of fixed shapes, or of open heights and widths, verified in LiteRT.

    Args:
        model: any Keras model, or the path of one, as for `export`.
        path: the file to write.
        input_shape: without the batch, e.g. `(256, 256, 3)`, or a dict by input name. Heights and
            widths that stay open become 256 pixels.
        precision: `"float32"`, `"float16"` (weights stored in half precision), `"dynamic"`
            (weights in 8 bits, arithmetic in float), `"int8"` (all in 8 bits) or `"int16x8"`
            (activations in 16 bits).
        representative_data: images from which `"int8"` and `"int16x8"` learn the ranges of
            activations, 8 or more: an array `(N, H, W, C)`, a folder, or what yields images or, for
            several inputs, dicts of arrays by name. Default: what a preset was trained on, else
            photographs; a model that was trained on anything else needs its own.
        integer_io: let inputs and outputs of an integer file be integers; `keras_upsample.runtimes`
            converts them.
        keep_float: names of layers that an `"int8"` file computes in float, those that lose most
            by `quantization_errors`; not with `integer_io`, and for no accelerator.
        allow_flex: let operators without a TFLite built-in become Select-TF (Flex) operators. Such
            a file runs only where TensorFlow's are linked in, and must be verified there:
            TensorFlow's own Python package has not had them since 2.20, and then an `ExportError`
            says so.
        batch_size: images per call.
        resizable: as for `export`.
        metadata: what the model means; default what it carries, see `keras_upsample.metadata.of`.
        images: what to verify on; see `verify`.
        scaling, head, threshold, lower, tune, overwrite, gate: as for `export`.

    Returns:
        The artefact's report.

    Raises:
        ExportError, VerificationError, ValueError, TypeError, PermissionError: nothing was written
            and whatever stood at `path` is unchanged.

    Example:
        >>> to_tflite(model, "build/unet.tflite", input_shape=(256, 256, 3))  # doctest: +SKIP
    """
    target = _chosen(precision, _TFLITE)
    if resizable and allow_flex:
        raise ValueError("`resizable` and `allow_flex` can't go together. Leave one out.")
    options = Options(
        allow_flex=allow_flex,
        metadata=metadata,
        scaling=scaling,
        lower=lower,
        tune=tune,
        overwrite=overwrite,
        gate=gate,
        representative_data=representative_data,
        integer_io=integer_io,
        resizable=resizable,
        keep_float=_layer_names(keep_float, precision, integer_io or scaling == "inside"),
    )
    return _one(model, path, target, input_shape, batch_size, images, head, threshold, options)


def to_onnx(
    model: Any,
    path: str | Path,
    *,
    opset: int = OPSETS[-1],
    layout: str = "nhwc",
    input_shape: ShapeArgument = None,
    precision: str = "float32",
    representative_data: Any = None,
    keep_float: Sequence[str] = (),
    weight_bits: int | None = None,
    batch_size: int | None = None,
    metadata: Metadata | None = None,
    scaling: str = "outside",
    images: Images = None,
    head: str | None = None,
    threshold: float | None = None,
    lower: bool = True,
    tune: bool | float = False,
    overwrite: bool = False,
    gate: GateArgument = None,
) -> ArtefactReport:
    """Write an ONNX file, verified in ONNX Runtime, and in OpenVINO if that is installed.

    Args:
        model: any Keras model, or the path of one, as for `export`.
        path: the file to write.
        opset: of the default ONNX domain, 13 to 18.
        layout: `"nhwc"` as in Keras, or `"nchw"`, for rank-4 inputs and outputs.
        input_shape: sizes to fix, without the batch and channels last, e.g. `(256, 256, 3)`, or a
            dict by input name. Default: what the model leaves open stays open.
        precision: `"float32"`, `"float16"` (float32 at inputs and outputs) or `"int8"` (quantised
            statically by ONNX Runtime: QDQ, weights by channel).
        representative_data, keep_float: for `"int8"`, as for `to_tflite`.
        weight_bits: for `"int8"`, 7 or 8; default 7, and 8 for networks on volumes, whose weights
            are not rounded together. With signed weights of 8 bits, sums of products overflow
            on processors without VNNI, so those of 8 bits are unsigned, which is slower. They keep
            more digits with `lower=False`; otherwise 7 bits compute as well.
        batch_size: fixes the batch; default any.
        metadata: what the model means; default what it carries, see `keras_upsample.metadata.of`.
        images: what to verify on; see `verify`.
        scaling, head, threshold, lower, tune, overwrite, gate: as for `export`.

    Returns:
        The artefact's report.

    Raises:
        ExportError, VerificationError, ValueError, TypeError, PermissionError: nothing was written
            and whatever stood at `path` is unchanged.

    Example:
        >>> to_onnx(model, "build/unet.onnx", layout="nchw")  # doctest: +SKIP
    """
    model = as_model(model)
    options = Options(
        opset=opset,
        layout=layout,
        metadata=metadata,
        scaling=scaling,
        lower=lower,
        tune=tune,
        overwrite=overwrite,
        gate=gate,
        representative_data=representative_data,
        keep_float=_layer_names(keep_float, precision),
        weight_bits=weight_bits,
    )
    return _one(
        model,
        path,
        _chosen(precision, _ONNX),
        input_shape,
        batch_size,
        images,
        head,
        threshold,
        options,
    )


def _layer_names(names: Sequence[str], precision: str, integer_io: bool = False) -> tuple[str, ...]:
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"`keep_float` must be a list of names of layers. Received: {names!r}.")
    if names and (precision != "int8" or integer_io):
        raise ValueError(
            '`keep_float` is for precision="int8" with inputs and outputs of floats, without '
            f"`integer_io` and with scaling outside. Received: precision={precision!r}."
        )
    return tuple(names)


def _chosen(precision: str, targets: Mapping[str, str]) -> str:
    if precision not in targets:
        raise ValueError(
            f"`precision` must be one of {', '.join(map(repr, targets))}. Received: {precision!r}."
        )
    return targets[precision]


def _one(
    model: Any,
    path: str | Path,
    target: str,
    input_shape: ShapeArgument,
    batch_size: int | None,
    images: Images,
    head: str | None,
    threshold: float | None,
    options: Options,
) -> ArtefactReport:
    model = as_model(model)
    goal = target_named(target)
    signature = signature_to_run(model, input_shape, batch_size)
    if options.resizable:
        goal, plain = resizable(goal), signature
        signature = opened(model, plain)
        signature = sized_for(goal, signature, plain, batch_size or 1)
    found = known(model, signature, options.metadata)
    signature = with_scalings(signature, found.metadata)
    model, signature = headed(model, signature, head, scores_of(found, head, threshold))
    found = after_head(found, model, head)
    plan = planned(signature, found.metadata, output_names(model), options.scaling, [goal])
    given = given_examples(signature, images, options.representative_data)
    reference = reference_of(model, signature, given.images, plan, given.source)
    data = given.learnt(model, signature, [goal])
    options = replace(options, known=found, inside=plan, representative_data=data)
    return make_artefact(model, path, goal, signature, reference, options)
