"""The demo's wordmark: drawn letters on a plate of their own, so that it reads on light and on dark alike."""

from __future__ import annotations

from brush import Board, Fade, Point, ring
from palette import CREAM, MARIGOLD

TOP, MIDDLE, BASE, BELOW = 27.0, 47.0, 81.0, 101.0
ROUND = (BASE - MIDDLE) / 2
STROKE = 8.5


def draw() -> Board:
    b = Board(480, 120)
    b.box(0, 0, 480, 120, Fade("#5b2a86", "#2b1745", across=True), corner=26)
    headlamp(b, 50, 60)
    x = 100.0
    for letter in "Tramlight":
        lines, advance = LETTERS[letter]
        for line in lines:
            b.stroke([(x + px, py) for px, py in line], CREAM, width=STROKE)
        if letter == "i":
            b.disc(x, TOP + 4, 6, MARIGOLD)
        x += advance
    return b


def headlamp(b: Board, x: float, y: float) -> None:
    for radius, alpha in ((35, 0.16), (29, 0.24), (22, 0.4)):
        b.disc(x, y, radius, MARIGOLD, alpha=alpha)
    b.disc(x, y, 15, Fade("#ffe9a8", MARIGOLD))


def stem(x: float, top: float, bottom: float) -> list[Point]:
    return [(x, top), (x, bottom)]


def arch(x: float, width: float) -> list[Point]:
    half = width / 2
    return [*ring(x + half, MIDDLE + half, half, start=180, end=360), (x + width, BASE)]


BOWL = ring(ROUND, MIDDLE + ROUND, ROUND)
LETTERS: dict[str, tuple[list[list[Point]], float]] = {
    "T": ([[(0, TOP), (42, TOP)], stem(21, TOP, BASE)], 50),
    "r": ([stem(0, MIDDLE, BASE), ring(17, MIDDLE + 17, 17, start=180, end=285)], 31),
    "a": ([BOWL, stem(2 * ROUND, MIDDLE, BASE)], 2 * ROUND + 18),
    "m": ([stem(0, MIDDLE, BASE), arch(0, 26), arch(26, 26)], 69),
    "l": ([stem(0, TOP, BASE)], 18),
    "i": ([stem(0, MIDDLE, BASE)], 16),
    "g": ([BOWL, [(2 * ROUND, MIDDLE), *ring(ROUND, BELOW - ROUND, ROUND, start=0, end=150)]], 2 * ROUND + 18),
    "h": ([stem(0, TOP, BASE), arch(0, 30)], 45),
    "t": ([[(0, TOP + 6), *ring(13, BASE - 13, 13, start=180, end=75)], [(-10, MIDDLE), (17, MIDDLE)]], 30),
}
