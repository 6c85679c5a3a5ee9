"""A file for an NPU, with its report.

python examples/npu_file.py --device ethos_u55_128 --out build/npu    # needs the extra `edge`

Exports `unet:nuclei` in 8 bits by operators that the device has, compares it with the model on
images, asks Arm's compiler where each operator runs, and writes `report.json` beside the file.
"""

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(arguments: list[str] | None = None) -> Any:
    """Export, print; returns the report of the export."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="ethos_u55_128", help="see `keras-upsample list`")
    parser.add_argument("--size", type=int, default=128, help="pixels (128)")
    parser.add_argument("--out", type=Path, default=Path("build/npu"))
    options = parser.parse_args(arguments)

    from keras_upsample import export, zoo

    model = zoo.unet(weights="nuclei")
    shape = (options.size, options.size, 1)
    report = export.export(model, options.out, [options.device], input_shape=shape)
    print(report)
    for artefact in report.artefacts:
        print(f"signal to noise: {artefact.verifications[0].snr_db:.1f} dB")
        if artefact.check:
            print(*artefact.check.notes, sep="\n")
    return report


if __name__ == "__main__":
    main()
