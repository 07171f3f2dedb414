"""Pictures for stickers: as much of them as anybody looks at, and more bytes."""

import os


def webp(width: int, height: int, animated: bool = False) -> bytes:
    """With what comes before the pixels, in the extended form, and none that could be shown."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    header = b"VP8X" + (10).to_bytes(4, "little") + bytes([2 * animated, 0, 0, 0]) + size
    chunks = header + os.urandom(300_000)
    return b"RIFF" + (4 + len(chunks)).to_bytes(4, "little") + b"WEBP" + chunks
