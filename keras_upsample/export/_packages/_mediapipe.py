"""MediaPipe's ImageSegmenter: a `.tflite` file of a kind that it takes.

https://ai.google.dev/edge/mediapipe/solutions/vision/image_segmenter

Every TFLite file of this package has the TFLite Metadata that ImageSegmenter reads. Here files are
refused that it refuses, or whose outputs it would take for something else.
"""

from pathlib import Path

from ..._publish import publish
from ...metadata import Metadata, read
from ...metadata._tflite import places
from ...metadata._tflite_standard import Place, normalization
from .._artefact import check_path
from .._report import ArtefactReport
from ._content import Content, moved, named_as

_PIXELS = ("float32", "uint8")
_NO_SCORES = ("class_map", "picture", "regression")


def write_mediapipe(content: Content, out: Path) -> tuple[Path, ArtefactReport | None]:
    """Write `NAME.tflite`."""
    path = out / f"{content.name}.tflite"
    if content.options.resizable:
        raise ValueError("`resizable` is not for MediaPipe, whose files have fixed sizes.")
    check_path(path, directory=False, overwrite=content.options.overwrite)
    with publish(path) as staged, named_as(path, staged):
        report = content.write(staged, "tflite")
        metadata = read(staged) or Metadata()
        inputs, outputs = places(staged)
        if reason := refusal(metadata, inputs, outputs):
            raise ValueError(f"MediaPipe's ImageSegmenter does not take {content.name!r}: {reason}")
    return path, moved(report, path)


def refusal(metadata: Metadata, inputs: list[Place], outputs: list[Place]) -> str:
    """Why ImageSegmenter does not take a file, and what to do; "" if it does."""
    if len(inputs) != 1 or len(outputs) > 2:
        return f"it takes one input and up to two outputs, not {len(inputs)} and {len(outputs)}."
    shape, dtype = inputs[0].shape, inputs[0].dtype
    if len(shape) != 4 or shape[0] != 1 or shape[3] != 3:
        return f"it takes one RGB picture, (1, height, width, 3), not {shape}."
    if dtype not in _PIXELS:
        return f"its input must be float32 or uint8, not {dtype}. Leave `integer_io` out."
    scaling = metadata.input.scaling
    if dtype == "float32":
        form = normalization(scaling)
        if form is None:
            return (
                f"it needs a mean and a standard deviation of pixels, and the scaling is "
                f"{'unknown' if scaling is None else scaling}. Set `Input.scaling` in the metadata."
            )
        if len(form["mean"]) > 1:
            return (
                "it takes one mean and standard deviation for all channels. Pass scaling='inside' "
                "(--scaling inside), so that the file scales the pixels."
            )
    result = metadata.outputs[-1] if metadata.outputs else metadata.output
    if result.kind in _NO_SCORES:
        return f"it takes scores, one channel a class, not a {result.kind.replace('_', ' ')}."
    if len(outputs[-1].shape) != 4:
        return f"it takes scores (1, height, width, classes), not {outputs[-1].shape}."
    if not result.kind:
        return (
            "it must know whether scores are logits. Set the `kind` of the output in the metadata "
            "to 'logits' or 'probabilities'."
        )
    return ""
