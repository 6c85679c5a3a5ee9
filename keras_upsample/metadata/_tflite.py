"""`Metadata` in a TFLite file: the JSON in an entry of the file's own table of metadata."""

from pathlib import Path

from ._facts import Metadata

BUFFER = "KERAS_UPSAMPLE_METADATA"
"""Name of the entry in the file's own table of metadata that holds the JSON."""


def write_tflite(path: Path, metadata: Metadata) -> None:
    """Put the metadata into a `.tflite` file; everything else in it stays as it is."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    buffer = schema.BufferT()
    buffer.data = list(metadata.to_json().encode())
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = BUFFER, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(path.stat().st_size + 2**16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))


def read_tflite(content: bytes) -> Metadata | None:
    """What was written into a file; None where nothing was.

    Raises:
        ValueError: it is damaged.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.Model.GetRootAs(content, 0)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry is not None and entry.Name() == BUFFER.encode():
            data = model.Buffers(entry.Buffer()).DataAsNumpy()
            return Metadata.from_json(bytes(data))
    return None
