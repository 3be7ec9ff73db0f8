"""What a file is: its type by its content, whether a browser may show it, and a name that is safe to give."""

from __future__ import annotations

import re
import unicodedata
import uuid

import filetype

UNKNOWN = "application/octet-stream"
HEAD = 8192
PICTURES = ("image/jpeg", "image/png", "image/webp", "image/gif")
# What is shown in the page; everything else is a download, whatever it calls itself.
INLINE = frozenset({*PICTURES, "video/mp4", "audio/mp4", "audio/ogg", "audio/mpeg"})
FILE_KINDS = ("image", "video", "audio", "document", "sticker")
# Types that a system knows under another name, as gateways and browsers want them.
_SAME = {"audio/x-wav": "audio/wav", "audio/x-flac": "audio/flac", "image/apng": "image/png"}
_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,40}/[a-z0-9][a-z0-9.+_-]{0,58}")
_NAMES = {"image": "imagen", "video": "video", "audio": "audio", "document": "documento", "sticker": "sticker"}
_EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "video/mp4": ".mp4",
    "video/3gpp": ".3gp",
    "audio/mp4": ".m4a",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "audio/amr": ".amr",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
}


def type_of(head: bytes, kind: str = "") -> str:
    """The media type of what begins with `head`; `kind` is its message's, which tells M4A from MP4."""
    try:
        found = filetype.guess_mime(head[:HEAD])
    except Exception:  # a matcher that trips over a made-up file knows nothing of it
        found = None
    mime = str(_SAME.get(found, found) if found else UNKNOWN)
    return "audio/mp4" if mime == "video/mp4" and kind == "audio" else mime


def claimed_type(mime: str) -> str:
    """The type that a sender claims, without parameters; "" when it is none."""
    bare = mime.partition(";")[0].strip().lower()
    return bare if _TYPE.fullmatch(bare) else ""


def random_name() -> str:
    """What a stored file is called: nothing that its sender chose."""
    return uuid.uuid4().hex


def clean_name(name: str, limit: int = 120) -> str:
    """The last part of a path, without what no file name should have: controls, bidi marks, quotes; maybe empty."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in last if c not in '"<>|:*?')
    plain = " ".join(shown.split()).strip(". ")
    if len(plain) <= limit:
        return plain
    stem, dot, extension = plain.rpartition(".")
    return f"{stem[: limit - 11]}.{extension[:10]}" if dot and stem else plain[:limit]


def shown_name(name: str, kind: str, mime: str, seq: int) -> str:
    """The name to show and to download under: its sender's, or one that says what it is."""
    return name or f"{_NAMES.get(kind, 'archivo')}-{seq}{_EXTENSIONS.get(mime, '')}"


def shown_size(size: int) -> str:
    """«7.2 MB», for people."""
    if size < 1000:
        return f"{size} bytes"
    number, unit = (size / 2**20, "MB") if size >= 0.95 * 2**20 else (size / 1024, "KB")
    return f"{number:.1f}".removesuffix(".0") + f" {unit}"
