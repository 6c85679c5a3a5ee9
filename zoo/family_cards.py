"""Cards of families of packaged networks: measuring, and the command line of what writes them."""

import argparse
import datetime
import gc
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

HERE = pathlib.Path(__file__).parent


def measure(
    family: str,
    kinds: Sequence[str],
    module: Any,
    pictures: Sequence[str],
    measured_nets: Callable[[str], Sequence[Any]],
) -> None:
    """Measures a family; figures are written after each network.

    Args:
        family: the folder's name.
        kinds: what to measure: functions of the module, and "picture".
        module: a function for each kind, (preset) -> figures.
        pictures: networks that the card's picture shows.
        measured_nets: kind -> the presets that it is measured for.
    """
    import keras

    path = HERE / family / "figures.json"
    figures: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    path.parent.mkdir(exist_ok=True)
    for kind in kinds:
        if kind == "picture":
            module.picture(pictures, HERE / family / "prediction.png")
            continue
        figures.setdefault("dates", {})[kind] = datetime.date.today().isoformat()
        for preset in measured_nets(kind):
            print(f"{preset.name}: {kind}", flush=True)
            figures.setdefault(kind, {})[preset.weights] = getattr(module, kind)(preset)
            path.write_text(json.dumps(figures, indent=2) + "\n")
            keras.backend.clear_session()
            gc.collect()


def demo(name: str, tested: str) -> str:
    """The sentences on the page in a browser.

    Args:
        name: the network that the command names.
        tested: the network of the family that a test opens in a browser.
    """
    return (
        f"In a browser: `keras-upsample demo {name} --out DIR` writes "
        f"[a page](../../docs/browser.md#a-demo-page) that runs it on pictures. "
        f"`pytest -m slow tests/cli/test_cli_demo.py` opens that of `{tested}` in headless "
        "Chromium, and compares what it computes with the model."
    )


def command_line(
    doc: str,
    families: Sequence[str],
    kinds: Sequence[str],
    measure_family: Callable[[str, list[str]], None],
    card: Callable[[str], str],
) -> None:
    """Measures what is asked for, writes the cards, then the table of `zoo/README.md`."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument(
        "families", nargs="*", metavar="FAMILY", help=f"{', '.join(families)} (all)"
    )
    parser.add_argument("--measure", nargs="+", choices=kinds, default=[], help="what to measure")
    options = parser.parse_args()
    if unknown := set(options.families) - set(families):
        parser.error(f"unknown family {', '.join(sorted(unknown))}")
    for family in options.families or families:
        measure_family(family, options.measure)
        (HERE / family / "README.md").write_text(card(family), encoding="utf-8")
    from make_cards import write_table

    write_table()
