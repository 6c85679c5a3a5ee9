"""Which form of a resize each runtime runs fastest: convolution, resize x2, convolution.

python benchmarks/resize_forms.py

The choices in `keras_upsample/export/targets.py` rest on this table.
"""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

FORMS = {
    "nearest": ("operator", "concat", "matrix"),
    "bilinear": ("operator", "matrix", "taps"),
    "bicubic": ("operator", "matrix", "taps"),
}
SIZES = ((16, 256), (32, 128), (64, 64), (128, 32))
TARGETS = ("tflite", "onnx")


def main() -> None:
    import numpy as np
    from _rounds import interleaved

    from keras_upsample.runtimes import load

    print("seconds, minimum / median of interleaved rounds; ratio = median / best median")
    with tempfile.TemporaryDirectory() as folder:
        for target in TARGETS:
            for interpolation, forms in FORMS.items():
                for size, channels in SIZES:
                    candidates = {}
                    for form in forms:
                        path = Path(folder) / f"{form}.{target}"
                        if not write(target, interpolation, form, size, channels, path):
                            continue
                        runner = load(path)
                        x = np.random.default_rng(0).random((1, size, size, channels), "float32")
                        feeds = {runner.inputs[0].name: x}
                        candidates[form] = lambda r=runner, f=feeds: r(f)
                    times = interleaved(candidates)
                    best = min(median for _, median in times.values())
                    cells = [
                        f"{form} {1e3 * low:.2f}/{1e3 * median:.2f} ms ({median / best:.2f}x)"
                        for form, (low, median) in times.items()
                    ]
                    print(f"{target:<7} {interpolation:<8} {size}²x{channels:<4}", *cells, sep="  ")


def write(target: str, interpolation: str, form: str, size: int, channels: int, path: Path) -> bool:
    """Convert without verification (the tests do that); False where the form has no operator."""
    import keras

    from keras_upsample import layers
    from keras_upsample.errors import ExportError
    from keras_upsample.export import Options
    from keras_upsample.formats._convert import convert
    from keras_upsample.program._program import program_of
    from keras_upsample.program._signature import signature_of
    from keras_upsample.targets import TARGETS as TABLE

    resize = {
        "nearest": layers.NearestUpSampling2D,
        "bilinear": layers.BilinearUpSampling2D,
        "bicubic": layers.BicubicUpSampling2D,
    }[interpolation]
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((size, size, channels), batch_size=1),
            keras.layers.Conv2D(channels, 3, padding="same"),
            resize(2),
            keras.layers.Conv2D(channels, 3, padding="same"),
        ]
    )
    path = path.with_suffix(f".{target}")
    wanted = replace(TABLE[target], forms={interpolation: (form,)})
    try:
        convert(program_of(model, signature_of(model).fixed()), path, wanted, Options())
    except ExportError:
        return False
    return True


if __name__ == "__main__":
    main()
