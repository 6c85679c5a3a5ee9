"""Networks of segmentation_models.pytorch read by `from_torch`, against PyTorch's own outputs.

python benchmarks/from_smp.py                          # all; needs pip install ".[smp]"
python benchmarks/from_smp.py Unet,FPN resnet18        # some architectures, some encoders

Seeded random weights, and statistics of batch normalization that are nowhere the initial ones; two
images that `from_torch` did not see. A row a network: the largest error in units of the output's
range, parameters that PyTorch's output depends on, trainable weights of Keras, Transposes, seconds.
"""

import os
import sys
import warnings
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "interchange"))

ARCHITECTURES = (
    "Unet", "UnetPlusPlus", "MAnet", "Linknet", "FPN", "PSPNet", "DeepLabV3", "DeepLabV3Plus",
    "PAN", "UPerNet", "Segformer", "DPT",
)  # fmt: skip
ENCODERS = ("resnet18", "mobilenet_v2", "efficientnet-b0", "mit_b0")
VIT = "tu-vit_tiny_patch16_224"
HEAD = (
    "| network | encoder | error | parameters | trainable | Transpose | seconds |\n"
    "|---|---|---:|---:|---:|---:|---:|"
)
GATE = 1e-5


def cases() -> list[tuple[str, str]]:
    """Architecture and encoder; DPT takes those of timm alone."""
    pairs = [(a, e) for a in ARCHITECTURES if a != "DPT" for e in ENCODERS]
    return [*pairs, ("DPT", VIT)]


def image_shape(architecture: str) -> tuple[int, int, int, int]:
    """As small as the network takes them, and not square where it can be."""
    large = {"PAN": (1, 3, 128, 160), "DPT": (1, 3, 224, 224)}
    return large.get(architecture, (1, 3, 64, 96))


def measure(architecture: str, encoder: str) -> dict[str, Any]:
    """What came of one network: "equal", "wrong", "refused", or "absent" in the package itself."""
    import torch
    from smp_nets import seeded

    from keras_upsample.errors import ArtefactError
    from keras_upsample.interchange import from_torch

    try:
        net = seeded(architecture, encoder)
    except (KeyError, ValueError) as error:
        return {"outcome": "absent", "why": str(error).splitlines()[0].strip("'\"")}
    shape = image_shape(architecture)
    begin = perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = from_torch(net, shape, verify=False)
        except ArtefactError as error:
            return {"outcome": "refused", "why": str(error).partition("can't be read. ")[2]}
    seconds = perf_counter() - begin
    x = np.random.default_rng(0).random((2, *shape[1:]), "float32")
    with torch.no_grad():
        wanted = np.moveaxis(net(torch.from_numpy(x)).numpy(), 1, -1)
    found = np.asarray(model(np.moveaxis(x, 1, -1), training=False))
    error = float(np.abs(found - wanted).max() / np.ptp(wanted))
    return {
        "outcome": "equal" if error <= GATE else "wrong",
        "error": error,
        "parameters": _used_parameters(net, torch.from_numpy(x)),
        "trainable": sum(int(np.prod(w.shape)) for w in model.trainable_weights),
        "transposes": sum(type(layer).__name__ == "Transpose" for layer in model.operations),
        "seconds": seconds,
        "exporter": "dynamo" if any("exporter was taken" in str(w.message) for w in caught) else "",
    }


def _used_parameters(net: Any, x: Any) -> int:
    """PSPNet, for example, builds the last stages of its encoder, and does not use them."""
    net(x).sum().backward()
    return sum(p.numel() for p in net.parameters() if p.grad is not None)


def row(architecture: str, encoder: str, found: dict[str, Any]) -> str:
    """Of the table."""
    if "why" in found:
        return f"| {architecture} | {encoder} | {found['outcome']}: {found['why']} | | | | |"
    by = f" ({found['exporter']})" if found["exporter"] else ""
    return (
        f"| {architecture} | {encoder} | {found['error']:.1e}{by} | {found['parameters']:,} | "
        f"{found['trainable']:,} | {found['transposes']} | {found['seconds']:.0f} |"
    )


def main() -> None:
    """Command line."""
    wanted = [set(argument.split(",")) for argument in sys.argv[1:3]]
    counts: Counter[str] = Counter()
    print(HEAD)
    for pair in cases():
        if all(name in names for name, names in zip(pair, wanted, strict=False)):
            found = measure(*pair)
            counts[found["outcome"]] += 1
            print(row(*pair, found), flush=True)
    print("\n" + ", ".join(f"{count} {outcome}" for outcome, count in counts.items()))


if __name__ == "__main__":
    main()
