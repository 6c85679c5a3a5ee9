"""The table of accelerators."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..errors import did_you_mean

EDGE_TPU_MEMORY = 8_000_000
"""Approximate bytes for parameters on the chip: 8 MB less the program, by Coral's overview."""


@dataclass(frozen=True)
class Device:
    """An accelerator.

    Attributes:
        name: name of the device.
        how: how files are checked: `"vela"` (Vela compiles them), `"rules"` (by the rules that the
            makers document), `"tflm"` (TFLM's interpreter runs them) or `"gpu"` (LiteRT's GPU
            accelerator runs them; without a driver, by rules).
        family: name of the devices that run the same forms fastest, e.g. "ethos_u55"; "" if there
            is only this one.
        accelerator: name of Vela's configuration.
        all_after_first: whether every operator after the first refused one stays on the CPU.
        one_subgraph: whether a file may have only one subgraph.
        memory: bytes of parameters that fit on the device, 0 for no limit.
        compile: the command that the user runs next.
    """

    name: str
    how: str
    family: str = ""
    accelerator: str = ""
    all_after_first: bool = False
    one_subgraph: bool = False
    memory: int = 0
    compile: str = ""


def _ethos(generation: str, *macs: int) -> list[Device]:
    return [
        Device(f"ethos_{generation}_{n}", "vela", f"ethos_{generation}", f"ethos-{generation}-{n}")
        for n in macs
    ]


DEVICES: Mapping[str, Device] = MappingProxyType(
    {
        device.name: device
        for device in (
            *_ethos("u55", 32, 64, 128, 256),
            *_ethos("u65", 256, 512),
            *_ethos("u85", 128, 256, 512, 1024, 2048),
            Device(
                "edge_tpu",
                "rules",
                all_after_first=True,
                one_subgraph=True,
                memory=EDGE_TPU_MEMORY,
                compile="edgetpu_compiler --show_operations {file}",
            ),
            Device("litert_gpu", "gpu"),
            Device("tflm", "tflm"),
        )
    }
)
"""Name -> device, in the order in which tables show them."""


_FORMER_NAMES = {"gpu_delegate": "litert_gpu"}


def device_named(name: str) -> Device:
    """The device of this name.

    Raises:
        ValueError: there is none; the message lists the devices.
    """
    name = _FORMER_NAMES.get(name, name)
    if name in DEVICES:
        return DEVICES[name]
    raise ValueError(
        f"`target` must be one of {', '.join(map(repr, DEVICES))}. Received: {name!r}."
        f"{did_you_mean(name, DEVICES)}"
    )
