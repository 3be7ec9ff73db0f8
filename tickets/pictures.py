"""Pictures that people upload: known by their content, and written anew so that nothing else comes along."""

from __future__ import annotations

import uuid
import warnings
from io import BytesIO
from typing import IO

from django.core.files.base import ContentFile
from PIL import Image, ImageOps

MAX_PIXELS = 24_000_000
MAX_BYTES = 15 * 1024 * 1024
EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}

# A small file may hold a picture of many gigabytes.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


class BadPicture(ValueError):
    """The file is refused; the message says why, in Spanish."""


def clean(file: IO[bytes], size: int) -> ContentFile[bytes]:
    """The picture in `file` (of `size` bytes) encoded anew under a random name; raises BadPicture.

    Metadata (EXIF, where it was taken), payloads behind the picture, and all frames but the first are left out.
    """
    if size > MAX_BYTES:
        raise BadPicture(f"La foto pesa más de {MAX_BYTES // 2**20} MB.")
    try:
        with Image.open(file, formats=list(EXTENSIONS)) as picture:
            check_pixels(picture.size)
            kind = picture.format or ""
            return ContentFile(encoded(picture, kind), name=f"{uuid.uuid4().hex}.{EXTENSIONS[kind]}")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadPicture(too_large()) from None
    except BadPicture:
        raise
    except Exception:  # Pillow's decoders raise almost anything for a broken file
        raise BadPicture("No es una imagen JPEG, PNG, WebP o GIF que se pueda leer.") from None


def check_pixels(size: tuple[int, int]) -> None:
    """Refuse a picture by what its header says, before a pixel of it is decoded."""
    if size[0] * size[1] > MAX_PIXELS:
        raise BadPicture(too_large())


def too_large() -> str:
    return f"La foto tiene demasiados puntos: el máximo son {MAX_PIXELS // 1_000_000} megapíxeles."


def encoded(picture: Image.Image, kind: str) -> bytes:
    """The first frame of `picture`, upright, as the bytes of a new file of the same kind."""
    upright = ImageOps.exif_transpose(picture)
    bare = Image.new(upright.mode, upright.size)
    if upright.mode == "P" and (palette := upright.getpalette("RGBA")):
        bare.putpalette(palette, "RGBA")
    bare.paste(upright)
    if kind == "JPEG" and bare.mode not in ("L", "RGB", "CMYK"):
        bare = bare.convert("RGB")
    out = BytesIO()
    bare.save(out, kind)
    return out.getvalue()
