"""The table of accelerators."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..errors import did_you_mean

EDGE_TPU_MEMORY = 8_000_000
"""Bytes for parameters on the chip, about (8 MB minus the programme, says its overview)."""


@dataclass(frozen=True)
class Device:
    """An accelerator.

    Attributes:
        name: of the device.
        how: `"vela"` (compiled by it), `"rules"` (judged by what their makers document) or
            `"tflm"` (run by its interpreter).
        family: devices that run the same forms fastest, e.g. "ethos_u55"; "" for one by itself.
        accelerator: of Vela's configurations.
        all_after_first: whether everything behind the first refused operator stays on the CPU.
        one_subgraph, memory: of the file as a whole; bytes, 0 for no limit.
        compile: the command that a user runs next.
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
            Device("gpu_delegate", "rules"),
            Device("tflm", "tflm"),
        )
    }
)
"""Name -> device, in the order in which tables show them."""


def device_named(name: str) -> Device:
    """The device of this name.

    Raises:
        ValueError: there is none; the message lists what there is.
    """
    if name in DEVICES:
        return DEVICES[name]
    raise ValueError(
        f"`target` must be one of {', '.join(map(repr, DEVICES))}. Received: {name!r}."
        f"{did_you_mean(name, DEVICES)}"
    )
