"""Times of blocks in each of their forms: the profiles that exports choose forms by.

python benchmarks/block_profiles.py measure --target onnx --minutes 30   # on an idle machine
python benchmarks/block_profiles.py write --target onnx   # the package's file of them
python benchmarks/block_profiles.py judge                 # how well profiles predict

`measure` takes the models of the zoo, at several widths, sizes and encoders, and times the blocks
that their lowering meets, as `tune` does, into the tuning cache. A block is left out where the
cache or the package's profile has one of the same kind whose sizes differ by less than `--spacing`
octaves. `judge` leaves each
block of each profile out and asks the others for it: the share of blocks that get a form within 2%
of the fastest, the mean of the times over those of the fastest forms, and the sum over theirs, in
which large blocks count for more.
"""

import argparse
import json
import math
import os
import random
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "keras_upsample" / "lowering" / "profiles"
SIZES = (96, 128, 192, 256, 384, 512)
WIDTHS = ((16, 32, 64, 128), (24, 48, 96, 192), (32, 64, 128, 256, 512), (64, 128, 256, 512))
ENCODERS = ("mobilenet_v2", "resnet50", "efficientnet_b0", "mobilenet_v3_large")
# Channels of an encoder's maps from 1/32 to 1/2 of the size, and of the decoder's from 1/16 on.
SKIPS = {
    "mobilenet_v2": (1280, 96, 32, 24, 16),
    "resnet34": (512, 256, 128, 64, 64),
    "resnet50": (2048, 1024, 512, 256, 64),
    "efficientnet_b0": (320, 112, 40, 24, 32),
    "plain 32": (1024, 512, 256, 128, 64),
    "plain 16": (512, 256, 128, 64, 32),
}
DECODER = (256, 128, 64, 32, 16)
UPSAMPLES = ("nearest", "bilinear", "transposed_conv", "pixel_shuffle", "bicubic")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("measure", "write", "judge"))
    parser.add_argument("--target", default="onnx", help="export target (onnx)")
    parser.add_argument("--minutes", type=float, default=30.0, help="of measure (30)")
    parser.add_argument("--models", default="", help="those whose names begin so (all)")
    parser.add_argument("--spacing", type=float, default=0.45, help="octaves between blocks")
    options = parser.parse_args()
    from keras_upsample.targets import TARGETS

    if options.what == "measure":
        target = TARGETS[options.target]
        meter, before = _meter(target), blocks_of(path_of(options.target))
        measure(options.target, meter, options.minutes, options.spacing, before, options.models)
    elif options.what == "write":
        print(write(options.target))
    else:
        for path in sorted(FOLDER.glob("*.json")):
            print(path.stem, judge(path))


def models() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Names and builders, in a fixed random order, so that a run that ends early has of all."""
    from keras_upsample import zoo

    found: list[tuple[str, Callable[[], Any]]] = []
    for size in SIZES:
        shape = (size, size, 3)
        for up in UPSAMPLES:
            for widths in WIDTHS:
                found.append(
                    (
                        f"unet {up} {widths[0]} at {size}",
                        lambda s=shape, w=widths, u=up: zoo.unet(s, 3, filters=w, upsample=u),
                    )
                )
            for encoder in ENCODERS:
                for name in ("unet", "linknet", "fpn", "unet_plus_plus"):
                    found.append(
                        (
                            f"{name} {encoder} {up} at {size}",
                            lambda n=name, s=shape, e=encoder, u=up: getattr(zoo, n)(
                                s, 3, encoder=e, encoder_weights=None, upsample=u
                            ),
                        )
                    )
        found += [
            (f"{name} at {size}", lambda n=name, s=shape: getattr(zoo, n)(s, 21))
            for name in ("fcn8s", "deeplab_v3_plus", "segnet", "pspnet", "bisenet_v2")
        ]
        found += [
            (f"espcn x{n} at {size}", lambda n=n, s=size: zoo.espcn((s, s, 3), scale=n))
            for n in (2, 3, 4)
        ]
        found += [
            (f"decoder {up} {name} at {size}", lambda n=name, s=size, u=up: decoder(n, s, u))
            for name in SKIPS
            for up in ("nearest", "bilinear")
        ]
    random.Random(0).shuffle(found)
    yield from found


def decoder(encoder: str, size: int, upsample: str) -> Any:
    """A decoder as most U-Nets have it, and segmentation_models.pytorch's: a map is enlarged as it
    is, joined with the skip, and convolved twice.
    """
    import keras
    from keras import layers

    deepest, *skips = SKIPS[encoder]
    maps = [keras.Input((size >> 5, size >> 5, deepest))]
    x = maps[0]
    for number, (skip, width) in enumerate(zip((*skips, 0), DECODER, strict=True), 1):
        x = layers.UpSampling2D(2, interpolation=upsample)(x)
        if skip:
            maps.append(keras.Input((size >> (5 - number), size >> (5 - number), skip)))
            x = layers.Concatenate()([x, maps[-1]])
        for _ in range(2):
            x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
    return keras.Model(maps, layers.Conv2D(3, 3, padding="same")(x))


def _meter(target: Any) -> Any:
    from keras_upsample.lowering._meters import meter_of

    meter = meter_of(target)
    assert meter is not None
    return meter


def measure(
    target: Any,
    meter: Any,
    minutes: float,
    spacing: float,
    before: Iterable[str],
    named: str = "",
    rules: Iterable[str] = (),
) -> None:
    """Time blocks into the tuning cache until the minutes are over.

    Args:
        target: an export target.
        meter: measures its files.
        minutes: limit.
        spacing: octaves between the sizes of blocks.
        before: blocks that are known.
        named: how the names of the models begin.
        rules: whose blocks; all by default.
    """
    import keras

    from keras_upsample.lowering._block_key import parts_of_key
    from keras_upsample.lowering._choose import by_table
    from keras_upsample.lowering._lower import rewrite
    from keras_upsample.lowering._profile import by_profile, read_profile
    from keras_upsample.lowering._tune import Tuner
    from keras_upsample.program._program import program_of
    from keras_upsample.program._signature import signature_to_run

    path, otherwise = path_of(target.name), by_table(target)
    if path.exists():  # some blocks arise only where others got the forms that are fastest
        otherwise = by_profile(read_profile(path), otherwise)
    end = monotonic() + 60 * minutes
    tuner = Tuner(target, meter, 60 * minutes, otherwise, progress=print)
    known = [parts_of_key(key) for key in (*before, *tuner.cache)]

    def choose(proposal: Any, graph: Any) -> tuple[str, float | None]:
        block = proposal.block
        other = rules and proposal.rule not in rules
        if other or 0 in block.sizes or proposal.certain is not None:
            return otherwise(proposal, graph)
        near = any(
            (rule, kind) == (proposal.rule, block.kind)
            and math.dist(map(math.log2, sizes), map(math.log2, block.sizes)) < spacing
            for rule, kind, sizes in known
        )
        if near or monotonic() > end:
            return otherwise(proposal, graph)
        known.append((proposal.rule, block.kind, block.sizes))
        return tuner(proposal, graph)

    for name, build in models():
        if not name.startswith(named):
            continue
        if monotonic() > end:
            break
        print(f"== {name}", flush=True)
        keras.utils.set_random_seed(0)
        try:
            model = build()
        except (ValueError, TypeError) as error:  # a size or option that this network has not
            print(f"   {error}")
            continue
        rewrite(program_of(model, signature_to_run(model).fixed()), target, choose)
        keras.backend.clear_session()
    print(len(known), "blocks")


def path_of(target: str) -> Path:
    """The file of this machine's profile in the package."""
    from keras_upsample.lowering._tuning_cache import instructions
    from keras_upsample.runtimes._runner import cpu_threads

    kinds = "_".join(each.lower().replace("-", "") for each in instructions())
    return FOLDER / f"{target}_{kinds}_{cpu_threads()}threads.json"


def blocks_of(path: Path) -> dict[str, dict[str, float]]:
    """Times by block of a profile's file, if it is there."""
    return dict(json.loads(path.read_text())["blocks"]) if path.exists() else {}


def write(target: str) -> Path:
    """The package's profile of this machine, with what the tuning cache adds to it."""
    from keras_upsample.lowering._tuning_cache import TuningCache, instructions
    from keras_upsample.runtimes._runner import cpu_threads
    from keras_upsample.targets import TARGETS

    meter = _meter(TARGETS[target])
    cache = TuningCache(TARGETS[target], meter.conditions)
    about = {
        "target": target,
        "runtime": meter.conditions[0],
        "instructions": list(instructions()),
        "threads": cpu_threads(),
        "date": date.today().isoformat(),
    }
    path = path_of(target)
    blocks = blocks_of(path)
    for key in cache:
        blocks[key] = {form: float(f"{t:.4g}") for form, t in cache[key].items()}
    path.parent.mkdir(exist_ok=True)
    write_file(path, about, blocks)
    return path


def write_file(path: Path, about: dict[str, Any], blocks: dict[str, Any]) -> None:
    """The file of a profile."""
    text = json.dumps({"about": about, "blocks": blocks}, indent=0, sort_keys=True)
    path.write_text(text + "\n")


def proposal_of(key: str, forms: Iterable[str]) -> Any:
    """What a profile is asked for: a block, by its key, in these forms and as it is."""
    from types import SimpleNamespace

    from keras_upsample.lowering._block_key import parts_of_key
    from keras_upsample.lowering._rewrite import Block
    from keras_upsample.program._applied import KEEP

    rule, kind, sizes = parts_of_key(key)
    others = dict.fromkeys(form for form in forms if form != KEEP)
    return SimpleNamespace(rule=rule, block=Block(kind, sizes), forms=others)


def judge(path: Path) -> dict[str, float]:
    """Each block predicted from the others: how good the choice is."""
    from keras_upsample.lowering._profile import profile_of

    content = json.loads(path.read_text())
    sure = 0
    rows: list[tuple[float, float, float]] = []  # the fastest form, the profile's, as it is
    for key, times in content["blocks"].items():
        rest = {k: v for k, v in content["blocks"].items() if k != key}
        finite = {form: t for form, t in times.items() if math.isfinite(t)}
        proposal = proposal_of(key, finite)
        profile = profile_of(path.stem, content["about"], rest)
        decision = profile.decided(proposal)
        if decision is None or "as it is" not in finite:
            continue
        sure += profile.sure(proposal)
        rows.append((min(finite.values()), finite[decision[0]], finite["as it is"]))
    total = len(content["blocks"])
    if not rows:
        return {"blocks": total}

    def over_the_fastest(column: int) -> float:
        return math.exp(sum(math.log(row[column] / row[0]) for row in rows) / len(rows))

    least, chosen, kept = map(sum, zip(*rows, strict=True))
    return {
        "blocks": total,
        "known": len(rows) / total,
        "sure": sure / len(rows),
        "within 2%": sum(row[1] <= 1.02 * row[0] for row in rows) / len(rows),
        "time over the fastest": over_the_fastest(1),
        "as they stand, over the fastest": over_the_fastest(2),
        "sum of times over the fastest": chosen / least,
        "as they stand, sum over the fastest": kept / least,
    }


if __name__ == "__main__":
    main()
