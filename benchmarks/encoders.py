"""Every encoder by its name: channels of its features, parameters, whether DeepLabv3+ takes it.

python benchmarks/encoders.py [NAME ...] [--page docs/encoders.md]

Each is built into a U-Net with random weights and run on an image of 40 x 72; without names, all.
The rows of other encoders in the page stay.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _page import END, put_table

BEGIN = "<!-- Printed by `python benchmarks/encoders.py`. -->"
HEAD = (
    "| `encoder=` | channels at stride 2, 4, 8, 16, 32 | parameters | in `deeplab_v3_plus` |\n"
    "|---|---|---:|---|"
)


def main() -> None:
    """Command line."""
    from keras_upsample.zoo._encoder_source import names

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--page", type=Path, help="page whose table is written anew")
    options = parser.parse_args()
    if unknown := set(options.names) - set(names()):
        parser.error(f"unknown encoder {', '.join(sorted(unknown))}; there are {names()}")
    rows = rows_in(options.page) if options.page else {}
    print(HEAD)
    for name in options.names or names():
        rows[name] = row_of(name)
        print(rows[name], flush=True)
        if options.page:
            put_table(options.page, BEGIN, "\n".join([HEAD, *dict(sorted(rows.items())).values()]))


def rows_in(page: Path) -> dict[str, str]:
    """Rows that the page has, by the encoder's name."""
    table = page.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = [line for line in table.splitlines() if line.startswith("| `") and line not in HEAD]
    return {line.split("`")[1]: line for line in rows}


def row_of(name: str) -> str:
    """One encoder."""
    import keras

    from keras_upsample import zoo
    from keras_upsample.zoo._skips import skips_of

    model = zoo.unet(encoder=name, filters=(4, 4, 4, 4, 4))
    found = model(np.random.default_rng(0).random((1, 40, 72, 3), "float32"))
    assert found.shape == (1, 40, 72, 2) and np.ptp(found) > 0, name
    channels = {skip.stride: str(skip.channels) for skip in skips_of(model)}
    listed = ", ".join(channels.get(stride, "none") for stride in (2, 4, 8, 16, 32))
    count = sum(
        int(np.prod(weight.shape))
        for layer in model.layers
        if layer.name.startswith("encoder_")
        for weight in layer.weights
    )
    del model
    keras.backend.clear_session()
    atrous = "yes" if stays_at_16(name) else "no"
    keras.backend.clear_session()
    return f"| `{name}` | {listed} | {count:,} | {atrous} |"


def stays_at_16(name: str) -> bool:
    """Whether its last stage can be dilated; the sizes say it, no layer is copied."""
    from keras_upsample.zoo import _encoders as encoders
    from keras_upsample.zoo._encoder_copy import dilated
    from keras_upsample.zoo._encoder_source import source_of

    source = source_of(name, None, 3, None, "same")
    features, standing = encoders._search(source, encoders.SIZES)
    try:
        standing = dilated(source.graph, features, standing)
        encoders._check_atrous(source, features, standing, encoders.SIZES)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    main()
