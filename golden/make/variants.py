"""Makes F16 and F32 variants of a quantised GGUF file from the values gguf-py decodes.

Metadata is copied pair by pair with its types; only general.file_type changes and general.quantization_version goes.
Vectors (norms, biases) stay F32 in the F16 variant, as llama.cpp's converter leaves them.
"""

import argparse
from pathlib import Path

import gguf
import numpy as np


def decode(tensor: gguf.ReaderTensor) -> np.ndarray:
    """The tensor's values as float32, slowest axis first; all of the decoding is gguf-py's."""
    return gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)


def copy_metadata(reader: gguf.GGUFReader, writer: gguf.GGUFWriter, drop: set[str]) -> None:
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture" or name in drop:
            continue  # the writer makes these itself
        sub_type = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), field.types[0], sub_type=sub_type)
    writer.data_alignment = reader.alignment


def write_variant(source: Path, target: Path, kind: gguf.GGMLQuantizationType) -> None:
    """Writes `source` as a file whose matrices are of `kind` (F16 or F32)."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
    copy_metadata(reader, writer, {"general.file_type", "general.quantization_version"})
    f16 = kind == gguf.GGMLQuantizationType.F16
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16 if f16 else gguf.LlamaFileType.ALL_F32)
    for tensor in reader.tensors:
        values = decode(tensor)
        writer.add_tensor(tensor.name, values.astype(np.float16) if f16 and values.ndim > 1 else values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--f16", type=Path)
    parser.add_argument("--f32", type=Path)
    args = parser.parse_args()
    if not (args.f16 or args.f32):
        parser.error("nothing to do: give --f16 OUT, --f32 OUT or both")
    if args.f16:
        write_variant(args.file, args.f16, gguf.GGMLQuantizationType.F16)
    if args.f32:
        write_variant(args.file, args.f32, gguf.GGMLQuantizationType.F32)


if __name__ == "__main__":
    main()
