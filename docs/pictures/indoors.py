"""Pictures for stories that happen indoors: stages, kitchens, museums and record shelves."""

from __future__ import annotations

from math import cos, pi, sin

from brush import Board, Fade, Point, ring, scatter, smooth, turned, walked
from palette import (
    AMBER,
    AQUA,
    BLUSH,
    CORAL,
    CREAM,
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


def projector() -> Board:
    """A projector's beam over the heads of a full house, and a moth in it."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#2a1245", "#120822"))
    b.box(0, 60, 250, 430, "#3b1d5c")
    b.box(0, 84, 226, 382, Fade("#fff6df", "#ffd98a"))
    b.glow(130, 270, 420, MARIGOLD, alpha=0.5)
    lens = (1010.0, 214.0)
    for top, bottom, colour, alpha in (
        (84, 466, "#ffe3a0", 0.28),
        (150, 420, "#ffe9b8", 0.26),
        (214, 366, CREAM, 0.30),
    ):
        b.shape([(226, top), (lens[0], lens[1] - 16), (lens[0], lens[1] + 16), (226, bottom)], colour, alpha=alpha)
    for n, (u, v) in enumerate(scatter(14, seed=0.4)):
        x = 270 + u * 690
        spread = (lens[0] - x) / 784
        y = 214 + (v - 0.5) * 340 * spread + 60 * spread
        b.disc(x, y, 2.5 + n % 3, CREAM, alpha=0.7)
    moth(b, 560, 262, 1.0)
    b.box(1000, 150, 170, 124, Fade("#4f2f7d", "#2b1745"), corner=14)
    b.box(984, 190, 26, 48, "#7d4ba3", corner=6)
    for x, r in ((1046, 54), (1136, 42)):
        b.disc(x, 122, r, "#3a1f5c")
        b.hoop(x, 122, r - 9, MARIGOLD, width=4)
        for n in range(3):
            b.disc(x + (r * 0.52) * cos(n * 2.094 + 0.4), 122 + (r * 0.52) * sin(n * 2.094 + 0.4), r * 0.2, "#160b26")
        b.disc(x, 122, 6, MARIGOLD)
    b.box(1070, 274, 24, 230, "#2b1745")
    b.shape([(1020, 520), (1082, 330), (1144, 520)], "#2b1745")
    b.glow(984, 214, 150, "#fff0c4", alpha=0.95)
    for row, (y, colour, s) in enumerate(((488, "#4b2670", 0.82), (560, "#341a54", 1.0), (648, "#1d0e33", 1.22))):
        for n in range(11):
            x = n * 128 * s - 30 + row * 46
            if (n * 3 + row) % 5:
                b.disc(x + 44 * s, y - 44 * s, 27 * s, colour)
                if (n + row) % 3 == 0:
                    b.disc(x + 44 * s, y - 72 * s, 13 * s, colour)
            b.box(x, y - 12 * s, 92 * s, 210, colour, corner=26 * s)
        b.box(0, y + 50 * s, WIDTH, 300, colour)
    return b


def moth(b: Board, x: float, y: float, s: float) -> None:
    for side in (-1, 1):
        upper = [
            (x, y),
            (x + side * 30 * s, y - 52 * s),
            (x + side * 92 * s, y - 60 * s),
            (x + side * 84 * s, y - 8 * s),
            (x + side * 34 * s, y + 16 * s),
        ]
        lower = [
            (x, y + 4 * s),
            (x + side * 36 * s, y + 10 * s),
            (x + side * 64 * s, y + 40 * s),
            (x + side * 34 * s, y + 66 * s),
            (x + side * 8 * s, y + 34 * s),
        ]
        b.shape(smooth(lower, closed=True), "#c9688a")
        b.shape(smooth(upper, closed=True), Fade("#6b2f73", "#a8476f"))
        b.disc(x + side * 62 * s, y - 34 * s, 13 * s, MARIGOLD)
        b.disc(x + side * 62 * s, y - 34 * s, 6 * s, PLUM_DEEP)
        b.taper(
            smooth([(x, y - 26 * s), (x + side * 10 * s, y - 52 * s), (x + side * 30 * s, y - 64 * s)]),
            PLUM_DEEP,
            widths=(4, 4, 2),
        )
    b.disc(x, y + 6 * s, 11 * s, PLUM_DEEP, ry=36 * s)


def foley() -> Board:
    """A boom microphone over a puddle, and the fog as sound waves."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#123a55", "#5aa3a6"))
    b.moon(930, 170, 84, Fade("#fff6d6", "#ffd978"), halo=CREAM, rings=3)
    for y, colour, height, length, phase in (
        (270, "#3f8a98", 26, 470, 0.2),
        (330, "#2f7487", 30, 620, 1.9),
        (396, "#235f76", 24, 520, 3.6),
    ):
        b.ridge(y, colour, height=height, length=length, phase=phase, alpha=0.75)
    for n in range(24):
        x = 32 + n * 50
        tall = 34 + 96 * abs(sin(n * 0.7)) * abs(cos(n * 0.285 + 0.4))
        b.box(x - 9, 400 - tall, 18, tall * 2, CREAM if n % 6 else MARIGOLD, corner=9, alpha=0.8)
    b.box(0, 520, WIDTH, 160, Fade("#174a63", "#0b2740"))
    b.disc(420, 590, 330, "#4fa6ad", ry=60, alpha=0.55)
    b.disc(420, 590, 220, "#7ccfc4", ry=38, alpha=0.55)
    b.disc(420, 590, 104, CREAM, ry=16, alpha=0.75)
    b.stroke(smooth([(1220, 30), (900, 90), (560, 190), (452, 262)]), "#0b2036", width=13)
    b.stroke(smooth([(1220, 26), (900, 86), (560, 186)]), "#3a6f86", width=3)
    b.stroke([(452, 262), (424, 300)], "#0b2036", width=11)
    capsule = turned(
        [*ring(420, 380, 62, 62, start=180, end=360), *ring(420, 450, 62, 62, start=0, end=180)], 8, about=(420, 400)
    )
    b.shape(capsule, Fade("#5b3a80", "#2b1745"))
    for n in range(6):
        y = 348 + n * 28
        b.stroke(turned([(372, y), (468, y)], 8, about=(420, 400)), "#8a63b8", width=4, alpha=0.55)
    b.stroke(turned([(352, 410), (488, 410)], 8, about=(420, 400)), MARIGOLD, width=12)
    for x, y, s in ((300, 560, 1.0), (470, 548, 0.7), (560, 566, 0.9), (250, 536, 0.6)):
        b.shape([*ring(x, y, 11 * s, start=-20, end=200), (x, y - 30 * s)], CREAM)
    for x in (760, 892):
        b.shape(
            [(x, 392), (x + 74, 392), (x + 76, 530), (x + 118, 560), (x + 124, 600), (x - 6, 600), (x - 2, 520)],
            Fade("#ffc640", AMBER),
        )
        b.box(x - 4, 392, 82, 20, "#fff0cf", corner=6)
        b.box(x - 10, 594, 138, 18, "#7a3a1f", corner=7)
        b.taper([(x + 14, 420), (x + 15, 520)], "#fff0cf", widths=(8, 5), alpha=0.6)
    b.glow(856, 622, 190, NIGHT, ry=20, alpha=0.6)
    return b


def noodles() -> Board:
    """One bowl, two chopsticks, a good deal of steam."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#8f2350", "#e4604f"))
    b.moon(600, 250, 205, Fade("#ffd978", "#ffb04a"), halo=BLUSH, rings=3)
    b.box(0, 560, WIDTH, 130, Fade("#4a1a3f", "#2a0f2a"))
    b.box(0, 556, WIDTH, 10, "#6d2a52")
    for x, tilt in ((470, 34), (590, -22), (716, 28)):
        b.taper(
            smooth([(x, 300), (x + tilt, 236), (x - tilt, 166), (x + tilt * 0.8, 100), (x - tilt * 0.3, 42)]),
            CREAM,
            widths=(10, 26, 30, 22, 3),
            alpha=0.5,
        )
    b.disc(600, 350, 300, "#7c1f3f", ry=66)
    b.disc(600, 346, 284, Fade("#ffcf7a", "#e98a3a"), ry=56)
    for n in range(9):
        y = 330 + n * 7
        reach = 230 - abs(n - 4) * 22
        b.stroke(
            smooth(
                [
                    (600 - reach, y),
                    (600 - reach * 0.4, y - 13 + (n % 3) * 8),
                    (600 + reach * 0.1, y + 6),
                    (600 + reach * 0.6, y - 10 + (n % 2) * 10),
                    (600 + reach, y),
                ]
            ),
            "#fff0cf" if n % 2 else "#ffe0a3",
            width=7,
        )
    b.disc(448, 342, 68, CREAM, ry=31)
    b.disc(452, 341, 36, Fade("#ffb627", "#f07f22"), ry=17)
    b.disc(443, 336, 10, "#fff0cf", ry=4, alpha=0.8)
    b.shape(turned([(706, 250), (800, 250), (800, 366), (706, 366)], 16, about=(750, 320)), "#17493f")
    b.shape(turned([(714, 258), (730, 258), (730, 366), (714, 366)], 16, about=(750, 320)), "#2a6b5c")
    for x, y in ((566, 322), (610, 368), (650, 326), (528, 374), (684, 366), (592, 344)):
        b.hoop(x, y, 11, "#3d9a63", ry=6, width=4)
    b.disc(655, 352, 30, "#f7b8c8", ry=14)
    b.hoop(655, 352, 17, ROSE, ry=7, width=3)
    for n, sway in enumerate((-20, -7, 6, 19)):
        b.stroke(
            smooth([(806 + sway * 0.4, 160), (802 + sway, 230), (796 + sway * 0.6, 290), (770 + sway, 342)]),
            "#fff0cf" if n % 2 else "#ffe0a3",
            width=7,
        )
    b.shape(
        [
            *ring(600, 352, 300, 66, start=0, end=180),
            *smooth([(300, 352), (330, 470), (420, 556), (500, 584), (700, 584), (780, 556), (870, 470), (900, 352)]),
        ],
        Fade("#33256e", "#1a1242"),
    )
    bowl = [
        *ring(600, 352, 300, 66, start=0, end=180),
        *smooth([(300, 352), (318, 420), (344, 474)]),
        *smooth([(344, 474), (600, 536), (856, 474)]),
        *smooth([(856, 474), (882, 420), (900, 352)]),
    ]
    b.shape(bowl, "#41328a", alpha=0.6)
    for n in range(9):
        x = 346 + n * 63.5
        y = 462 + 36 * sin((x - 300) / 600 * pi)
        for r, colour in ((27, CREAM), (19, "#33256e"), (11, MARIGOLD)):
            b.shape(ring(x, y, r, start=180, end=360), colour)
    b.hoop(600, 352, 300, CREAM, ry=66, width=8, start=0, end=180)
    b.box(500, 580, 200, 22, "#140d33", corner=8)
    for shift in (0, 30):
        b.taper([(1130, 66 + shift), (772 - shift * 0.3, 196 + shift * 1.0)], "#2a0f2a", widths=(20, 9))
        b.taper([(1130, 62 + shift), (1010, 105 + shift)], MARIGOLD, widths=(19, 17))
    return b


def vinyl() -> Board:
    """A record afloat, playing the tide."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#f7b59b", "#e0577a"))
    b.disc(600, 340, 420, "#ffd9b0", alpha=0.35)
    b.disc(600, 340, 345, "#ffe6bf", alpha=0.4)
    b.disc(610, 352, 286, "#6d1842", alpha=0.35)
    b.disc(600, 340, 284, Fade("#34205c", "#150b2c"))
    for n in range(6):
        b.hoop(600, 340, 262 - n * 26, "#5b3f94", width=3, alpha=0.7)
    for start in (200, 20):
        for n in range(3):
            b.hoop(600, 340, 250 - n * 44, "#c9a9f0", width=13, alpha=0.20, start=start + n * 3, end=start + 46 - n * 4)
    b.disc(600, 340, 100, Fade(MARIGOLD, AMBER))
    b.hoop(600, 340, 84, CREAM, width=4)
    for n in range(12):
        b.stroke(turned([(600, 278), (600, 296)], n * 30, about=(600, 340)), CREAM, width=6)
    b.disc(600, 340, 32, CORAL)
    b.disc(600, 340, 11, CREAM)
    b.disc(1010, 116, 62, PLUM_DEEP)
    b.disc(1010, 116, 44, PLUM_SOFT)
    b.disc(1010, 116, 18, MARIGOLD)
    arm = smooth([(1010, 116), (1006, 240), (960, 360), (822, 420)])
    b.stroke(arm, PLUM_DEEP, width=15)
    b.stroke(arm, "#e9dcf7", width=5)
    b.shape(turned([(772, 398), (836, 398), (836, 444), (772, 438)], 18, about=(810, 420)), PLUM_DEEP)
    b.box(780, 438, 8, 20, MARIGOLD)
    for y, colour, height, length, phase in (
        (470, "#46b1ac", 20, 300, 0.3),
        (520, TEAL, 22, 380, 2.2),
        (572, "#146271", 20, 330, 4.2),
        (622, TEAL_DEEP, 16, 410, 1.1),
    ):
        b.ridge(y, colour, height=height, length=length, phase=phase)
    for n, (x, y) in enumerate(
        ((150, 486), (330, 540), (700, 536), (930, 494), (1060, 588), (470, 600), (180, 608), (800, 632))
    ):
        b.stroke(
            smooth([(x, y), (x + 24, y - 9), (x + 48, y), (x + 72, y - 9), (x + 96, y)]),
            CREAM,
            width=5,
            alpha=0.55 if n % 2 else 0.8,
        )
    for x, y, s in ((190, 120, 1.0), (300, 190, 0.7), (120, 230, 0.6)):
        b.taper(smooth([(x - 40 * s, y - 10 * s), (x - 18 * s, y - 18 * s), (x, y)]), PLUM_DEEP, widths=(2, 9 * s, 4))
        b.taper(smooth([(x, y), (x + 18 * s, y - 18 * s), (x + 40 * s, y - 10 * s)]), PLUM_DEEP, widths=(4, 9 * s, 2))
    return b


def karaoke() -> Board:
    """A microphone in the lights of a small, happy room."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#301058", "#8e2a7c"))
    for x, foot, colour, alpha in (
        (180, 420, MARIGOLD, 0.30),
        (470, 250, AQUA, 0.24),
        (760, 860, "#ff7ab0", 0.30),
        (1040, 690, MARIGOLD, 0.26),
    ):
        b.shape(
            [(x - 14, -10), (x + 14, -10), (foot + 210, 700), (foot - 210, 700)], Fade(colour, "#8e2a7c"), alpha=alpha
        )
    b.glow(640, 330, 460, "#ff7ab0", alpha=0.6)
    b.disc(640, 640, 560, "#4a1668", ry=110)
    b.disc(640, 632, 480, "#6d2286", ry=84)
    confetti = (MARIGOLD, AQUA, CORAL, CREAM, SKY)
    for n, (u, v) in enumerate(scatter(26, seed=0.15)):
        x, y = u * WIDTH, v * 470 + 10
        if 430 < x < 850 and 100 < y < 560:
            continue
        piece = turned([(x - 9, y - 4), (x + 9, y - 4), (x + 9, y + 4), (x - 9, y + 4)], n * 47, about=(x, y))
        if n % 3:
            b.shape(piece, confetti[n % 5])
        else:
            b.disc(x, y, 6, confetti[n % 5])
    cord = smooth([(438, 566), (380, 640), (270, 600), (180, 640), (60, 596), (-20, 640)])
    b.stroke(cord, "#1a0a33", width=9)
    centre = (640.0, 340.0)
    body = [(598, 300), (682, 300), (664, 640), (616, 640)]
    b.shape(turned(body, 38, about=centre), Fade("#2b1745", "#150b26"))
    b.shape(turned([(606, 316), (622, 316), (624, 630), (618, 630)], 38, about=centre), "#6b4aa0", alpha=0.8)
    b.shape(turned([(622, 400), (658, 400), (657, 440), (623, 440)], 38, about=centre), MARIGOLD)
    hx, hy = 694.0, 262.0
    b.shape(turned([(588, 268), (692, 268), (684, 306), (596, 306)], 38, about=centre), MARIGOLD)
    b.disc(hx, hy, 112, Fade("#f7e6ff", "#9a78c9"))
    for n in range(-2, 3):
        for axis in (38, 128):
            half = (112**2 - (n * 40) ** 2) ** 0.5 - 4
            b.stroke(
                turned([(hx - half, hy + n * 40), (hx + half, hy + n * 40)], axis, about=(hx, hy)),
                "#6b4aa0",
                width=5,
                alpha=0.65,
            )
    b.disc(hx - 38, hy - 46, 30, "#ffffff", ry=20, alpha=0.55)
    for n, (x, y, s) in enumerate(((930, 200, 1.25), (1040, 380, 0.9), (250, 250, 1.1), (360, 120, 0.8))):
        colour = (MARIGOLD, AQUA, CORAL, CREAM)[n]
        b.disc(x, y + 46 * s, 19 * s, colour, ry=14 * s)
        b.disc(x + 62 * s, y + 34 * s, 19 * s, colour, ry=14 * s)
        b.stroke([(x + 15 * s, y + 44 * s), (x + 15 * s, y - 34 * s)], colour, width=7 * s)
        b.stroke([(x + 77 * s, y + 32 * s), (x + 77 * s, y - 46 * s)], colour, width=7 * s)
        b.shape(
            [(x + 12 * s, y - 38 * s), (x + 80 * s, y - 50 * s), (x + 80 * s, y - 28 * s), (x + 12 * s, y - 16 * s)],
            colour,
        )
    return b


def bakery() -> Board:
    """A baker's oven at three in the morning."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#2f2a63", "#4a2f6b"))
    for row in range(8):
        for column in range(11):
            if (row * 7 + column * 5) % 4 == 0:
                b.box(column * 124 - (row % 2) * 62, row * 62, 114, 52, "#3f3a7c", corner=8, alpha=0.5)
    b.box(70, 80, 240, 270, "#1a1540", corner=120)
    b.box(84, 94, 212, 242, Fade("#10184a", "#44569e"), corner=106)
    b.moon(206, 186, 36, "#fff0c4", halo=CREAM, rings=2)
    b.box(184, 94, 10, 242, "#1a1540")
    b.box(56, 340, 268, 20, "#6d4a94", corner=6)
    b.glow(730, 330, 560, AMBER, alpha=0.9)
    b.shape([*ring(730, 320, 292, 270, start=180, end=360), (1022, 480), (438, 480)], "#a64b3f")
    for n in range(13):
        a0, a1 = 180 + n * 13.85 + 0.8, 180 + (n + 1) * 13.85 - 0.8
        brick = [*ring(730, 320, 286, 264, start=a0, end=a1), *ring(730, 320, 222, 200, start=a1, end=a0)]
        b.shape(brick, "#d9705a" if n % 2 else "#c75f50")
    b.shape([*ring(730, 320, 214, 192, start=180, end=360), (944, 480), (516, 480)], Fade("#5a1030", "#ff9a2e"))
    b.glow(730, 470, 250, MARIGOLD, ry=150, alpha=0.95)
    for x, h, w in ((600, 110, 74), (690, 150, 90), (790, 130, 84), (866, 96, 66)):
        flame = [
            (x - w / 2, 480),
            (x - w * 0.36, 480 - h * 0.5),
            (x + w * 0.05, 480 - h),
            (x + w * 0.4, 480 - h * 0.42),
            (x + w / 2, 480),
        ]
        b.shape(smooth(flame), Fade("#fff0b0", "#ff8a2a"), alpha=0.85)
    b.box(0, 474, WIDTH, 26, "#e2a76a")
    b.box(0, 500, WIDTH, 190, Fade("#8a4b3a", "#4a2438"))
    for x, y, length, tilt, shade in (
        (372, 452, 180, -6, 0),
        (560, 444, 240, 4, 1),
        (840, 448, 220, -3, 0),
        (1060, 454, 190, 5, 1),
    ):
        loaf = smooth(
            [
                (x - length / 2, y),
                (x - length * 0.36, y - 40),
                (x, y - 54),
                (x + length * 0.36, y - 40),
                (x + length / 2, y),
                (x + length * 0.36, y + 30),
                (x - length * 0.36, y + 30),
            ],
            closed=True,
        )
        b.shape(turned([(px + 4, py + 12) for px, py in loaf], tilt, about=(x, y)), "#3a1830", alpha=0.35)
        b.shape(turned(loaf, tilt, about=(x, y)), Fade("#f2b565", "#b3652c") if shade else Fade("#eaa552", "#a55a28"))
        for n in range(-2, 3):
            cut = smooth(
                [
                    (x + n * length * 0.16 - 16, y - 6),
                    (x + n * length * 0.16 + 4, y - 26),
                    (x + n * length * 0.16 + 22, y - 36),
                ]
            )
            b.taper(turned(cut, tilt, about=(x, y)), "#ffe3b0", widths=(3, 13, 3))
    for n in range(4):
        b.disc(100 + n * 38, 462 - (n % 2) * 6, 27, Fade("#f2b565", "#b3652c"), ry=20)
    b.box(56, 476, 204, 14, "#6b3428", corner=6)
    b.taper([(1190, 640), (940, 566)], "#c98a5a", widths=(20, 18))
    b.shape(
        turned(
            smooth([(930, 520), (800, 512), (690, 530), (690, 600), (800, 618), (930, 610)], closed=True),
            6,
            about=(800, 566),
        ),
        Fade("#e2b27c", "#c48a52"),
    )
    b.disc(790, 552, 78, Fade("#f2b565", "#b3652c"), ry=42)
    for n in (-1, 0, 1):
        b.taper(smooth([(778 + n * 40, 574), (784 + n * 40, 548), (800 + n * 40, 530)]), "#ffe3b0", widths=(3, 12, 3))
    return b


def curtain() -> Board:
    """An empty stage with its ghost light burning."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#1b0d2e", "#40184f"))
    b.glow(600, 330, 480, MARIGOLD, alpha=0.75)
    for r, alpha in ((300, 0.10), (220, 0.12), (145, 0.16)):
        b.disc(600, 300, r, "#ffe3a0", alpha=alpha)
    b.shape([(0, 520), (1200, 520), (1200, 675), (0, 675)], Fade("#7a3b4a", "#38152f"))
    for n in range(-9, 10):
        b.stroke([(600 + n * 60, 520), (600 + n * 150, 690)], "#2a0f2a", width=3, alpha=0.45)
    b.disc(600, 590, 330, MARIGOLD, ry=52, alpha=0.35)
    b.disc(600, 590, 200, "#ffe3a0", ry=30, alpha=0.45)
    b.shape([(560, 596), (640, 596), (630, 580), (570, 580)], "#1b0d2e")
    b.box(594, 330, 12, 256, "#1b0d2e")
    b.disc(600, 290, 34, "#fff6d6")
    b.box(588, 318, 24, 22, "#c98a5a", corner=4)
    b.glow(600, 290, 120, "#fff0b8", alpha=0.95)
    for reach in (-52, -18, 18, 52):
        b.stroke(
            smooth([(600, 228), (600 + reach * 0.9, 254), (600 + reach, 300), (600 + reach * 0.5, 338)]),
            "#1b0d2e",
            width=4,
        )
    for side, x0 in ((1, 0), (-1, WIDTH)):
        for n in range(7):
            left, right = n * 54, n * 54 + 58
            sway = 26 * sin(n * 0.9)
            fold = [
                (left, -10),
                (right, -10),
                *smooth(
                    [
                        (right, -10),
                        (right - 12 - n * 3, 250),
                        (right - 24 - n * 6 + sway * 0.3, 450),
                        (right - 6 - n * 2, 640),
                    ]
                ),
                *smooth(
                    [
                        (left - 4 - n * 2, 640),
                        (left - 24 - n * 6 + sway * 0.3, 450),
                        (left - 12 - n * 3, 250),
                        (left, -10),
                    ]
                ),
            ]
            shade = Fade("#e8495f", "#7a1740") if n % 2 else Fade("#b92c54", "#4f0f36")
            b.shape([(x0 + side * x, y) for x, y in fold], shade)
    for n in range(6):
        x = n * 200
        swag = [
            (x - 6, -10),
            (x + 206, -10),
            *smooth([(x + 206, 60), (x + 170, 118), (x + 100, 142), (x + 30, 118), (x - 6, 60)]),
        ]
        b.shape(swag, Fade("#c9355a", "#8f1f4a"))
        for k in range(1, 4):
            b.stroke(
                smooth(
                    [
                        (x - 4, 60 - k * 17),
                        (x + 36, 112 - k * 22),
                        (x + 100, 134 - k * 25),
                        (x + 164, 112 - k * 22),
                        (x + 204, 60 - k * 17),
                    ]
                ),
                "#6d1540",
                width=4,
                alpha=0.55,
            )
        b.stroke(smooth([(x + 206, 60), (x + 170, 118), (x + 100, 142), (x + 30, 118), (x - 6, 60)]), MARIGOLD, width=7)
    for n in range(7):
        x = n * 200
        b.disc(x, 64, 15, MARIGOLD)
        b.shape([(x - 12, 70), (x + 12, 70), (x + 17, 124), (x - 17, 124)], AMBER)
    return b


def museum() -> Board:
    """Arches within arches, and one visitor."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#f2a588", "#e07a7a"))
    tones = (("#e98c7c", 0), ("#d56a76", 1), ("#b34d78", 2), ("#85397a", 3), ("#552a70", 4), ("#32195a", 5))
    b.box(0, 560, WIDTH, 120, "#f7cfae")
    for colour, n in tones:
        width, top = 1090 - n * 165, 40 + n * 44
        left = 600 - width / 2
        r = width / 2
        b.shape(
            [
                *ring(600, top + r * 0.72, r, r * 0.72, start=180, end=360),
                (left + width, 640 - n * 22),
                (left, 640 - n * 22),
            ],
            Fade(colour, colour),
        )
        b.stroke(
            [
                (left, 640 - n * 22),
                *ring(600, top + r * 0.72, r, r * 0.72, start=180, end=360),
                (left + width, 640 - n * 22),
            ],
            CREAM,
            width=5 - n * 0.5,
            alpha=0.55,
        )
    left, right, top, base = 467, 733, 304, 530
    b.shape(
        [*ring(600, top + 96, 133, 96, start=180, end=360), (right, base), (left, base)], Fade("#16245e", "#3f8fb0")
    )
    b.moon(600, 384, 46, Fade("#fff6d6", MARIGOLD), halo=CREAM, rings=2)
    b.shape([*smooth([(left, 494), (540, 470), (620, 496), (right, 474)]), (right, base), (left, base)], TEAL_DEEP)
    floor = ((0, 675), (1200, 675), (733, 530), (467, 530))
    b.shape(floor, Fade("#6b3a80", "#f7cfae"))
    for n in range(1, 8):
        t = n / 8
        b.stroke([(467 + 266 * t, 530), (1200 * t, 675)], "#6d2a6b", width=2, alpha=0.35)
    for y in (548, 574, 612):
        b.stroke([(0, y), (1200, y)], "#6d2a6b", width=2, alpha=0.22)
    b.shape([(560, 530), (640, 530), (760, 675), (440, 675)], MARIGOLD, alpha=0.30)
    x, y = 548, 560
    b.disc(x, y + 36, 34, "#2b1745", ry=7, alpha=0.4)
    b.shape(smooth([(x - 20, y + 34), (x - 15, y - 16), (x, y - 36), (x + 15, y - 16), (x + 20, y + 34)]), CORAL)
    b.disc(x, y - 48, 13, "#2b1745")
    b.box(x - 13, y + 30, 10, 12, "#2b1745")
    b.box(x + 3, y + 30, 10, 12, "#2b1745")
    for x, r in ((110, 40), (1090, 40)):
        b.box(x - 34, 540, 68, 96, CREAM, corner=4)
        b.box(x - 42, 530, 84, 14, "#fff9ec", corner=3)
        if x < 600:
            b.disc(x, 502, r * 0.72, TEAL)
            b.shape([(x - 12, 476), (x - 8, 446), (x + 8, 446), (x + 12, 476)], TEAL)
            b.hoop(x, 502, 17, CREAM, width=4)
        else:
            b.shape([(x - 42, 456), (x + 22, 474), (x + 22, 488), (x - 42, 508)], MARIGOLD)
            b.box(x - 8, 480, 10, 52, PLUM)
            b.disc(x + 24, 481, 10, PLUM)
    return b


def dumplings() -> Board:
    """A steamer of dumplings from above."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#1f8a8c", "#0f5666"))
    for x, y, r in ((1120, 640, 260), (60, 40, 190)):
        for n in range(3):
            b.hoop(x, y, r - n * 64, "#3fa8a4", width=16, alpha=0.35)
    cx, cy = 500, 350
    b.disc(cx + 22, cy + 30, 306, "#06303c", alpha=0.45)
    b.disc(cx, cy, 306, Fade("#e9bd7a", "#b97d3f"))
    b.disc(cx, cy, 278, "#8f5a2c")
    b.disc(cx, cy, 268, Fade("#f3d49a", "#e3b978"))
    for n in range(-3, 4):
        half = (268**2 - (n * 80) ** 2) ** 0.5
        b.stroke([(cx - half, cy + n * 80), (cx + half, cy + n * 80)], "#c99653", width=7, alpha=0.7)
    for n in range(8):
        a = n * 45 + 10
        b.shape([*ring(cx, cy, 304, start=a, end=a + 5), *ring(cx, cy, 280, start=a + 5, end=a)], "#8f5a2c")
    spots = [(cx, cy)] + [(cx + 172 * cos(n * pi / 3 + 0.3), cy + 172 * sin(n * pi / 3 + 0.3)) for n in range(6)]
    for n, (x, y) in enumerate(spots):
        dumpling(b, x, y, 80, turn=n * 17, warm=n in (2, 5))
    b.disc(968, 196 + 14, 130, "#06303c", alpha=0.4)
    b.disc(955, 190, 128, CREAM)
    b.disc(955, 190, 106, "#f1dcc0")
    b.disc(955, 190, 98, Fade("#5a1f2e", "#8a3238"))
    b.disc(925, 166, 34, "#f58f29", ry=22, alpha=0.55)
    for x, y in ((968, 206), (1000, 176), (946, 232), (990, 232)):
        b.hoop(x, y, 10, "#8fd694", ry=8, width=5)
    for shift in (0, 44):
        b.taper([(858 + shift, 700), (1150 + shift * 0.6, 330)], "#06303c", widths=(24, 14), alpha=0.35)
        b.taper([(846 + shift, 690), (1138 + shift * 0.6, 318)], Fade("#ff7d66", "#c93a4b"), widths=(22, 12))
    b.box(1020, 420, 96, 44, MARIGOLD, corner=14)
    return b


def dumpling(b: Board, x: float, y: float, r: float, *, turn: float, warm: bool) -> None:
    b.disc(x + 7, y + 10, r, "#8f5a2c", alpha=0.4)
    edge = [
        (
            x + r * (1 + 0.035 * cos(n * 40 * pi / 180)) * cos(n * 5 * pi / 180),
            y + r * (1 + 0.035 * cos(n * 40 * pi / 180)) * sin(n * 5 * pi / 180),
        )
        for n in range(72)
    ]
    b.shape(edge, Fade("#fff6e0", "#f0d3a0") if not warm else Fade("#ffe9d6", "#f0b79a"))
    for n in range(8):
        a = (turn + n * 45) * pi / 180
        outer: Point = (x + r * 0.86 * cos(a), y + r * 0.86 * sin(a))
        middle: Point = (x + r * 0.5 * cos(a + 0.22), y + r * 0.5 * sin(a + 0.22))
        inner: Point = (x + r * 0.16 * cos(a + 0.75), y + r * 0.16 * sin(a + 0.75))
        b.taper(smooth([outer, middle, inner]), "#c98f5c", widths=(1, 9, 4), alpha=0.75)
    b.disc(x, y, r * 0.15, "#d9a066")
    b.disc(x - 2, y - 2, r * 0.07, "#fff6e0")


def cassette() -> Board:
    """A cassette with its tape in a heart-sized knot."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#ffd08a", "#f7937a"))
    for n, colour in enumerate(("#f7765f", "#e0577a", "#a8478f", "#6b3a9a")):
        r = 560 - n * 88
        b.disc(1010, 700, r, colour, alpha=0.75)
    b.disc(1010, 700, 190, MARIGOLD)
    tape = smooth(
        [
            (520, 520),
            (470, 640),
            (300, 610),
            (190, 520),
            (110, 590),
            (60, 480),
            (170, 410),
            (120, 300),
            (30, 250),
            (90, 130),
            (-30, 80),
        ]
    )
    b.stroke([(x + 5, y + 8) for x, y in tape], "#7a2a4a", width=15, alpha=0.3)
    b.stroke(tape, "#3a1f3a", width=15)
    b.stroke(tape, "#7a4a5f", width=4)
    about = (620.0, 330.0)

    def lay(x: float, y: float, w: float, h: float, paint: str | Fade, *, r: float = 0, alpha: float = 1.0) -> None:
        corners = (
            [
                *ring(x + r, y + r, r, start=180, end=270),
                *ring(x + w - r, y + r, r, start=270, end=360),
                *ring(x + w - r, y + h - r, r, start=0, end=90),
                *ring(x + r, y + h - r, r, start=90, end=180),
            ]
            if r
            else [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
        )
        b.shape(turned(corners, -7, about=about), paint, alpha=alpha)

    lay(302, 148, 660, 410, "#7a2a4a", r=30, alpha=0.32)
    lay(290, 130, 660, 410, Fade("#3f2f86", "#271a5c"), r=30)
    lay(322, 160, 596, 262, CREAM, r=18)
    for n, colour in enumerate((CORAL, MARIGOLD, TEAL)):
        lay(322, 236 + n * 42, 596, 42, colour)
    lay(350, 186, 400, 5, "#c9a98a")
    lay(350, 212, 300, 5, "#c9a98a")
    lay(862, 180, 34, 34, ROSE, r=17)
    lay(420, 254, 400, 116, "#271a5c", r=58)
    lay(548, 272, 144, 80, Fade("#a9dcd8", "#6fb9b8"), r=10)
    for x in (478, 762):
        ((hx, hy),) = turned([(x, 312)], -7, about=about)
        b.disc(hx, hy, 46, CREAM)
        b.disc(hx, hy, 32, "#271a5c")
        for n in range(6):
            b.stroke(turned([(hx, hy - 46), (hx, hy - 25)], n * 60 + 12, about=(hx, hy)), CREAM, width=10)
    b.shape(turned([(430, 540), (470, 450), (770, 450), (810, 540)], -7, about=about), "#1a1145")
    for x, y in ((520, 510), (720, 510), (620, 490)):
        ((hx, hy),) = turned([(x, y)], -7, about=about)
        b.disc(hx, hy, 12, "#f7937a")
    for x, y in ((312, 152), (928, 152), (312, 518), (928, 518)):
        ((hx, hy),) = turned([(x, y)], -7, about=about)
        b.disc(hx, hy, 8, "#8a78d0")
    return b


def film_strip() -> Board:
    """Eleven seconds of film, and the kettle they are timed by."""
    b = Board(WIDTH, HEIGHT, ground=Fade("#fbe3c4", "#f6bfa0"))
    b.disc(960, 250, 260, MARIGOLD, alpha=0.35)
    b.disc(960, 250, 190, MARIGOLD, alpha=0.6)
    path = walked(
        smooth([(-120, 560), (140, 470), (420, 400), (640, 240), (860, 120), (1080, 110), (1320, 190)], steps=40),
        step=9,
    )
    b.taper([(x + 6, y + 16) for x, y in path], "#a8476f", widths=(196, 190, 200, 186, 196), alpha=0.25)
    b.taper(path, PLUM_DEEP, widths=(196, 190, 200, 186, 196))
    skies = (
        ("#16245e", "#3f8fb0"),
        ("#e0577a", "#ffb627"),
        ("#0e3b4a", "#7ccfc4"),
        ("#5b2a86", "#f0605a"),
        ("#f58f29", "#ffe3a0"),
        ("#2f2a63", "#c9a9f0"),
    )
    for n in range(2, len(path) - 1, 5):
        (ax, ay), (bx, by) = path[n - 1], path[n + 1]
        for side in (-82 / 18, 82 / 18):
            b.disc(ax - (by - ay) * side, ay + (bx - ax) * side, 8, "#fbe3c4")
    for n, at in enumerate(range(3, len(path) - 23, 23)):
        (ax, ay), (bx, by) = path[at], path[at + 20]
        nx, ny = -(by - ay) / 180 * 64, (bx - ax) / 180 * 64
        start, end = skies[n % len(skies)]
        b.shape([(ax - nx, ay - ny), (bx - nx, by - ny), (bx + nx, by + ny), (ax + nx, ay + ny)], Fade(start, end))
        mx, my = (ax + bx) / 2, (ay + by) / 2
        b.disc(mx - nx * 0.25, my - ny * 0.25, 24, CREAM)
        crest = smooth(
            [(ax + nx * 0.2, ay + ny * 0.2), (mx + nx * 0.55, my + ny * 0.55), (bx + nx * 0.25, by + ny * 0.25)]
        )
        b.shape([(ax + nx, ay + ny), *crest, (bx + nx, by + ny)], PLUM_DEEP, alpha=0.55)
    x, y = 930, 500
    b.disc(x, y + 128, 210, "#a8476f", ry=22, alpha=0.35)
    b.hoop(x, y - 70, 104, PLUM_DEEP, ry=96, width=16, start=200, end=340)
    b.shape(
        [
            (x - 140, y + 36),
            *smooth([(x - 140, y + 30), (x - 190, y - 10), (x - 226, y - 66)]),
            (x - 196, y - 76),
            *smooth([(x - 196, y - 76), (x - 160, y - 40), (x - 96, y - 30)]),
        ],
        TEAL,
    )
    b.shape(
        [
            *smooth([(x - 76, y - 84), (x - 142, y + 20), (x - 150, y + 126)]),
            *smooth([(x + 150, y + 126), (x + 142, y + 20), (x + 76, y - 84)]),
        ],
        Fade("#35a7a2", "#13616e"),
    )
    b.shape(
        smooth(
            [
                (x - 60, y - 62),
                (x - 108, y + 20),
                (x - 112, y + 100),
                (x - 92, y + 100),
                (x - 84, y + 20),
                (x - 44, y - 62),
            ],
            closed=True,
        ),
        "#a9e3dc",
        alpha=0.5,
    )
    b.disc(x, y - 84, 78, "#1f8a8c", ry=17)
    b.disc(x, y - 108, 17, CORAL)
    b.box(x - 152, y + 112, 304, 20, PLUM_DEEP, corner=8)
    b.taper(
        smooth([(x - 214, y - 84), (x - 250, y - 130), (x - 216, y - 180), (x - 262, y - 230)]),
        "#ffffff",
        widths=(8, 26, 30, 3),
        alpha=0.75,
    )
    return b
