"""Numbers in messages."""

import pytest

from newsletter.errors import counted


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 days"),
        (1, "1 day"),
        (2, "2 days"),
        (1204, "1,204 days"),
        (1.0, "1 day"),
        (14.0, "14 days"),
        (0.5, "0.5 days"),
    ],
)
def test_a_number_and_what_it_counts_agree(number: float, said: str) -> None:
    assert counted(number, "day") == said
