"""Which articles are this week's best, and why. Pure: no clock, no randomness, no I/O. Nothing else imports rapidfuzz.

    candidate    an article with what shelf and settings know of it, and whether it may be chosen at all
    subject      what it is about, so that a letter carries a show once
    bylines      which by-lines say who wrote a piece
    duplicates   two titles that tell one story in nearly the same words
    learned      the section of what fits no rule, learned from past issues
    sections     which sections an article is tried in
    prior        what earlier issues teach about this editor's taste
    score        six terms, each with its number and its words
    ranking      the best first, then the best beside what is already picked
    hand         what the editor placed, and what is out of this issue
    repeats      which entrants tell the story of a better one, or of one that was carried
    reasons      why, in words an editor reads
    choice       all of it in order: candidates → Issue
    habits       what an issue does that the newsletter's earlier ones did not

What it does not know: where candidates and past issues come from, or what happens to the Issue.
"""

from newsletter.highlights.candidate import Candidate
from newsletter.highlights.choice import choose
from newsletter.highlights.habits import LOOKED_BACK, unusual
from newsletter.highlights.hand import Hand
from newsletter.highlights.reasons import formula

__all__ = ["LOOKED_BACK", "Candidate", "Hand", "choose", "formula", "unusual"]
