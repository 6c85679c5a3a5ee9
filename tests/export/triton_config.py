"""Triton's `ModelConfig` as far as our files use it, parsed by protobuf.

Names and numbers of the fields are those of `model_config.proto`
(https://github.com/triton-inference-server/common/blob/main/protobuf/model_config.proto). The whole
is in tritonclient, which does not install beside this package's versions of protobuf and ml_dtypes:
the environment variable TRITONCLIENT_PYTHON may name the Python of an environment that has it.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

PYTHON = os.environ.get("TRITONCLIENT_PYTHON") or (
    sys.executable if find_spec("tritonclient") else ""
)
needs_tritonclient = pytest.mark.skipif(
    not PYTHON, reason="tritonclient is not installed (TRITONCLIENT_PYTHON)"
)

_DTYPES = (
    "INVALID BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 STRING BF16"
)
_TEXT, _INT32, _INT64, _DTYPE, _MESSAGE = 9, 5, 3, 14, 11
_MESSAGES = {
    "Reshape": {"shape": (1, _INT64, True, "")},
    "Input": {
        "name": (1, _TEXT, False, ""),
        "data_type": (2, _DTYPE, False, "DataType"),
        "dims": (4, _INT64, True, ""),
        "reshape": (5, _MESSAGE, False, "Reshape"),
    },
    "Output": {
        "name": (1, _TEXT, False, ""),
        "data_type": (2, _DTYPE, False, "DataType"),
        "dims": (3, _INT64, True, ""),
        "reshape": (5, _MESSAGE, False, "Reshape"),
    },
    "Parameter": {"string_value": (1, _TEXT, False, "")},
    "Entry": {"key": (1, _TEXT, False, ""), "value": (2, _MESSAGE, False, "Parameter")},
    "Config": {
        "name": (1, _TEXT, False, ""),
        "max_batch_size": (4, _INT32, False, ""),
        "input": (5, _MESSAGE, True, "Input"),
        "output": (6, _MESSAGE, True, "Output"),
        "parameters": (14, _MESSAGE, True, "Entry"),  # a map, which is this on the wire
        "backend": (17, _TEXT, False, ""),
    },
}
_PROGRAM = """
import sys
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2
text = sys.stdin.buffer.read().decode()
found = text_format.Parse(text, model_config_pb2.ModelConfig())
sys.stdout.buffer.write(found.SerializeToString(deterministic=True))
"""


def _config() -> type:
    file = descriptor_pb2.FileDescriptorProto(
        name="triton_subset.proto", package="subset", syntax="proto3"
    )
    kinds = file.enum_type.add(name="DataType")
    for number, name in enumerate(_DTYPES.split()):
        kinds.value.add(name=f"TYPE_{name}", number=number)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated, of) in fields.items():
            label = 3 if repeated else 1
            type_name = f".subset.{of}" if of else None
            message.field.add(
                name=field, number=number, type=kind, label=label, type_name=type_name
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("subset.Config"))


Config = _config()


def parse(text: str) -> Any:
    """A configuration, by our declaration of its fields."""
    return text_format.Parse(text, Config())


def parse_by_tritonclient(text: str) -> Any:
    """The same by Triton's own declaration: what it parsed, read by the numbers of the fields."""
    done = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", _PROGRAM],
        input=text.encode(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert done.returncode == 0, done.stderr.decode()[-1000:]
    return Config.FromString(done.stdout)


def parameters(config: Any) -> dict[str, str]:
    return {entry.key: entry.value.string_value for entry in config.parameters}
