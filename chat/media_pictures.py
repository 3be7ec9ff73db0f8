"""Thumbnails, made in tasks. What comes out is written anew: no EXIF, no second frame, nothing behind the picture."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import IO

from PIL import Image, ImageOps

from tickets.pictures import EXTENSIONS, check_pixels

SIDE = 640


@dataclass(frozen=True)
class Thumbnail:
    """A small WebP, and the size of the whole picture as it is seen (upright)."""

    content: bytes
    width: int
    height: int


def thumbnail(file: IO[bytes]) -> Thumbnail:
    """The thumbnail of the picture in `file`; raises almost anything when it is none that can be read."""
    with Image.open(file, formats=list(EXTENSIONS)) as picture:
        check_pixels(picture.size)
        whole = picture.size
        picture.draft("RGB", (SIDE, SIDE))
        upright = ImageOps.exif_transpose(picture)
        if (upright.width > upright.height) != (picture.width > picture.height):
            whole = (whole[1], whole[0])
        has_alpha = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
        bare = upright.convert("RGBA" if has_alpha else "RGB")
        bare.thumbnail((SIDE, SIDE))
        bare.info.clear()
        out = BytesIO()
        bare.save(out, "WEBP", quality=80, exif=b"", icc_profile=b"", xmp=b"")
    return Thumbnail(out.getvalue(), *whole)
