"""The pictures that a worker sends, written as PNG, with their marks below them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bench.core.measurement import PictureFile
from bench.launch.worker_messages import SentPicture
from bench.system import files

# Height of the strip for marks, and of their letters, in pixels.
_STRIP, _LETTERS = 22, 16


def keep(pictures: Sequence[SentPicture], folder: Path, stem: str) -> tuple[PictureFile, ...]:
    """Write pictures to a folder, as `STEM-NUMBER.png`. Raises OSError."""
    if pictures:
        folder.mkdir(exist_ok=True)
    kept = []
    for number, picture in enumerate(pictures, start=1):
        name = f"{stem}-{number}.png"
        files.write(folder / name, as_png(picture))
        kept.append(PictureFile(title=picture.title, file=name))
    return tuple(kept)


def as_png(picture: SentPicture) -> bytes:
    """A picture as the content of a PNG file."""
    size = (picture.width, picture.height)
    image = Image.frombytes("L" if picture.is_gray else "RGB", size, picture.pixels)
    if picture.marks:
        image = _marked(image, picture)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _marked(image: Image.Image, picture: SentPicture) -> Image.Image:
    """The image with a white strip below it, in which each mark has its text under its place."""
    whole = Image.new(image.mode, (image.width, image.height + _STRIP), "white")
    whole.paste(image)
    draw = ImageDraw.Draw(whole)
    font = ImageFont.load_default(_LETTERS)
    for mark in picture.marks:
        place = (mark.place * image.width, image.height + _STRIP / 2)
        draw.text(place, mark.text, fill="black", font=font, anchor="mm")
    return whole
