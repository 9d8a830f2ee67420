"""The weekly job: pull → enrich → pick → compose → render → check → freeze → send.

Everything up to the freeze may be repeated at will and changes nothing but the shelf. The freeze stores the audience,
the picks and the finished Letter in one transaction; after it, `deliver` needs the database and a backend, and nothing
of what went before.

Raises the family of `errors`; one failing source never stops the others.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from newsletter import highlights, rendering
from newsletter.backends import Backend
from newsletter.copies import Copies
from newsletter.database import Database
from newsletter.decisions import Decisions, rejected_in
from newsletter.errors import Busy, ConfigurationError, NewsletterError, Refused, SourceError
from newsletter.issue import Act, Article, Decision, IfThin, Issue, Match, Order, Section, Slot
from newsletter.issues import FrozenPick, IssueRow, Issues, IssueState
from newsletter.letter import UNSUBSCRIBE_TOKEN
from newsletter.locks import try_lock
from newsletter.past_issues import PastIssues
from newsletter.review_links import ReviewLinks
from newsletter.sending import addressing, alerts
from newsletter.sending.alerts import Alerts
from newsletter.sending.audience import count_audience, freeze_audience
from newsletter.sending.sender import Report, Sender
from newsletter.sending.tally import Tally
from newsletter.settings import Settings
from newsletter.settings.tables import MarksTable
from newsletter.shelf import Shelf, dump_article, edited, load_article
from newsletter.sources import Pulled, PullState, Source, StoredImage
from newsletter.sources.reading import shortened
from newsletter.weekly.approval import Approval
from newsletter.weekly.editor import Editor, words_of
from newsletter.weekly.habits import notes_on
from newsletter.weekly.proofs import Proofs
from newsletter.weekly.top_up import topped_up
from newsletter.weekly.verdict import Composed, Outcome, PullLine, Verdict, decide, on_record, refused, silent_sources
from subscribers import Book

__all__ = ["Composed", "Done", "Making", "Outcome", "PullLine", "Verdict", "Weekly"]

# What was carried this long ago is still remembered when near-duplicates are looked for.
REMEMBERED = timedelta(days=21)
FIRST_WINDOW = timedelta(days=7)
EVER = datetime.min.replace(tzinfo=UTC)
PULLS_AT_ONCE = 32  # over all hosts; `fetch` sees to it that no host gets more than two of them
SILENT = timedelta(days=14)
OLDER = timedelta(days=42)
"""How old what fills a thin week may be."""
NO_ARTICLE = "none of its addresses is that of an article on the shelf; is it the file of another site?"
NEVER_READ = "it was never read; `newsletter pull` reads it"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """What the job did: where the issue is now, and the verdict it acted on."""

    report: Report
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Making:
    """What an issue is made with. `own_images` are the project's own, the logo; the public pages serve them too."""

    sources: Sequence[Source]
    theme: rendering.Theme
    templates: rendering.Templates
    own_images: Sequence[StoredImage]


@dataclass(frozen=True, slots=True)
class Weekly:
    """The job and everything it works with; `app` puts it together.

    `making` is asked for when an issue is made, and only then: a frozen one goes out though the logo is gone.
    """

    settings: Settings
    database: Database
    shelf: Shelf
    issues: Issues
    past_issues: PastIssues
    decisions: Decisions
    review_links: ReviewLinks
    book: Book
    sender: Sender
    alerts: Alerts
    publication: rendering.Publication
    making: Callable[[], Making]
    clock: Callable[[], datetime]

    @property
    def editor(self) -> Editor:
        """What an editor may do."""
        return Editor(self.database, self.shelf, self.issues, self.decisions, self.sections, self.clock)

    @property
    def approval(self) -> Approval:
        """Who may let an issue go, and whether it goes."""
        schedule = self.settings.schedule
        return Approval(self, grace=schedule.grace, cooling=schedule.cooling, required=schedule.approval == "required")

    @property
    def proofs(self) -> Proofs:
        """What is mailed to the editors, and what their links open."""
        schedule, editors = self.settings.schedule, self.settings.newsletter.editors
        required = schedule.approval == "required"
        return Proofs(self, self.review_links, editors, schedule.review, schedule.grace, required)

    def pull(self, slot: Slot | None = None, *, names: Collection[str] = ()) -> list[PullLine]:
        """Read all sources, or those of these names, side by side and put their articles on the shelf.

        With `slot`, the pages behind the articles that come into question for its issue are read as well.
        """
        made_with = self.making()
        sources = [source for source in made_with.sources if not names or source.name in names]
        for image in made_with.own_images:
            self.shelf.keep_image(image.name, image.media_type, image.data)
        with ThreadPoolExecutor(PULLS_AT_ONCE, thread_name_prefix="pull") as pool:
            # Numbers come last: the articles they are about may come in this very pull.
            found: dict[str, PullLine] = {}
            for last in (False, True):
                some = [source for source in sources if (source.name in self._of_numbers()) == last]
                found |= {line.source: line for line in pool.map(self._pull_one, some)}
        lines = [found[source.name] for source in sources]
        if slot is None or not self.settings.sources:
            return lines
        from newsletter.weekly.enrichment import TIMES, enrich  # loads the readers of feeds and pages

        best = [pick.article for pick in self.pick(slot, times=TIMES).picks]
        own = self.settings.newsletter.public_url
        said = enrich(best, sources=sources, shelf=self.shelf, own=own, now=self.clock())
        return [replace(line, problems=(*line.problems, *said.get(line.source, ()))) for line in lines]

    def _of_numbers(self) -> set[str]:
        """The names of the sources that give numbers about articles, and no articles."""
        return {source.name for source in self.settings.sources if source.kind == "signals"}

    def _pull_one(self, source: Source) -> PullLine:
        now = self.clock()
        record = self.shelf.pull_record(source.name)
        try:
            pulled = _read(source, PullState(record.state))
        except SourceError as error:
            self.shelf.remember_pull(source.name, state=None, now=now, problem=str(error))
            return PullLine(source.name, failed=str(error))
        for image in pulled.images:
            self.shelf.keep_image(image.name, image.media_type, image.data)
        articles = [replace(article, source=source.name) for article in pulled.articles]
        put = self.shelf.put(articles, now=now, guarded=True)
        self.shelf.remember_pull(source.name, state=pulled.state.values, now=now)
        if source.name in self._of_numbers():
            number = self.shelf.note(pulled.numbers, now=now)
            foreign = (NO_ARTICLE,) if pulled.numbers and not number else ()
            return PullLine(source.name, numbers=number, problems=(*pulled.problems, *foreign))
        return PullLine(
            source.name,
            quarantined=put.quarantined,
            new=put.new,
            changed=put.changed,
            same=put.same,
            unchanged=pulled.unchanged,
            problems=(*pulled.problems, *shortened(put.problems)),
        )

    def pick(self, slot: Slot, *, times: int = 1, trial: Sequence[Decision] = (), at: datetime | None = None) -> Issue:
        """What the issue of this slot would be now, with so many times the places. Changes nothing.

        `trial` are decisions that nobody has made yet, numbered after those that were. `at` is a moment as of which it
        is chosen, instead of the one it was put to somebody.
        """
        row = self.issues.find(slot.key)
        as_of = at or (row.as_of if row else None)
        now = as_of or self.clock()
        max_age = self.settings.issue.max_age
        last = self.issues.last_frozen()
        start = last.frozen_at if last and last.frozen_at else now - FIRST_WINDOW
        # Far enough back to tell what leaves by age since the last issue, and to know what was carried not long ago.
        decided = [*self.decisions.effective(slot.key), *trial]
        hand = highlights.Hand.of(decided, key=slot.key)
        edits = {one.article: one.values for one in trial if one.act == Act.EDIT}
        candidates = partial(self._candidates, slot, last=last, also=hand.places, as_of=as_of, edits=edits)
        found = candidates(since=min(start, now - REMEMBERED) - max_age)
        reach = now - start + max_age
        stays = set(hand.places)
        told = [
            one
            for one in found
            if one.carried_by or one.held_until or one.article.id in stays or _age(one, now) <= reach
        ]
        sections = [replace(section, pick=section.pick * times) for section in self.sections()]
        choose = partial(
            highlights.choose,
            slot=slot,
            sections=sections,
            now=now,
            window_start=start,
            past=self.past_issues.all(),
            deny=_match(self.settings.issue.deny),
            filed=self._filed() if len(self.settings.sections) > 1 else (),
            hand=hand,
        )
        intro, subject, inserts = words_of(decided, key=slot.key)
        with_words = partial(replace, intro=intro, subject=subject, inserts=inserts)
        issue: Issue = with_words(choose(told, max_age=max_age))
        if self.settings.issue.when_thin != "top_up" or len(issue.picks) >= self.settings.issue.min:
            return issue
        older = [one for one in candidates(since=now - OLDER) if _age(one, now) > max_age]
        anew = partial(choose, max_age=max(OLDER, max_age))
        filled: Issue = with_words(topped_up(issue, told, older=older, at_least=self.settings.issue.min, choose=anew))
        return filled

    def _filed(self) -> list[tuple[Article, str]]:
        """What the issues of the last half year put where."""
        rows = [row for row in self.issues.newest(limit=26) if row.frozen_at is not None]
        return [(load_article(pick.article), pick.section) for row in rows for pick in self.issues.picks(row.id)]

    def _candidates(
        self,
        slot: Slot,
        *,
        since: datetime,
        last: IssueRow | None,
        also: Collection[int],
        as_of: datetime | None,
        edits: Mapping[int | None, Mapping[str, str]],
    ) -> list[highlights.Candidate]:
        """The articles since a moment, and those of the numbers `also`, whatever their age or mark; with the numbers
        that were known `as_of` a moment, and with `edits` by number."""
        by_name = {source.name: source for source in self.settings.sources}
        found = []
        on_shelf = self.shelf.since(since)
        there = {shelved.article.id for shelved in on_shelf}
        on_shelf += self.shelf.numbered(number for number in also if number not in there)
        # What an article gained since the last issue counts, not what it has since it came out.
        frozen_at = last.frozen_at if last else None
        if frozen_at or as_of:
            on_shelf = self.shelf.gains(on_shelf, since=frozen_at or EVER, until=as_of)
        for shelved in on_shelf:
            table = by_name.get(shelved.article.source)
            found.append(
                highlights.Candidate(
                    article=edited(shelved.article, edits.get(shelved.article.id, {})),
                    carried_by="" if shelved.carried_by == slot.key else shelved.carried_by,
                    dropped=shelved.dropped and shelved.article.id not in also,
                    held_until=shelved.held_until,
                    weight=table.weight if table else 1.0,
                    sections=table.sections if table else (),
                    late=bool(as_of and shelved.article.first_seen and shelved.article.first_seen > as_of),
                )
            )
        return found

    def sections(self) -> tuple[Section, ...]:
        return tuple(
            Section(
                name=table.name,
                title=table.title or table.name.replace("-", " ").capitalize(),
                pick=table.pick,
                min=table.min,
                match=replace(_match(table.match), unless=_match(table.match.unless)),
                if_thin=IfThin(table.if_thin),
                order=Order(table.order),
                fixed=table.fixed,
            )
            for table in self.settings.sections
        )

    def compose(self, slot: Slot, *, at: datetime | None = None) -> Composed:
        """The issue of this slot, rendered and checked, as it would go out now; `at` as of `pick`. Changes nothing."""
        issue = self.pick(slot, at=at)
        if not issue.picks:
            return Composed(issue, None)
        making = self.making()
        letter = rendering.render(
            issue,
            publication=self.publication,
            theme=making.theme,
            templates=making.templates,
            nonce=secrets.token_hex(6),
        )
        findings = rendering.check(letter, publication=self.publication, theme=making.theme)
        notes = notes_on(replace(issue, subject=letter.subject), self.past_issues, self.decisions, making.theme)
        return Composed(issue, letter, rendering.in_order([*findings, *notes]))

    def stored(self, slot: Slot) -> Composed | None:
        """The letter of a frozen issue as it was stored, without its picks and not checked; None of any other."""
        row = self.issues.find(slot.key)
        if row is None or not row.out:
            return None
        return Composed(Issue(slot, (), ()), self.issues.letter(row.id))

    def verdict(
        self,
        slot: Slot,
        *,
        older_first: bool = True,
        scheduled: bool = False,
        sure: bool = False,
        read: Callable[[], Sequence[PullLine]] = tuple,
        composed: Composed | None = None,
    ) -> Verdict:
        """What `send` would do now, and why. Changes nothing, but for what `read` does.

        `older_first`: an older unfinished issue is gone on with, while it has somebody to mail. `scheduled`: a slot
        without an issue worth sending is skipped for good. `sure`: a person wants it sent though this database is a
        copy that may not know that it was. `read` reads the sources when an issue is to be made;
        `composed` is that issue, if it is there already.
        """
        unfinished = self.issues.unfinished() if older_first else None
        if unfinished and not sure and self.uncertain(unfinished):
            unfinished = None
        if unfinished and (self.clock() < slot.at or self.sender.has_work(unfinished)):
            return Verdict(unfinished.slot_key, Outcome.FINISH, recipients=unfinished.frozen, row=unfinished)
        row = self.issues.find(slot.key)
        if not sure and (doubt := self.uncertain(row or slot)):
            return refused(slot.key, Refused(doubt))
        if row is not None and (known := on_record(row)) is not None:
            return known
        try:
            self.making()
            need_address(self.publication, "issue")
        except NewsletterError as error:
            return refused(slot.key, error)
        pulled = tuple(read())
        try:
            verdict = self._decided(composed or self.compose(slot), scheduled=scheduled)
            verdict = self.approval.judged(slot, verdict)
        except NewsletterError as error:
            return replace(refused(slot.key, error), pulled=pulled)
        given_up = scheduled and self.clock() >= slot.at and not any(line.failed for line in pulled)
        if given_up and verdict.outcome in (Outcome.NOTHING_NEW, Outcome.THIN, Outcome.NOBODY):
            verdict = replace(verdict, outcome=Outcome.SKIP)
        return replace(verdict, pulled=pulled)

    def uncertain(self, about: IssueRow | Slot) -> str:
        """As `Sender.uncertain`, of an issue on record or of a slot; of one that is over there is no doubt."""
        if isinstance(about, Slot):
            return self.sender.uncertain(about.key, slot_at=about.at, frozen_at=None)
        if not about.open and about.state != IssueState.SENDING:
            return ""
        return self.sender.uncertain(about.slot_key, slot_at=about.slot_at, frozen_at=about.frozen_at)

    def _decided(self, composed: Composed, *, scheduled: bool) -> Verdict:
        table = self.settings.issue
        verdict = decide(
            composed,
            recipients=self.audience_size(),
            at_least=table.min,
            when_thin=table.when_thin,
            scheduled=scheduled,
        )
        names = [source.name for source in self.settings.sources if source.kind != "signals"]
        records = {name: self.shelf.pull_record(name) for name in names}
        failures = {name: one.problem or ("" if one.pulled_at else NEVER_READ) for name, one in records.items()}
        silent = silent_sources(names, issue=composed.issue, failures=failures, on_shelf=self.shelf.counts())
        return replace(verdict, silent_sources=silent)

    def audience_size(self) -> int:
        """How many subscribers a freeze would take in now."""
        with self.database.read() as connection:
            return count_audience(connection, self.book.audience(self.clock()))

    def freeze(self, slot: Slot, composed: Composed) -> IssueRow:
        """Store audience, picks and Letter in one transaction. From here on the issue goes out as it is."""
        if composed.letter is None:
            raise Refused(f"the issue {slot.key} has no picks; there is nothing to freeze")
        now = self.clock()
        with self.database.write() as connection:
            row = self.issues.open(connection, slot_key=slot.key, slot_at=slot.at, now=now)
            if row.state in (IssueState.DRAFT, IssueState.REVIEW) and self.settings.schedule.approval == "auto":
                self.issues.step(connection, row, IssueState.APPROVED, reason="approval is automatic")
                row = replace(row, state=IssueState.APPROVED)
            if row.state != IssueState.APPROVED:
                raise Refused(f"the issue {slot.key} is {row.state}; it cannot be frozen")
            digest = self.issues.keep(
                connection, row, variants={"": composed.letter}, chosen=_frozen_picks(composed.issue)
            )
            rejected = rejected_in(connection, slot.key)
            self.past_issues.keep(connection, row.id, composed.issue, rejected=rejected)
            number = freeze_audience(connection, issue_id=row.id, audience=self.book.audience(now), now=now)
            if not number:  # closing it now would use up the week and its articles for nobody
                raise Refused(
                    f"nobody would get {slot.key}, so it was not made; `newsletter subscribers list` says who is active"
                )
            carried = [pick.article.id for pick in composed.issue.picks if pick.article.id is not None]
            if self.shelf.carry(connection, carried, slot=slot.key) != len(carried):
                # Found to be the same as another, or carried by another issue: it would come back next week.
                raise Refused(f"the shelf changed while {slot.key} was made; nobody was mailed, send again")
            self.issues.step(
                connection,
                row,
                IssueState.SENDING,
                frozen_at=now,
                expires_at=now + self.settings.pace.expire,
                frozen=number,
                digest=digest,
                subject=composed.letter.subject,
                list_id=self.publication.list_id,
                attended_at=self.decisions.attended(connection, slot.key),
                on_doubt=self.settings.sending.on_doubt,
            )
        return self.issues.get(slot.key)

    def run(
        self,
        slot: Slot,
        *,
        backend: Callable[[], Backend],
        confirm: Callable[[Verdict], bool],
        stop: threading.Event,
        on_progress: Callable[[IssueRow, Tally], None] | None = None,
        on_pulled: Callable[[Sequence[PullLine]], None] = lambda _: None,
        older_first: bool = True,
        scheduled: bool = False,
        sure: bool = False,
    ) -> Done:
        """The whole job for one slot, from wherever it stands: the verdict, and then what it says.

        `older_first`, `scheduled` and `sure` as of `verdict`; after an older issue in which nobody could be mailed now,
        the slot itself has its turn once its time has come. `confirm` is asked before the freeze. Raises `Busy` while
        another process does the same, and the verdict's error.
        """
        send = partial(self.sender.send, stop=stop, on_progress=on_progress)
        read = partial(self.pull_and_tell, slot, on_pulled)
        lock = try_lock(self.database, "send")
        if lock is None:
            raise Busy(Busy.SENDING)
        with lock:
            for first in dict.fromkeys((older_first, False)):
                verdict = self.verdict(slot, older_first=first, scheduled=scheduled, sure=sure, read=read)
                if sure and verdict.row is not None and self.uncertain(verdict.row):
                    with self.database.write() as connection:
                        Copies(self.database).be_sure(connection, verdict.slot_key, now=self.clock())
                if verdict.outcome != Outcome.FINISH or verdict.row is None:
                    break
                done = Done(send(verdict.row, backend()), verdict)
                if verdict.slot_key == slot.key or done.report.run or stop.is_set() or self.clock() < slot.at:
                    return done
            return Done(self._make(slot, verdict, backend=backend, confirm=confirm, send=send), verdict)

    def _make(
        self,
        slot: Slot,
        verdict: Verdict,
        *,
        backend: Callable[[], Backend],
        confirm: Callable[[Verdict], bool],
        send: Callable[[IssueRow, Backend], Report],
    ) -> Report:
        """Freeze and send the issue if the verdict says so; else record and report why not."""
        if verdict.row is not None:
            if verdict.outcome == Outcome.HOLD and verdict.row.open:
                self.approval.tell(slot, verdict)
            return self.sender.report(verdict.row)
        if verdict.error is not None:
            if isinstance(verdict.error, Refused):
                self.alerts.tell(alerts.issue(slot.key), verdict.reason)
            raise verdict.error
        if verdict.outcome == Outcome.HOLD:
            self.approval.tell(slot, verdict)
        if verdict.outcome == Outcome.SKIP:
            self._skip(slot, verdict.reason)
            return Report(slot.key, IssueState.SKIPPED, reason=verdict.reason)
        if verdict.outcome != Outcome.SEND or verdict.composed is None:
            return Report(slot.key, IssueState.DRAFT, reason=verdict.told)
        # A backend that is away or set up wrongly is found before anything is frozen.
        ready = backend()
        ready.open().close()
        if not confirm(verdict):
            return Report(slot.key, IssueState.DRAFT, reason="not confirmed")
        return send(self.freeze(slot, verdict.composed), ready)

    def pull_and_tell(self, slot: Slot, on_pulled: Callable[[Sequence[PullLine]], None]) -> list[PullLine]:
        """Pull; a source that could not be read stops nothing, and the operator is told."""
        pulled = self.pull(slot)
        for line in pulled:
            if line.failed:
                self.alerts.tell(
                    alerts.source(line.source), f"the source {line.source} could not be read: {line.failed}"
                )
            elif line.quarantined:
                told = f"{line.source} gave {line.new} new articles, far more than usual; they are in no issue before"
                self.alerts.tell(alerts.source(line.source), f"{told} `newsletter pull --accept {line.source}`")
            elif (newest := self.shelf.newest(line.source)) and self.clock() - newest > SILENT:
                told = f"the source {line.source} has given nothing new since {newest:%Y-%m-%d}"
                self.alerts.tell(replace(alerts.source(line.source), again=SILENT), told)
        on_pulled(pulled)
        return pulled

    def _skip(self, slot: Slot, reason: str) -> None:
        """Give the slot up for good, and tell the operator."""
        now = self.clock()
        with self.database.write() as connection:
            row = self.issues.open(connection, slot_key=slot.key, slot_at=slot.at, now=now)
            self.issues.step(connection, row, IssueState.SKIPPED, reason=reason, closed_at=now)
        self.alerts.tell(alerts.issue(slot.key), reason)

    def cancel(self, row: IssueRow, *, reason: str) -> dict[str, int]:
        """Stop an issue; its articles may be picked again if nobody got it. Returns the counts it ends with."""
        return self.sender.cancel(
            row, reason=reason, nobody_got_it=lambda connection: self.shelf.give_back(connection, slot=row.slot_key)
        )

    def test_copy(self, composed: Composed, address: str, backend: Backend) -> str:
        """Send one copy of the composed letter, recording nothing; returns what the server said."""
        need_address(self.publication, "letter")
        if composed.letter is None:
            raise Refused("there is nothing to send: no article was picked; `newsletter pull` reads the sources first")
        subscriber = self.book.find(address)
        name = subscriber.name if subscriber else ""
        # For a stranger a token that works as any and is nobody's: leaving by a test copy changes nothing.
        token = self.book.unsubscribe_token(subscriber.public_id if subscriber else secrets.token_hex(16))
        message = addressing.single(
            composed.letter,
            address=address,
            name=name,
            tokens={UNSUBSCRIBE_TOKEN: token},
            unique=secrets.token_hex(16),
            at=self.clock(),
        )
        connection = backend.open()
        try:
            connection.offer(message)
            reply = connection.hand_over()
        finally:
            connection.close()
        return f"{reply.code} {reply.text}"


def need_address(publication: rendering.Publication, what: str) -> None:
    """Refuse a mail, an issue or a single one, that could carry no street address (CAN-SPAM § 7704(a)(5))."""
    if not publication.postal_address.strip():
        raise ConfigurationError(
            f"[newsletter] postal_address is empty: every {what} has to carry a street address; set it and try again"
        )


def _age(candidate: highlights.Candidate, now: datetime) -> timedelta:
    return now - (candidate.article.published or candidate.article.first_seen or now)


def _read(source: Source, previous: PullState) -> Pulled:
    """What a source returns. It may be anybody's code: whatever it raises is its own failure and stops no other."""
    try:
        pulled = source.read(previous)
    except (SourceError, ConfigurationError):
        raise
    except Exception as error:
        log.exception("the source %s is broken", source.name)
        raise SourceError(f"it is broken: {type(error).__name__}: {error}") from error
    if not isinstance(pulled, Pulled):
        raise SourceError(f"it is broken: it returned {type(pulled).__name__} and not Pulled")
    return pulled


def _match(table: MarksTable) -> Match:
    return Match(**table.model_dump(exclude={"unless"}))


def _frozen_picks(issue: Issue) -> list[FrozenPick]:
    return [
        FrozenPick(
            section=pick.section,
            position=pick.position,
            article_id=pick.article.id,
            score=pick.score,
            reason=pick.reason,
            article=dump_article(pick.article),
        )
        for pick in issue.picks
    ]
