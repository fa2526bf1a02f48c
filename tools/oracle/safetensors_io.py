# SPDX-License-Identifier: Apache-2.0
"""Reads and writes safetensors files with NumPy alone.

A file is a little-endian u64 header length, a JSON header that maps each name to dtype, shape and
byte range, then the bytes. bfloat16, which NumPy lacks, is kept as its 16 bits in uint16.
"""

import json
import struct

import numpy as np

ALIGN = 8  # the header is padded with spaces to this, as the format's own library does


def to_bf16_bits(values):
    """float32 -> the nearest bfloat16, ties to even. For finite values."""
    bits = np.ascontiguousarray(values, dtype="<f4").view("<u4").astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def from_bf16_bits(bits):
    return (bits.astype("<u4") << 16).view("<f4")


def encode(values, dtype):
    if dtype == "BF16":
        return to_bf16_bits(values)
    return np.ascontiguousarray(values, dtype={"F16": "<f2", "F32": "<f4"}[dtype])


def save(path, tensors):
    """tensors: {name: (values, dtype)} with dtype one of F32, F16, BF16."""
    header = {"__metadata__": {"format": "pt"}}  # transformers asks for it
    chunks = []
    offset = 0
    for name, (values, dtype) in tensors.items():
        data = encode(values, dtype).tobytes()
        header[name] = {
            "dtype": dtype,
            "shape": list(values.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        chunks.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGN)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(chunks))
    return offset


def load(path):
    """{name: float64 array} of one file."""
    blob = path.read_bytes()
    (header_len,) = struct.unpack_from("<Q", blob)
    header = json.loads(blob[8 : 8 + header_len])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + header_len + offset for offset in entry["data_offsets"])
        raw = blob[begin:end]
        if entry["dtype"] == "BF16":
            values = from_bf16_bits(np.frombuffer(raw, "<u2"))
        else:
            values = np.frombuffer(raw, {"F16": "<f2", "F32": "<f4"}[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"]).astype(np.float64)
    return tensors


def load_folder(folder):
    """Every tensor of a Hugging Face folder, in one file or in shards named by an index."""
    index = folder / "model.safetensors.index.json"
    if not index.exists():
        return load(folder / "model.safetensors")
    tensors = {}
    for file in sorted(set(json.loads(index.read_text())["weight_map"].values())):
        tensors.update(load(folder / file))
    return tensors
