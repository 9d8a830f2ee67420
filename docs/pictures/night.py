"""Pictures for stories that happen outdoors: the harbour, the hills, the streets and the roofs."""

from __future__ import annotations

from math import cos, pi, sin

from brush import SCALE, Board, Fade, Point, ring, scatter, smooth, turned
from palette import (
    AMBER,
    AQUA,
    BLUSH,
    CORAL,
    CREAM,
    INDIGO,
    MARIGOLD,
    NIGHT,
    PLUM,
    PLUM_DEEP,
    PLUM_SOFT,
    ROSE,
    SKY,
    TEAL,
    TEAL_DEEP,
)

WIDTH, HEIGHT = 1200, 675


def ferry() -> Board:
    """A lit ferry under a low moon."""
    b = Board(WIDTH, HEIGHT, ground=Fade(NIGHT, "#7a3b86"))
    b.glow(790, 360, 560, CORAL, alpha=0.75)
    b.stars(38, CREAM, until=0.45)
    b.moon(790, 300, 150, Fade("#ffe3a0", AMBER), halo=BLUSH, rings=4)
    b.shape(
        [
            (0, 430),
            *smooth([(0, 418), (140, 392), (250, 402), (380, 378), (520, 410), (650, 424)]),
            (650, 440),
            (0, 440),
        ],
        "#4a2a6b",
    )
    b.box(0, 428, WIDTH, 260, Fade("#5d3479", NIGHT))
    for n, (u, _) in enumerate(scatter(26, seed=0.2)):
        y = 440 + n * 9
        half = 150 - n * 3.4 + 20 * sin(n * 2.1)
        b.box(790 - half + (u - 0.5) * 50, y, half * 2, 4, MARIGOLD, corner=2, alpha=0.62 - n * 0.018)
    hull = [
        *smooth([(250, 446), (262, 500), (300, 524)]),
        (640, 524),
        *smooth([(640, 524), (690, 492), (716, 446)]),
    ]
    b.shape(hull, Fade("#2a1745", "#150b26"))
    b.box(250, 446, 466, 9, CORAL)
    b.shape([(300, 446), (316, 386), (650, 386), (672, 446)], CREAM)
    b.shape([(352, 386), (362, 338), (580, 338), (598, 386)], "#f7d9c4")
    b.shape([(410, 338), (416, 304), (506, 304), (516, 338)], CREAM)
    b.shape([(536, 338), (544, 268), (590, 268), (586, 338)], CORAL)
    b.shape([(541.5, 290), (544, 268), (590, 268), (588.5, 290)], "#2a1745")
    for n in range(9):
        b.box(332 + n * 36, 404, 21, 24, MARIGOLD if n % 4 else "#6b3a8e", corner=10)
    for n in range(5):
        b.box(376 + n * 42, 352, 26, 18, MARIGOLD if n != 2 else "#fff7d8", corner=4)
    b.box(424, 314, 74, 12, "#6b3a8e", corner=4)
    b.stroke([(460, 304), (460, 236)], CREAM, width=4)
    b.disc(460, 234, 7, MARIGOLD)
    b.glow(460, 234, 46, MARIGOLD, alpha=0.8)
    b.taper(
        smooth([(566, 262), (586, 216), (556, 178), (610, 128), (590, 78)]),
        BLUSH,
        widths=(14, 40, 54, 44, 6),
        alpha=0.28,
    )
    for n, (y, colour) in enumerate(((516, "#4b2a70"), (560, "#341c55"), (608, "#221238"))):
        b.ridge(y, colour, height=9, length=210 + 50 * n, phase=n * 1.7 + 0.6)
    for n in range(7):
        b.box(330 + n * 48 + (n % 2) * 14, 546 + (n * 13) % 40, 44, 4, MARIGOLD, corner=2, alpha=0.5)
    return b


def comet() -> Board:
    """A comet over layered hills and one lit house."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#0c1d3d", "#2f7f93"))
    b.stars(56, CREAM, until=0.62, seed=0.71)
    b.glow(880, 640, 620, AQUA, alpha=0.55)
    head = (860.0, 176.0)
    for spread, colour, alpha in ((120, SKY, 0.20), (78, AQUA, 0.30), (40, CREAM, 0.42)):
        tail = smooth([(-180, 0 + spread * 0.2), (330, 34), (620, 96), head])
        b.taper(tail, colour, widths=(spread * 1.5, spread, spread * 0.62, 30), alpha=alpha)
    b.glow(*head, 170, MARIGOLD, alpha=0.9)
    b.moon(*head, 34, Fade("#fff6d6", MARIGOLD), halo=CREAM, rings=2)
    hills = (
        (400, "#2b7388", 38, 640, 0.4),
        (455, "#1f5a74", 44, 560, 2.2),
        (520, "#174460", 40, 720, 4.0),
        (585, "#0f2f4a", 30, 500, 1.2),
    )
    for y, colour, height, length, phase in hills:
        b.ridge(y, colour, height=height, length=length, phase=phase)
    for n, (x, y, s) in enumerate(
        ((150, 560, 1.0), (205, 580, 0.75), (980, 556, 1.15), (1045, 574, 0.85), (1090, 560, 1.0))
    ):
        b.shape([(x - 26 * s, y + 70), (x, y - 62 * s), (x + 26 * s, y + 70)], "#0b2238" if n % 2 else "#0d2a44")
    b.shape([(470, 560), (470, 506), (528, 464), (586, 506), (586, 560), (586, 610), (470, 610)], "#0b2238")
    b.shape([(452, 512), (528, 452), (604, 512), (594, 522), (528, 470), (462, 522)], CORAL)
    b.box(556, 452, 18, 40, "#0b2238")
    b.box(494, 524, 30, 34, MARIGOLD, corner=4)
    b.box(540, 524, 30, 34, MARIGOLD, corner=4)
    b.glow(532, 540, 110, MARIGOLD, alpha=0.6)
    b.taper(smooth([(565, 446), (574, 416), (556, 390), (580, 356)]), CREAM, widths=(8, 20, 26, 4), alpha=0.35)
    b.ridge(628, "#081a2e", height=14, length=620, phase=2.0)
    return b


def docks() -> Board:
    """A walker's map of the harbour, with a dotted way and a pin."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#bfe3dc", "#7cc4bf"))
    for n in range(5):
        y = 60 + n * 96
        for m in range(4):
            x = 60 + m * 330 + (n % 2) * 160
            b.stroke(smooth([(x, y), (x + 18, y - 8), (x + 36, y), (x + 54, y - 8), (x + 72, y)]), "#5fb0ae", width=4)
    coast: list[Point] = [
        (-20, 300),
        (120, 280),
        (230, 340),
        (330, 318),
        (420, 372),
        (560, 350),
        (640, 420),
        (760, 400),
        (860, 470),
        (980, 450),
        (1080, 520),
        (1230, 500),
    ]
    land = [*smooth(coast), (1230, 720), (-20, 720)]
    b.stroke(smooth(coast), "#e9f6ef", width=44, alpha=0.55)
    b.stroke(smooth(coast), "#f4fbf4", width=20, alpha=0.8)
    b.shape(land, Fade("#fff1d6", "#f8ddb5"))
    for x, y, w, h, colour in (
        (60, 420, 130, 84, BLUSH),
        (210, 420, 110, 84, "#f6c98f"),
        (60, 524, 90, 110, "#f6c98f"),
        (170, 524, 150, 110, "#a9d8c8"),
        (342, 452, 130, 90, "#f6c98f"),
        (342, 562, 130, 120, BLUSH),
        (492, 470, 110, 72, "#a9d8c8"),
        (492, 562, 180, 120, "#f6c98f"),
        (692, 520, 120, 160, BLUSH),
        (832, 560, 150, 120, "#f6c98f"),
        (1002, 590, 160, 100, "#a9d8c8"),
    ):
        b.box(x, y, w, h, colour, corner=10)
    for x, y in ((196, 560), (230, 590), (270, 566), (520, 496), (560, 514), (1040, 622), (1090, 634), (1120, 612)):
        b.disc(x, y, 15, TEAL)
        b.disc(x - 4, y - 4, 8, "#4bb0a4")
    piers = ((250, 346, -14, 170), (470, 372, 6, 210), (690, 424, -4, 250), (900, 474, 10, 230))
    for x, y, angle, length in piers:
        deck = turned(
            [(x - 17, y + 24), (x - 17, y - length), (x + 17, y - length), (x + 17, y + 24)], angle, about=(x, y)
        )
        b.shape([(px + 7, py + 8) for px, py in deck], TEAL_DEEP, alpha=0.22)
        b.shape(deck, "#a8643c")
        for n in range(int(length / 22)):
            b.stroke(turned([(x - 17, y - n * 22), (x + 17, y - n * 22)], angle, about=(x, y)), "#8b4e2f", width=2)
    for x, y, angle, colour in (
        (330, 190, 24, CORAL),
        (566, 160, -8, CREAM),
        (800, 230, 12, ROSE),
        (1050, 300, -30, CREAM),
    ):
        b.shape(
            turned(
                smooth([(x - 24, y + 52), (x - 26, y - 6), (x, y - 66), (x + 26, y - 6), (x + 24, y + 52)]),
                angle,
                about=(x, y),
            ),
            PLUM_DEEP,
        )
        b.shape(
            turned(
                smooth([(x - 15, y + 42), (x - 16, y - 4), (x, y - 44), (x + 16, y - 4), (x + 15, y + 42)]),
                angle,
                about=(x, y),
            ),
            colour,
        )
    way = smooth(
        [
            (30, 660),
            (154, 640),
            (332, 520),
            (330, 430),
            (482, 452),
            (484, 548),
            (612, 548),
            (680, 470),
            (700, 300),
            (708, 214),
        ],
        steps=40,
    )
    for x, y in way[::9]:
        b.disc(x, y, 6.5, ROSE)
    x, y = 708, 178
    b.disc(x, y + 26, 26, TEAL_DEEP, ry=9, alpha=0.35)
    b.shape([*ring(x, y - 74, 58, start=150, end=390), (x, y + 26)], Fade("#e0476f", "#9c2458"))
    b.disc(x, y - 74, 30, MARIGOLD)
    b.disc(x, y - 74, 14, CREAM)
    cx, cy = 1090, 120
    b.disc(cx, cy, 74, CREAM, alpha=0.85)
    b.hoop(cx, cy, 62, PLUM, width=3)
    for n in range(4):
        needle = [(cx - 12, cy), (cx, cy - 56), (cx + 12, cy)]
        b.shape(turned(needle, n * 90, about=(cx, cy)), ROSE if n == 0 else PLUM)
    b.disc(cx, cy, 8, CREAM)
    return b


def screenings() -> Board:
    """A rooftop cinema above the city."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#1b1440", "#e0577a"))
    b.glow(600, 690, 760, AMBER, alpha=0.7)
    b.stars(22, CREAM, until=0.35, seed=0.13)
    skyline(b, 430, "#8d3a78", seed=0.31, tallest=210, step=74)
    skyline(b, 500, "#5b2766", seed=0.62, tallest=190, step=96, windows=MARIGOLD)
    b.box(0, 560, WIDTH, 120, Fade("#2a1548", "#170b2c"))
    b.box(0, 556, WIDTH, 10, "#41215f")
    for x in (330, 870):
        b.box(x - 7, 300, 14, 268, "#170b2c")
    b.glow(600, 280, 480, CREAM, ry=330, alpha=0.5)
    b.box(296, 120, 608, 316, "#170b2c", corner=10)
    b.box(308, 132, 584, 292, Fade("#bfe6e2", "#fff3dc"))
    screen = smooth([(308, 376), (420, 330), (520, 366), (650, 310), (780, 356), (892, 330)])
    b.disc(716, 236, 50, MARIGOLD)
    b.shape([*screen, (892, 424), (308, 424)], "#3f9a98")
    b.shape([*smooth([(308, 400), (460, 372), (640, 404), (760, 380), (892, 396)]), (892, 424), (308, 424)], TEAL_DEEP)
    b.shape([(404, 400), (404, 352), (440, 318), (476, 352), (476, 400)], CORAL)
    b.box(430, 366, 20, 34, CREAM)
    wires = [smooth([(-10, 60), (150, 130), (300, 96)]), smooth([(900, 96), (1060, 136), (1210, 50)])]
    for wire in wires:
        b.stroke(wire, "#170b2c", width=3)
        for x, y in wire[3::5]:
            b.glow(x, y + 9, 30, MARIGOLD, alpha=0.75)
            b.disc(x, y + 9, 7, "#ffe09a")
    for n, (x, colour) in enumerate(
        (
            (120, CORAL),
            (262, AQUA),
            (404, MARIGOLD),
            (560, ROSE),
            (716, SKY),
            (862, MARIGOLD),
            (1004, CORAL),
            (1130, AQUA),
        )
    ):
        y = 604 + (n % 2) * 20
        b.disc(x, y - 64, 21, "#0f0720")
        b.shape(
            smooth(
                [
                    (x - 66, y + 90),
                    (x - 54, y - 10),
                    (x - 20, y - 42),
                    (x + 20, y - 42),
                    (x + 54, y - 10),
                    (x + 66, y + 90),
                ]
            ),
            colour,
        )
        b.shape(
            smooth([(x - 66, y + 90), (x - 54, y - 10), (x - 34, y - 34), (x - 26, y + 20), (x - 34, y + 90)]),
            "#0f0720",
            alpha=0.22,
        )
        b.stroke([(x - 46, y + 8), (x + 46, y + 8)], CREAM, width=5, alpha=0.55)
        b.stroke([(x - 54, y + 28), (x + 54, y + 28)], CREAM, width=5, alpha=0.35)
    return b


def skyline(b: Board, base: float, colour: str, *, seed: float, tallest: float, step: float, windows: str = "") -> None:
    """A row of houses standing on `base`, with some lit windows."""
    count = int(b.width / step) + 2
    heights = [v for _, v in scatter(count, seed=seed)]
    for n, share in enumerate(heights):
        x, height = n * step - step / 2, tallest * (0.35 + 0.65 * share)
        b.box(x, base - height, step + 1, b.height - base + height, colour)
        if n % 4 == 1:
            b.shape([(x, base - height + 1), (x + step / 2, base - height - 44), (x + step, base - height + 1)], colour)
        if n % 4 == 3:
            b.box(x + step * 0.3, base - height - 26, step * 0.16, 28, colour)
        if windows:
            for k, (u, v) in enumerate(scatter(5, seed=seed + n * 0.37)):
                column, row = int(u * 3), int(v * 5)
                if k % 3 != 2:
                    b.box(
                        x + step * (0.16 + 0.26 * column),
                        base - height + 22 + row * 34,
                        step * 0.14,
                        18,
                        windows,
                        corner=2,
                        alpha=0.9,
                    )


def jazz() -> Board:
    """A keyboard for a street, running to a moonlit town."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#0d1030", "#4b3fa0"))
    b.stars(30, CREAM, until=0.45, seed=0.42)
    b.glow(600, 330, 620, "#b05ad0", alpha=0.7)
    b.moon(600, 262, 132, Fade("#fff0c4", MARIGOLD), halo=CREAM, rings=4)
    skyline(b, 372, "#37307e", seed=0.11, tallest=170, step=58)
    skyline(b, 400, "#221c56", seed=0.77, tallest=150, step=82, windows=MARIGOLD)
    b.box(0, 398, WIDTH, 300, Fade("#191442", "#0a0820"))
    far, near = 400.0, 690.0
    top, bottom = 210.0, 1180.0
    keys = 9

    def edge(n: float, depth: float) -> Point:
        half = top / 2 + (bottom / 2 - top / 2) * depth
        return (600 - half + 2 * half * n / keys, far + (near - far) * depth)

    for n in range(keys):
        b.shape(
            [edge(n + 0.04, 0), edge(n + 0.96, 0), edge(n + 0.96, 1), edge(n + 0.04, 1)], Fade("#c9b8f0", "#fff6e4")
        )
    for n in (1, 2, 4, 5, 6, 8):
        b.shape([edge(n - 0.3, 0), edge(n + 0.3, 0), edge(n + 0.3, 0.6), edge(n - 0.3, 0.6)], "#120d33")
        b.shape(
            [edge(n - 0.18, 0.05), edge(n + 0.02, 0.05), edge(n + 0.02, 0.52), edge(n - 0.18, 0.52)],
            "#3b3285",
            alpha=0.75,
        )
    b.glow(600, 420, 380, MARIGOLD, ry=130, alpha=0.45)
    for x, side in ((142, 1), (1058, -1)):
        b.box(x - 6, 250, 12, 330, "#0a0820")
        b.stroke(smooth([(x, 258), (x + side * 14, 220), (x + side * 58, 214)]), "#0a0820", width=9)
        b.shape([(x + side * 38, 220), (x + side * 84, 220), (x + side * 70, 190), (x + side * 52, 190)], "#0a0820")
        b.glow(x + side * 61, 232, 120, MARIGOLD, alpha=0.85)
        b.disc(x + side * 61, 228, 14, "#fff0c4")
    for x, y, s in ((330, 150, 1.0), (872, 120, 0.85), (424, 70, 0.62)):
        b.disc(x, y + 44 * s, 17 * s, CORAL, ry=13 * s)
        b.stroke([(x + 14 * s, y + 44 * s), (x + 14 * s, y - 30 * s)], CORAL, width=6 * s)
        b.taper(
            smooth([(x + 14 * s, y - 30 * s), (x + 40 * s, y - 6 * s), (x + 34 * s, y + 20 * s)]),
            CORAL,
            widths=(14 * s, 12 * s, 3),
        )
    return b


def tram() -> Board:
    """The night tram in front of the old houses."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#24124a", "#a2437f"))
    b.stars(22, CREAM, until=0.22, seed=0.51)
    b.moon(1010, 112, 52, Fade("#fff0c4", MARIGOLD), halo=CREAM, rings=3)
    fronts = (
        ("#6b2f73", 150, 250),
        ("#8a3b72", 170, 310),
        ("#5a2a6e", 140, 230),
        ("#7a3573", 190, 290),
        ("#9a4672", 150, 260),
        ("#5f2c70", 180, 320),
        ("#7d3872", 160, 240),
        ("#6b2f73", 140, 280),
    )
    x = -20.0
    for n, (colour, width, height) in enumerate(fronts):
        y = 510 - height
        b.box(x, y, width, height + 20, colour)
        if n % 3 == 0:
            b.shape([(x - 4, y + 2), (x + width / 2, y - 62), (x + width + 4, y + 2)], "#3a1a52")
        elif n % 3 == 1:
            b.shape(
                [
                    (x, y + 1),
                    (x, y - 26),
                    (x + width * 0.3, y - 26),
                    (x + width * 0.3, y - 50),
                    (x + width * 0.7, y - 50),
                    (x + width * 0.7, y - 26),
                    (x + width, y - 26),
                    (x + width, y + 1),
                ],
                colour,
            )
        else:
            b.box(x - 4, y - 12, width + 8, 14, "#3a1a52")
        for row in range(int(height / 84)):
            for column in range(3):
                lit = (n * 5 + row * 3 + column * 2) % 4 == 0
                b.box(
                    x + width * (0.14 + 0.27 * column),
                    y + 26 + row * 74,
                    width * 0.17,
                    44,
                    MARIGOLD if lit else "#472058",
                    corner=8 if n % 2 else 2,
                )
        x += width
    b.box(0, 500, WIDTH, 200, Fade("#2c1545", "#150a26"))
    b.stroke([(0, 172), (1200, 150)], "#150a26", width=3)
    b.glow(1030, 480, 360, MARIGOLD, ry=150, alpha=0.75)
    b.shape([(930, 452), (1200, 430), (1200, 600), (930, 500)], MARIGOLD, alpha=0.16)
    b.stroke([(520, 246), (590, 163)], "#150a26", width=5)
    b.stroke([(560, 163), (622, 161)], "#150a26", width=6)
    b.box(212, 244, 726, 26, "#150a26", corner=12)
    b.box(196, 262, 758, 258, Fade("#f15f58", "#c93a5c"), corner=30)
    b.box(196, 412, 758, 40, CREAM)
    b.box(196, 452, 758, 8, MARIGOLD)
    for n in range(6):
        b.box(226 + n * 116, 294, 100, 96, Fade("#fff3c9", "#ffc85c"), corner=12)
    books = (CORAL, TEAL, PLUM_SOFT, ROSE, INDIGO, AMBER)
    for n in (0, 1, 3, 4):
        for m in range(8):
            height = 40 + (m * 17 + n * 11) % 26
            b.box(233 + n * 116 + m * 11, 388 - height, 9, height, books[(m + n) % len(books)], corner=1)
    for x, colour in ((518, PLUM), (866, TEAL_DEEP)):
        b.disc(x, 334, 17, colour)
        b.shape(smooth([(x - 30, 390), (x - 22, 360), (x, 350), (x + 22, 360), (x + 30, 390)]), colour)
        b.shape([(x - 26, 366), (x, 374), (x + 26, 366), (x + 26, 384), (x, 390), (x - 26, 384)], CREAM)
    b.disc(918, 484, 20, "#fff7d8")
    b.glow(918, 484, 110, "#fff0b8", alpha=0.9)
    b.box(180, 512, 790, 16, "#150a26", corner=6)
    for x in (300, 386, 764, 850):
        b.disc(x, 536, 27, "#150a26")
        b.disc(x, 536, 11, "#7a5a86")
    b.stroke([(0, 566), (1200, 566)], "#8a6a9a", width=5)
    b.stroke([(0, 604), (1200, 604)], "#6b4c80", width=4)
    for n in range(7):
        b.box(226 + n * 104, 584 + (n % 3) * 20, 80, 5, MARIGOLD, corner=2, alpha=0.35)
    return b


def boats() -> Board:
    """Paper boats on a very large puddle."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#1d6f86", "#0b2f4d"))
    b.disc(840, 190, 330, "#58b7b4", ry=120, alpha=0.30)
    b.disc(840, 190, 230, "#9adbc9", ry=84, alpha=0.35)
    b.disc(840, 190, 130, Fade("#fff0c4", MARIGOLD), ry=48)
    for n in range(6):
        b.box(770 + (n % 3) * 14, 246 + n * 20, 150 - n * 18, 5, MARIGOLD, corner=2, alpha=0.7 - n * 0.1)
    for x, y, rings in ((220, 150, 2), (1060, 490, 3), (160, 540, 2)):
        for n in range(1, rings + 1):
            b.hoop(x, y, 34 * n, "#a9e3dc", ry=12 * n, width=3, alpha=0.5 - 0.09 * n)
    for x, y, s, light, shade in (
        (830, 330, 0.62, "#cfe9ff", "#8fb6dd"),
        (330, 300, 0.8, BLUSH, "#e58f7c"),
        (600, 470, 1.55, CREAM, "#e9cfa6"),
    ):
        for n in range(1, 4):
            b.hoop(x, y + 42 * s, (120 + 50 * n) * s, CREAM, ry=(22 + 17 * n) * s, width=3, alpha=0.42 - 0.1 * n)
        b.shape(
            [
                (x - 112 * s, y + 44 * s),
                (x + 112 * s, y + 44 * s),
                (x + 60 * s, y + 104 * s),
                (x - 60 * s, y + 104 * s),
            ],
            Fade("#0a2740", "#0b3350"),
            alpha=0.5,
        )
        b.shape([(x - 62 * s, y + 12 * s), (x, y - 96 * s), (x + 62 * s, y + 12 * s)], light)
        b.shape([(x, y - 96 * s), (x + 62 * s, y + 12 * s), (x, y + 12 * s)], shade)
        b.shape(
            [
                (x - 134 * s, y - 30 * s),
                (x - 52 * s, y - 8 * s),
                (x, y + 8 * s),
                (x, y + 52 * s),
                (x - 92 * s, y + 50 * s),
            ],
            light,
        )
        b.shape(
            [
                (x + 134 * s, y - 30 * s),
                (x + 52 * s, y - 8 * s),
                (x, y + 8 * s),
                (x, y + 52 * s),
                (x + 92 * s, y + 50 * s),
            ],
            shade,
        )
    for n in range(5):
        b.stroke([(486 + n * 4, 486 + n * 13), (580, 500 + n * 11)], "#d8b98a", width=3, alpha=0.8)
    for u, v in scatter(14, seed=0.9):
        x, y = u * WIDTH, v * 640
        b.stroke([(x, y), (x - 7, y + 30)], "#d7f3ee", width=3, alpha=0.35)
    return b


def umbrellas() -> Board:
    """Umbrellas from above on wet stones."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#3c4a86", "#1d2250"))
    for n in range(-4, 9):
        b.taper([(n * 170 - 60, 700), (n * 170 + 200, -20)], "#4d5ca0", widths=(74, 62), alpha=0.35)
    b.disc(240, 560, 210, SKY, ry=70, alpha=0.30)
    b.disc(900, 110, 220, SKY, ry=60, alpha=0.26)
    for x, y, r, first, second, turn in (
        (250, 210, 170, CORAL, "#ffd9c9", 8),
        (640, 360, 215, MARIGOLD, "#fff0cf", 20),
        (1010, 500, 165, "#35a7a2", "#d6f2ea", 3),
        (330, 610, 118, ROSE, "#f9c4d2", 30),
        (985, 130, 128, "#8a63c9", "#e5d8f7", 14),
        (620, 30, 92, "#35a7a2", "#d6f2ea", 40),
    ):
        b.disc(x + 20, y + 30, r * 0.99, "#0c0f2c", alpha=0.42)
        count = 8
        tips = [
            (x + r * cos((turn + n * 45) * pi / 180), y + r * sin((turn + n * 45) * pi / 180)) for n in range(count)
        ]
        for n in range(count):
            (ax, ay), (bx, by) = tips[n], tips[(n + 1) % count]
            mx, my = (ax + bx) / 2, (ay + by) / 2
            dip = (mx + (x - mx) * 0.09, my + (y - my) * 0.09)
            b.shape([(x, y), *smooth([(ax, ay), dip, (bx, by)])], first if n % 2 else second)
            if 2 <= n <= 4:
                b.shape([(x, y), *smooth([(ax, ay), dip, (bx, by)])], "#ffffff", alpha=0.10)
            elif n in (0, 7):
                b.shape([(x, y), *smooth([(ax, ay), dip, (bx, by)])], PLUM_DEEP, alpha=0.14)
        for tip in tips:
            b.disc(*tip, 5, CREAM)
        b.disc(x, y, r * 0.07, PLUM_DEEP)
        b.disc(x - 2, y - 2, r * 0.03, CREAM)
    for u, v in scatter(22, seed=0.27):
        x, y = u * WIDTH, v * HEIGHT
        b.stroke([(x, y), (x - 10, y + 26)], "#e7f0ff", width=3, alpha=0.42)
    return b


def lanterns() -> Board:
    """Paper lanterns rising over the roofs."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#170f38", "#b0457c"))
    b.glow(600, 660, 800, AMBER, ry=420, alpha=0.75)
    b.stars(26, CREAM, until=0.5, seed=0.63)
    for n, (u, v) in enumerate(scatter(10, seed=0.05)):
        x, y, s = 40 + u * 1120, 40 + v * 380, 0.28 + 0.12 * (n % 3)
        lantern(b, x, y, s, alpha=0.75)
    for x, y, s in (
        (210, 230, 1.0),
        (470, 130, 0.8),
        (650, 310, 1.35),
        (930, 190, 1.05),
        (1080, 350, 0.72),
        (370, 380, 0.7),
        (80, 410, 0.6),
        (800, 420, 0.62),
    ):
        lantern(b, x, y, s)
    skyline(b, 600, "#4a1f5c", seed=0.21, tallest=110, step=88, windows=AMBER)
    skyline(b, 660, "#220f3a", seed=0.58, tallest=110, step=130, windows=MARIGOLD)
    return b


def lantern(b: Board, x: float, y: float, s: float, *, alpha: float = 1.0) -> None:
    b.glow(x, y + 20 * s, 150 * s, AMBER, alpha=0.75 * alpha)
    b.shape(
        smooth([(x - 46 * s, y - 52 * s), (x - 58 * s, y - 6 * s), (x - 38 * s, y + 60 * s)])
        + smooth([(x + 38 * s, y + 60 * s), (x + 58 * s, y - 6 * s), (x + 46 * s, y - 52 * s)])
        + ring(x, y - 52 * s, 46 * s, 15 * s, start=360, end=180),
        Fade("#f0605a", "#ffcf5c"),
        alpha=alpha,
    )
    b.shape(
        smooth([(x - 8 * s, y - 66 * s), (x - 14 * s, y - 6 * s), (x - 8 * s, y + 60 * s)])
        + smooth([(x + 8 * s, y + 60 * s), (x + 14 * s, y - 6 * s), (x + 8 * s, y - 66 * s)]),
        "#ffe9a8",
        alpha=0.35 * alpha,
    )
    b.disc(x, y + 60 * s, 38 * s, "#fff4c8", ry=9 * s, alpha=alpha)


def night_train() -> Board:
    """A berth, a window, and the moon keeping up."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#5a2f4f", "#361c3c"))
    for n in range(6):
        b.box(n * 232, 0, 3, HEIGHT, "#2a1532", alpha=0.5)
    b.glow(1010, 160, 460, AMBER, alpha=0.6)
    b.box(196, 66, 648, 432, "#23112c", corner=52)
    b.box(210, 80, 620, 404, "#c98a5a", corner=44)
    view = Board(572, 356, ground=Fade("#10204a", "#3f6fa8"))
    view.stars(34, CREAM, until=0.55, seed=0.8)
    view.moon(392, 112, 54, Fade("#fff6d6", "#ffd978"), halo=CREAM, rings=3)
    for y, colour, height, length, phase in (
        (210, "#345f96", 26, 300, 0.3),
        (250, "#244a7c", 30, 380, 2.4),
        (300, "#16315c", 18, 260, 4.2),
    ):
        view.ridge(y, colour, height=height, length=length, phase=phase)
    for x, s in ((60, 1.0), (104, 0.7), (470, 0.9), (520, 1.2)):
        view.shape([(x - 20 * s, 340), (x, 340 - 120 * s), (x + 20 * s, 340)], "#0d2142")
    view.box(0, 330, 572, 30, "#0d2142")
    pane = Board(572, 356)
    pane.box(0, 0, 572, 356, "#ffffff", corner=28)
    b.image.paste(view.image, (234 * SCALE, 104 * SCALE), pane.image.getchannel("A"))
    b.shape([(300, 104), (380, 104), (250, 460), (234, 460), (234, 286)], "#ffffff", alpha=0.10)
    b.shape([(410, 104), (440, 104), (310, 460), (280, 460)], "#ffffff", alpha=0.08)
    b.box(160, 52, 720, 14, "#c98a5a", corner=7)
    for side, x in ((1, 176), (-1, 864)):
        edge = smooth([(x + side * 150, 62), (x + side * 120, 220), (x + side * 52, 330), (x + side * 72, 510)])
        b.shape([(x, 62), *edge, (x, 510)], Fade("#d84a63", "#8f2350"))
        for n in range(1, 4):
            fold = smooth(
                [(x + side * 38 * n, 62), (x + side * 31 * n, 220), (x + side * 14 * n, 330), (x + side * 18 * n, 510)]
            )
            b.taper(fold, "#6d1842", widths=(3, 9, 5, 12), alpha=0.45)
        b.box(x - 6 + min(0, side * 66), 318, 78, 20, MARIGOLD, corner=8)
    b.stroke([(1010, 0), (1010, 96)], "#23112c", width=6)
    b.shape([(968, 168), (984, 96), (1036, 96), (1052, 168)], Fade("#ffe9a8", MARIGOLD))
    b.glow(1010, 196, 200, "#ffd978", alpha=0.9)
    b.box(0, 560, WIDTH, 130, "#2a1532")
    b.shape(
        smooth([(690, 590), (720, 500), (840, 476), (1010, 486), (1110, 512), (1124, 590)]), Fade("#fff8ea", "#e5cdbd")
    )
    b.taper(smooth([(760, 520), (860, 506), (980, 516)]), "#d6b7a8", widths=(2, 7, 2))
    b.shape(
        [*smooth([(-20, 574), (180, 540), (420, 560), (700, 548), (960, 570), (1220, 556)]), (1220, 700), (-20, 700)],
        Fade("#2f9490", "#145a66"),
    )
    b.shape(
        [
            *smooth([(-20, 600), (180, 566), (420, 588), (700, 574), (960, 598), (1220, 582)]),
            (1220, 622),
            (960, 638),
            (700, 612),
            (420, 628),
            (180, 606),
            (-20, 640),
        ],
        CREAM,
        alpha=0.9,
    )
    return b
