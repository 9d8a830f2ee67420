"""A small drawing board on Pillow: flat shapes, gradients and glows, drawn twice as large and shrunk for clean edges.

Coordinates are in pixels of the finished picture. A paint is a `#rrggbb` colour or a `Fade` between two of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from math import ceil, cos, floor, hypot, pi, sin
from pathlib import Path

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter

Point = tuple[float, float]
SCALE = 3
SOFTNESS = 0.7
"""Pixels of blur before a JPEG is written: a hard edge costs three times the bytes of one the eye calls sharp."""


@dataclass(frozen=True, slots=True)
class Fade:
    """A gradient from `start` to `end` over the shape's own box; `across` runs left to right instead of downwards."""

    start: str
    end: str
    across: bool = False


Paint = str | Fade


def scatter(count: int, *, seed: float = 0.0) -> list[Point]:
    """`count` points in the unit square, spread evenly and always the same (the R2 low-discrepancy sequence)."""
    return [((seed + n * 0.7548776662) % 1, (seed * 1.7 + n * 0.5698402910) % 1) for n in range(1, count + 1)]


def smooth(points: Sequence[Point], *, closed: bool = False, steps: int = 16) -> list[Point]:
    """A Catmull-Rom curve through every point."""
    count = len(points)
    curve: list[Point] = []
    for index in range(count if closed else count - 1):
        if closed:
            a, b, c, d = (points[(index + offset) % count] for offset in (-1, 0, 1, 2))
        else:
            a, b = points[max(index - 1, 0)], points[index]
            c, d = points[index + 1], points[min(index + 2, count - 1)]
        for step in range(steps):
            t = step / steps
            curve.append(
                tuple(  # type: ignore[arg-type]
                    0.5
                    * (
                        2 * b[axis]
                        + (c[axis] - a[axis]) * t
                        + (2 * a[axis] - 5 * b[axis] + 4 * c[axis] - d[axis]) * t * t
                        + (3 * b[axis] - a[axis] - 3 * c[axis] + d[axis]) * t * t * t
                    )
                    for axis in (0, 1)
                )
            )
    if not closed:
        curve.append(points[-1])
    return curve


def walked(points: Sequence[Point], *, step: float) -> list[Point]:
    """The same line with its points `step` pixels apart."""
    line, left = [points[0]], step
    for (ax, ay), (bx, by) in pairwise(points):
        length = hypot(bx - ax, by - ay)
        along = left
        while along <= length:
            line.append((ax + (bx - ax) * along / length, ay + (by - ay) * along / length))
            along += step
        left = along - length
    return line


def turned(points: Iterable[Point], angle: float, *, about: Point) -> list[Point]:
    """The points turned clockwise by `angle` degrees."""
    c, s = cos(angle * pi / 180), sin(angle * pi / 180)
    x0, y0 = about
    return [(x0 + (x - x0) * c - (y - y0) * s, y0 + (x - x0) * s + (y - y0) * c) for x, y in points]


def ring(x: float, y: float, rx: float, ry: float | None = None, *, start: float = 0, end: float = 360) -> list[Point]:
    """Points along an ellipse, from `start` to `end` degrees (0 is right, 90 is down)."""
    ry = rx if ry is None else ry
    steps = max(12, int(abs(end - start) / 3))
    return [
        (
            x + rx * cos((start + (end - start) * n / steps) * pi / 180),
            y + ry * sin((start + (end - start) * n / steps) * pi / 180),
        )
        for n in range(steps + 1)
    ]


class Board:
    """A picture being drawn."""

    def __init__(self, width: int, height: int, *, ground: Paint | None = None) -> None:
        self.width, self.height = width, height
        self.image = Image.new("RGBA", (width * SCALE, height * SCALE), (0, 0, 0, 0))
        if ground is not None:
            self.box(0, 0, width, height, ground)

    # --- shapes -------------------------------------------------------------------------------------------------

    def shape(
        self, points: Iterable[Point], paint: Paint, *, alpha: float = 1.0, inside: Image.Image | None = None
    ) -> None:
        corners = [(x * SCALE, y * SCALE) for x, y in points]
        box = self._box(corners)
        if box is None:
            return
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]), 0)
        ImageDraw.Draw(mask).polygon([(x - box[0], y - box[1]) for x, y in corners], fill=255)
        whole = (
            min(x for x, _ in corners),
            min(y for _, y in corners),
            max(x for x, _ in corners),
            max(y for _, y in corners),
        )
        self._lay(mask, box, paint, alpha=alpha, whole=whole, inside=inside)

    def box(
        self, x: float, y: float, width: float, height: float, paint: Paint, *, corner: float = 0, alpha: float = 1.0
    ) -> None:
        if not corner:
            self.shape([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], paint, alpha=alpha)
            return
        r = min(corner, width / 2, height / 2)
        corners = [
            *ring(x + r, y + r, r, start=180, end=270),
            *ring(x + width - r, y + r, r, start=270, end=360),
            *ring(x + width - r, y + height - r, r, start=0, end=90),
            *ring(x + r, y + height - r, r, start=90, end=180),
        ]
        self.shape(corners, paint, alpha=alpha)

    def disc(self, x: float, y: float, rx: float, paint: Paint, *, ry: float | None = None, alpha: float = 1.0) -> None:
        self.shape(ring(x, y, rx, ry), paint, alpha=alpha)

    def hoop(
        self,
        x: float,
        y: float,
        rx: float,
        paint: Paint,
        *,
        ry: float | None = None,
        width: float = 4,
        alpha: float = 1.0,
        start: float = 0,
        end: float = 360,
    ) -> None:
        self.stroke(ring(x, y, rx, ry, start=start, end=end), paint, width=width, alpha=alpha, capped=end - start < 360)

    def stroke(
        self, points: Sequence[Point], paint: Paint, *, width: float = 4, alpha: float = 1.0, capped: bool = True
    ) -> None:
        """A line of even width, with round ends when `capped`. For curves: a sharp corner comes out cut."""
        self.taper(points, paint, widths=(width, width), alpha=alpha)
        if capped and width > 3 and alpha == 1 and isinstance(paint, str):
            for x, y in (points[0], points[-1]):
                self.disc(x, y, width / 2, paint)

    def taper(self, points: Sequence[Point], paint: Paint, *, widths: Sequence[float], alpha: float = 1.0) -> None:
        """A brush stroke whose width runs evenly through `widths`."""
        left, right = [], []
        last = len(points) - 1
        for index, (x, y) in enumerate(points):
            (ax, ay), (bx, by) = points[max(index - 1, 0)], points[min(index + 1, last)]
            length = hypot(bx - ax, by - ay) or 1.0
            nx, ny = -(by - ay) / length, (bx - ax) / length
            at = index / last * (len(widths) - 1)
            low = min(int(at), len(widths) - 2)
            half = (widths[low] + (widths[low + 1] - widths[low]) * (at - low)) / 2
            left.append((x + nx * half, y + ny * half))
            right.append((x - nx * half, y - ny * half))
        self.shape([*left, *reversed(right)], paint, alpha=alpha)

    def glow(self, x: float, y: float, rx: float, colour: str, *, ry: float | None = None, alpha: float = 1.0) -> None:
        """Soft light that fades to nothing at its rim."""
        ry = rx if ry is None else ry
        size = (ceil(2 * rx * SCALE), ceil(2 * ry * SCALE))
        light = ImageChops.invert(Image.radial_gradient("L")).point(
            [int(max(0, (v - 75) / 180) ** 1.7 * 255) for v in range(256)]
        )
        light = light.resize(size, Image.Resampling.BICUBIC).point([int(v * alpha) for v in range(256)])
        ink = Image.new("RGBA", size, ImageColor.getrgb(colour))
        ink.putalpha(light)
        whole = Image.new("RGBA", self.image.size, (0, 0, 0, 0))
        whole.paste(ink, (floor((x - rx) * SCALE), floor((y - ry) * SCALE)))
        self.image = Image.alpha_composite(self.image, whole)

    # --- things many pictures have -------------------------------------------------------------------------------

    def ridge(
        self, y: float, paint: Paint, *, height: float, length: float, phase: float = 0, alpha: float = 1.0
    ) -> None:
        """A line of hills or waves across the picture, filled to the bottom."""
        line = [
            (x, y + height * (0.7 * sin(x / length * 2 * pi + phase) + 0.3 * sin(x / length * 4.6 * pi + phase * 2.1)))
            for x in range(-10, self.width + 20, 8)
        ]
        self.shape([*line, (self.width + 10, self.height + 10), (-10, self.height + 10)], paint, alpha=alpha)

    def stars(self, count: int, colour: str, *, seed: float = 0.3, until: float = 1.0, size: float = 2.2) -> None:
        for n, (u, v) in enumerate(scatter(count, seed=seed)):
            self.disc(
                u * self.width,
                v * self.height * until,
                size * (0.55 + 0.45 * ((n * 7) % 5) / 4),
                colour,
                alpha=0.35 + 0.13 * (n % 5),
            )

    def moon(self, x: float, y: float, r: float, paint: Paint, *, halo: str, rings: int = 3) -> None:
        """The lamp every picture has: a disc in rings of its own light."""
        for n in range(rings, 0, -1):
            self.disc(x, y, r * (1 + 0.32 * n), halo, alpha=0.10)
        self.disc(x, y, r, paint)

    # --- the finished picture ------------------------------------------------------------------------------------

    def finished(self) -> Image.Image:
        return self.image.resize((self.width, self.height), Image.Resampling.BOX)

    def save_photo(self, file: Path, *, at_most: int) -> int:
        """Write a JPEG of the best quality that keeps to `at_most` bytes; answer its size."""
        picture = self.finished().convert("RGB").filter(ImageFilter.GaussianBlur(SOFTNESS))
        for quality in range(88, 22, -2):
            data = BytesIO()
            picture.save(data, "JPEG", quality=quality, optimize=True, progressive=True, subsampling=2)
            if data.tell() <= at_most:
                file.write_bytes(data.getvalue())
                return data.tell()
        raise ValueError(f"{file.name} cannot be kept under {at_most} bytes: draw fewer shapes.")

    # --- below the board -----------------------------------------------------------------------------------------

    def _box(self, corners: Sequence[Point]) -> tuple[int, int, int, int] | None:
        left, top = max(0, floor(min(x for x, _ in corners))), max(0, floor(min(y for _, y in corners)))
        right = min(self.image.width, ceil(max(x for x, _ in corners)) + 1)
        bottom = min(self.image.height, ceil(max(y for _, y in corners)) + 1)
        return (left, top, right, bottom) if right > left and bottom > top else None

    def _lay(
        self,
        mask: Image.Image,
        box: tuple[int, int, int, int],
        paint: Paint,
        *,
        alpha: float,
        whole: tuple[float, float, float, float],
        inside: Image.Image | None = None,
    ) -> None:
        if inside is not None:
            mask = ImageChops.multiply(mask, inside.crop(box))
        if alpha < 1:
            mask = mask.point([int(v * alpha) for v in range(256)])
        ink = self._ink(paint, box=box, whole=whole)
        ink.putalpha(mask)
        under = self.image.crop(box)
        self.image.paste(Image.alpha_composite(under, ink), box[:2])

    @staticmethod
    def _ink(paint: Paint, *, box: tuple[int, int, int, int], whole: tuple[float, float, float, float]) -> Image.Image:
        size = (box[2] - box[0], box[3] - box[1])
        if isinstance(paint, str):
            return Image.new("RGBA", size, ImageColor.getrgb(paint))
        first, last = ImageColor.getrgb(paint.start), ImageColor.getrgb(paint.end)
        axis = 0 if paint.across else 1
        low, high = whole[axis], whole[axis + 2]
        length = size[axis]
        line = Image.new("RGB", (length, 1) if paint.across else (1, length))
        shades = []
        for n in range(length):
            t = min(1.0, max(0.0, (box[axis] + n - low) / max(1.0, high - low)))
            shades.append(tuple(round(a + (b - a) * t) for a, b in zip(first[:3], last[:3], strict=True)))
        line.putdata(shades)
        return line.resize(size, Image.Resampling.NEAREST).convert("RGBA")
