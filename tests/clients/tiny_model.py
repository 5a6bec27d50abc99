"""Writes a language model of random weights, small enough to be made for each test run.

The format is GGUF 3 (ggml-org/ggml `docs/gguf.md`); the architecture is Llama's, with two layers.
Its vocabulary has the 256 bytes, which SentencePiece models fall back to, and some words, which it
only ever says: the rows of all other tokens in the output matrix are zero.
"""

import random
import struct
from collections.abc import Sequence
from pathlib import Path

WORDS = (
    *("▁the", "▁a", "▁cat", "▁dog", "▁sat", "▁ran", "▁on", "▁under", "▁mat", "▁tree", "▁and"),
    *("▁then", "▁it", "▁saw", "▁red", "▁blue", "▁small", "▁old", "▁house", "▁bird", ".", ","),
    *("▁", *"abcdefghijklmnopqrstuvwxyz"),
)
CONTEXT = 512
_EMBEDDING, _HEADS, _LAYERS, _INNER = 32, 4, 2, 64
_SPECIAL = ("<unk>", "<s>", "</s>")
_TOKENS = (*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *WORDS)
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6
_ALIGNMENT = 32
_F32 = 0

_UINT32, _FLOAT32, _STRING, _ARRAY, _INT32 = 4, 6, 8, 9, 5


def write_tiny_model(path: Path, *, seed: int = 7) -> None:
    """Write the model; the same seed gives the same file."""
    tensors = _tensors(random.Random(seed))  # noqa: S311 - weights, not secrets
    metadata = _metadata()
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)) + b"".join(metadata)
    offset = 0
    for name, shape, values in tensors:
        head += _text(name) + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", _F32, offset)
        offset += _padded(4 * len(values))
    data = bytearray(head.ljust(_padded(len(head)), b"\0"))
    for _, _, values in tensors:
        raw = struct.pack(f"<{len(values)}f", *values)
        data += raw.ljust(_padded(len(raw)), b"\0")
    path.write_bytes(data)


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def _metadata() -> list[bytes]:
    """Return the key-value pairs, encoded."""
    types = [_UNKNOWN, _CONTROL, _CONTROL, *[_BYTE] * 256, *[_NORMAL] * len(WORDS)]
    scores = [*[0.0] * 259, *(-float(position) for position in range(len(WORDS)))]
    return [
        _string("general.architecture", "llama"),
        _string("general.name", "tiny"),
        _number("general.alignment", _ALIGNMENT),
        _number("llama.context_length", CONTEXT),
        _number("llama.embedding_length", _EMBEDDING),
        _number("llama.block_count", _LAYERS),
        _number("llama.feed_forward_length", _INNER),
        _number("llama.attention.head_count", _HEADS),
        _number("llama.rope.dimension_count", _EMBEDDING // _HEADS),
        _text("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", _FLOAT32, 1e-5),
        _string("tokenizer.ggml.model", "llama"),
        _number("tokenizer.ggml.bos_token_id", 1),
        _number("tokenizer.ggml.eos_token_id", 2),
        _number("tokenizer.ggml.unknown_token_id", 0),
        _array("tokenizer.ggml.tokens", _STRING, [_text(token) for token in _TOKENS]),
        _array("tokenizer.ggml.scores", _FLOAT32, [struct.pack("<f", score) for score in scores]),
        _array("tokenizer.ggml.token_type", _INT32, [struct.pack("<i", kind) for kind in types]),
    ]


def _string(key: str, value: str) -> bytes:
    return _text(key) + struct.pack("<I", _STRING) + _text(value)


def _number(key: str, value: int) -> bytes:
    return _text(key) + struct.pack("<II", _UINT32, value)


def _array(key: str, item_type: int, items: Sequence[bytes]) -> bytes:
    return _text(key) + struct.pack("<IIQ", _ARRAY, item_type, len(items)) + b"".join(items)


Tensor = tuple[str, tuple[int, ...], list[float]]


def _tensors(chance: random.Random) -> list[Tensor]:
    """Return names, shapes (innermost dimension first) and values."""
    vocabulary = len(_TOKENS)

    def matrix(name: str, inner: int, outer: int, spread: float = 0.3) -> Tensor:
        return name, (inner, outer), [chance.gauss(0, spread) for _ in range(inner * outer)]

    def norm(name: str) -> Tensor:
        return name, (_EMBEDDING,), [1.0] * _EMBEDDING

    said = [chance.gauss(0, 0.7) for _ in range(_EMBEDDING * len(WORDS))]
    tensors = [
        matrix("token_embd.weight", _EMBEDDING, vocabulary, 1.0),
        norm("output_norm.weight"),
        ("output.weight", (_EMBEDDING, vocabulary), [0.0] * (_EMBEDDING * 259) + said),
    ]
    for layer in range(_LAYERS):
        block = f"blk.{layer}"
        tensors += [
            norm(f"{block}.attn_norm.weight"),
            *(
                matrix(f"{block}.attn_{part}.weight", _EMBEDDING, _EMBEDDING)
                for part in ("q", "k", "v", "output")
            ),
            norm(f"{block}.ffn_norm.weight"),
            matrix(f"{block}.ffn_gate.weight", _EMBEDDING, _INNER),
            matrix(f"{block}.ffn_up.weight", _EMBEDDING, _INNER),
            matrix(f"{block}.ffn_down.weight", _INNER, _EMBEDDING),
        ]
    return tensors
