"""How fast lowered exports run, against Keras' own export of the same model.

python benchmarks/export_latency.py [--tune] [--only NAME] [--rounds N]

Every model is exported by `model.export` of Keras and by `keras_upsample.export`, as it is and
lowered; the files of one model are then timed in turn, round by round, in one process. Ratios are
Keras' time over ours, by median and by minimum; above 1 ours is faster.
"""

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

TARGETS = {"tflite": "litert", "onnx": "onnx"}


def models() -> Mapping[str, Callable[[], Any]]:
    """Name -> builder. "stock" U-Nets upsample by Keras' own layers."""
    from keras_upsample import zoo

    def of_encoder(size: int, upsample: str) -> Callable[[], Any]:
        return lambda: zoo.unet((size, size, 3), 3, encoder="mobilenet_v2", upsample=upsample)

    return {
        **{
            f"unet {upsample}": lambda u=upsample: zoo.unet(
                (256, 256, 3), 3, filters=_FILTERS, upsample=u
            )
            for upsample in ("transposed_conv", "nearest", "bilinear", "pixel_shuffle")
        },
        **{
            f"stock unet {upsample}": lambda u=upsample: stock_unet(u)
            for upsample in ("transposed", "nearest", "bilinear")
        },
        **{
            f"mobilenet_v2 unet {upsample} {size}": of_encoder(size, upsample)
            for size in (256, 512)
            for upsample in ("nearest", "bilinear")
        },
        "fcn8s": lambda: zoo.fcn8s((256, 256, 3), 21, fc_width=512),
        "unet_plus_plus": lambda: zoo.unet_plus_plus((256, 256, 3), 3, filters=_FILTERS),
        "deeplab_v3_plus": lambda: zoo.deeplab_v3_plus((256, 256, 3), 21),
    }


_FILTERS = (32, 64, 128, 256, 512)


def stock_unet(upsample: str, size: int = 256) -> Any:
    """The U-Net that most users write: Keras' layers alone, the upsampled map concatenated."""
    import keras
    from keras import layers

    def convolutions(x: Any, width: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        return x

    image = x = keras.Input((size, size, 3))
    skips = []
    for width in _FILTERS[:-1]:
        x = convolutions(x, width)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = convolutions(x, _FILTERS[-1])
    for width, skip in zip(_FILTERS[-2::-1], skips[::-1], strict=True):
        if upsample == "transposed":
            x = layers.Conv2DTranspose(width, 2, strides=2)(x)
        else:
            x = layers.UpSampling2D(2, interpolation=upsample)(x)
        x = convolutions(layers.Concatenate()([x, skip]), width)
    return keras.Model(image, layers.Conv2D(3, 1)(x))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--target", default="")
    options = parser.parse_args()
    for name, build in models().items():
        if options.only in name:
            for target in TARGETS:
                if options.target in target:
                    row(name, build, target, options)


def row(name: str, build: Callable[[], Any], target: str, options: Any) -> None:
    import keras
    import numpy as np
    from _rounds import interleaved

    from keras_upsample.export._artefact import Options, convert
    from keras_upsample.export._signature import signature_of
    from keras_upsample.export.targets import TARGETS as TABLE
    from keras_upsample.lowering._lower import lowered
    from keras_upsample.runtimes import load

    keras.utils.set_random_seed(0)
    model = build()
    model.predict(np.zeros((1, *model.input_shape[1:]), "float32"), verbose=0)  # Keras asks for it
    table = TABLE[target]
    signature = signature_of(model).fixed()
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        try:
            paths["keras"] = Path(folder) / f"keras.{target}"
            model.export(str(paths["keras"]), format=TARGETS[target], verbose=False)
            load(paths["keras"])
        except Exception as error:
            print(name, target, "Keras' own export:", str(error)[:200])
            del paths["keras"]
        paths["as it is"] = Path(folder) / f"plain.{target}"
        convert(model, signature, paths["as it is"], table, Options())
        for tune in (False, True)[: 1 + options.tune]:
            label = "tuned" if tune else "lowered"
            paths[label] = Path(folder) / f"{label}.{target}"
            start = time.perf_counter()
            low, own = lowered(model, signature, table, tune=tune)
            spent = time.perf_counter() - start
            convert(low.model, own, paths[label], table, Options())
            if tune:
                forms = Counter(
                    f"{entry.rule}: {entry.form}" for entry in low.applied if entry.measured
                )
                print(f"  tuned in {spent:.0f} s:", dict(forms))
        runs = {}
        for label, path in paths.items():
            runner = load(path)
            shape = tuple(n or 1 for n in runner.inputs[0].shape)
            feeds = {runner.inputs[0].name: np.random.default_rng(0).random(shape, "float32")}
            runs[label] = lambda r=runner, f=feeds: r(f)
        times = interleaved(runs, options.rounds)
    base = times.get("keras", times["as it is"])
    cells = [
        f"{label} {1e3 * low:.1f}/{1e3 * mid:.1f} ms ({base[1] / mid:.2f}x {base[0] / low:.2f}x)"
        for label, (low, mid) in times.items()
    ]
    print(f"{name:<32} {target:<7}", *cells, sep="  ", flush=True)


if __name__ == "__main__":
    main()
