"""The composition root: the only file that knows everybody. It makes one `Project` of a folder.

What a package needs from above is passed to it here as a callable: the Book gets the outbox to post into, the public
pages get something to draw with. Nothing is opened or imported before it is used.
"""

from __future__ import annotations

import logging
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.backends import BACKENDS
from newsletter.backends.dkim import Signer, Signing, load_signer
from newsletter.copies import Copies
from newsletter.database import Database
from newsletter.decisions import Decisions
from newsletter.errors import ConfigurationError, KeyFileError, SettingsError
from newsletter.issue import DAYS, Slot
from newsletter.issues import Issues
from newsletter.options import check
from newsletter.past_issues import PastIssues
from newsletter.review_links import PURPOSE as REVIEW, ReviewLink, ReviewLinks
from newsletter.settings import Settings, load, load_for_sending
from newsletter.settings.mistakes import Mistake
from newsletter.shelf import Shelf
from newsletter.slots import Schedule, coming, current, slot_of_week
from newsletter.sources import SOURCES

if TYPE_CHECKING:
    import sqlalchemy as sa

    from newsletter import rendering
    from newsletter.backends import Backend
    from newsletter.letter import Letter
    from newsletter.sending.alerts import Alerts
    from newsletter.sending.sender import Sender
    from newsletter.sources import Source, StoredImage
    from newsletter.weekly import Making, Weekly
    from subscribers import Book, KeyRing, Link, Subscriber


SECOND = timedelta(seconds=1)

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the clock itself


class Project:
    """One newsletter: a folder with a `newsletter.toml`. `clock` returns the time in UTC.

    Every setting is looked at here, the keys of built-in sources and backends too, and none of them is loaded for it.
    """

    def __init__(
        self,
        root: Path,
        *,
        clock: Callable[[], datetime] = utc_now,
        settings: Settings | None = None,
        mistakes: Iterable[Mistake] = (),
    ) -> None:
        self.root = root
        self.clock = clock
        self.settings = settings or load(root)
        self._single_mails: dict[str, Letter] = {}
        mistakes = [*mistakes, *self._mistaken_backend()]
        self._no_backend = next((one for one in mistakes if one.needed), None)
        self.mistakes = (*map(str, mistakes), *self._mistaken_sources())
        if settings is None:
            self.refuse_mistakes()

    @classmethod
    def for_sending(cls, root: Path, *, clock: Callable[[], datetime] = utc_now, leaving: bool = False) -> Project:
        """A project of which a frozen issue goes on though there are `mistakes` in what sending does not read.

        `leaving`: whatever is wrong but the database and the keys, subscribers can leave, and the Book be read.
        """
        settings, mistakes = load_for_sending(root, leaving=leaving)
        project = cls(root, clock=clock, settings=settings, mistakes=mistakes)
        if project._no_backend and not leaving:
            raise project._no_backend
        for mistake in project.mistakes:
            log.warning("only what is frozen goes on until this is put right: %s", mistake)
        return project

    def refuse_mistakes(self) -> None:
        """Raise `SettingsError` if there is one: nothing may be made with settings that were not understood."""
        if self.mistakes:
            raise SettingsError(self.mistakes[0])

    def _mistaken_backend(self) -> Iterator[Mistake]:
        table = self.settings.backend
        try:
            check(table.kind, table.options, kinds=BACKENDS, root=self.root)
        except SettingsError as error:
            yield Mistake(str(error), ("backend",))

    def _mistaken_sources(self) -> Iterator[str]:
        for table in self.settings.sources:
            try:
                check(table.kind, table.options, kinds=SOURCES, root=self.root, table=f'[[sources]] "{table.name}"')
            except SettingsError as error:
                yield str(error)

    def close(self) -> None:
        """Let go of the database, if anybody opened it."""
        if "unchecked_database" in vars(self):
            self.unchecked_database.dispose()

    @cached_property
    def unchecked_database(self) -> Database:
        """The database as it is found: for `migrate` and `doctor`, which look at its version themselves."""
        return Database(self.settings.database_url)

    @cached_property
    def database(self) -> Database:
        self.unchecked_database.check()
        Copies(self.unchecked_database).put_back(now=self.clock())
        return self.unchecked_database

    @cached_property
    def shelf(self) -> Shelf:
        return Shelf(self.database)

    @cached_property
    def issues(self) -> Issues:
        return Issues(self.database)

    @cached_property
    def keys(self) -> KeyRing:
        from subscribers import SubscribersError, load_keys

        try:
            return load_keys(self.settings.key_file)
        except SubscribersError as error:
            raise KeyFileError(str(error)) from error

    @cached_property
    def book(self) -> Book:
        from subscribers import Book

        return Book(self.database, self.keys, now=self.clock, post=self._post)

    @cached_property
    def publication(self) -> rendering.Publication:
        from newsletter import rendering

        table = self.settings.newsletter
        return rendering.Publication(
            name=table.name,
            tagline=table.tagline,
            public_url=table.public_url,
            from_name=self.settings.from_name,
            from_address=self.settings.from_address,
            reply_to=table.reply_to,
            postal_address=table.postal_address,
            list_id=self.settings.list_id,
            language=table.language,
            timezone=table.timezone,
            subject=self.settings.issue.subject,
            utm=self.settings.issue.utm,
        )

    @cached_property
    def logo(self) -> StoredImage | None:
        """The logo when it is a file of the project: it is then served from the public pages."""
        from newsletter.image_types import media_type, stored_name
        from newsletter.links import refusal
        from newsletter.sources import StoredImage

        logo = self.settings.theme.logo
        if not logo or not refusal(logo):
            return None
        path = (self.root / logo).resolve()
        try:
            if not path.is_relative_to(self.root.resolve()):
                raise SettingsError(f'[theme] logo "{logo}" lies outside the project')
            data = path.read_bytes()
        except OSError as error:
            raise SettingsError(f'[theme] logo "{logo}" cannot be read: {error.strerror}') from error
        if kind := media_type(data):
            return StoredImage(stored_name(data, kind=kind), kind, data)
        raise SettingsError(f'[theme] logo "{logo}" is no PNG, JPEG or GIF; mail programs show no other kind')

    @cached_property
    def theme(self) -> rendering.Theme:
        from newsletter import rendering

        table = self.settings.theme
        return rendering.Theme(
            look=table.look,
            brand=table.brand,
            logo=f"stored:{self.logo.name}" if self.logo else table.logo,
            logo_width=table.logo_width,
            logo_alt=table.brand or self.settings.newsletter.name,
            light=table.colours,
            dark=table.dark,
            fonts=table.fonts,
            social=table.social,
            images=table.images,
        )

    @cached_property
    def templates(self) -> rendering.Templates:
        from newsletter import rendering

        return rendering.Templates(self.root / "templates")

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        from newsletter import sources
        from newsletter.fetch import Fetcher

        fetcher = Fetcher()
        self._find_own_plugins(table.kind for table in self.settings.sources)
        return tuple(
            sources.load(table.kind, table.name, table.options, root=self.root, fetcher=fetcher, clock=self.clock)
            for table in self.settings.sources
        )

    def backend(self) -> Backend:
        """The backend of the settings; opens no connection. Raises a mistake in what sending reads."""
        from newsletter import backends

        if self._no_backend:
            raise self._no_backend
        self._find_own_plugins([self.settings.backend.kind])
        found = backends.load(self.settings.backend.kind, self.settings.backend.options, root=self.root)
        return Signing(found, self.signer) if self.signer else found

    @cached_property
    def signer(self) -> Signer | None:
        """What signs every message, if `[dkim]` says so. Raises `SettingsError` for a key that cannot be used."""
        table = self.settings.dkim
        if not table.domain:
            return None
        return load_signer(self.settings.dkim_key_file, domain=table.domain, selector=table.selector)

    def _find_own_plugins(self, kinds: Iterable[str]) -> None:
        """Let `kind = "module:Class"` name a file that lies beside `newsletter.toml`."""
        folder = str(self.root.resolve())
        if any(":" in kind for kind in kinds) and folder not in sys.path:
            sys.path.append(folder)

    @cached_property
    def past_issues(self) -> PastIssues:
        return PastIssues(self.database)

    @cached_property
    def decisions(self) -> Decisions:
        return Decisions(self.database)

    @cached_property
    def review_links(self) -> ReviewLinks:
        return ReviewLinks(self.database)

    def review_url(self, link: ReviewLink) -> str:
        """The address that opens the review page: the key of whoever has it."""
        token = self.keys.sign(link.payload, purpose=REVIEW)
        return f"{self.settings.newsletter.public_url}/review/{token}/"

    @cached_property
    def alerts(self) -> Alerts:
        from newsletter.sending.alerts import Alerts

        return Alerts(
            database=self.database,
            issues=self.issues,
            identity=self.publication.identity(),
            postal_address=self.publication.postal_address,
            editors=self.settings.newsletter.editors,
            clock=self.clock,
        )

    @cached_property
    def sender(self) -> Sender:
        from newsletter.sending.sender import Sender

        return Sender(
            database=self.database,
            issues=self.issues,
            book=self.book,
            alerts=self.alerts,
            derive=self.keys.token,
            rate=self.settings.pace.rate,
            clock=self.clock,
        )

    @cached_property
    def weekly(self) -> Weekly:
        from newsletter.weekly import Weekly

        return Weekly(
            settings=self.settings,
            database=self.database,
            shelf=self.shelf,
            issues=self.issues,
            past_issues=self.past_issues,
            decisions=self.decisions,
            review_links=self.review_links,
            book=self.book,
            sender=self.sender,
            alerts=self.alerts,
            publication=self.publication,
            making=self._making,
            clock=self.clock,
        )

    def _making(self) -> Making:
        from newsletter.weekly import Making

        self.refuse_mistakes()
        return Making(
            sources=self.sources,
            theme=self.theme,
            templates=self.templates,
            own_images=(self.logo,) if self.logo else (),
        )

    @cached_property
    def schedule(self) -> Schedule:
        table = self.settings.schedule
        return Schedule(DAYS.index(table.day) + 1, time.fromisoformat(table.time), self.settings.zone)

    def slot(self, key: str | None) -> Slot:
        """The slot of a key, or the current week's. Raises `ConfigurationError` for a key that is none."""
        if key is None:
            return current(self.schedule, now=self.clock())
        try:
            return slot_of_week(self.schedule, key=key)
        except ValueError as error:
            raise ConfigurationError(str(error)) from error

    def coming_slot(self) -> Slot:
        """The next slot whose issue an editor can still change: this week's, or once that is made the next."""
        slot = current(self.schedule, now=self.clock())
        row = self.issues.find(slot.key)
        return self.slot_after(slot) if row is not None and not row.open else slot

    def reviewed_slot(self) -> Slot:
        """The next slot whose issue can still be put to review: `coming_slot`, or after its grace the one after it."""
        slot = self.coming_slot()
        return self.slot_after(slot) if self.clock() > slot.at + self.settings.schedule.grace else slot

    def slot_after(self, slot: Slot) -> Slot:
        return coming(self.schedule, now=slot.at + SECOND, number=1)[0]

    def _post(self, connection: sa.Connection, kind: str, subscriber: Subscriber, links: Mapping[str, Link]) -> None:
        """Put a single mail to a subscriber into the outbox, inside the transaction that causes it."""
        from newsletter.sending import outbox
        from newsletter.weekly import need_address

        self.refuse_mistakes()
        need_address(self.publication, "mail")
        letter = self._single_mail(kind)
        outbox.post(connection, letter, address=subscriber.email, links=links, kind=kind, now=self.clock())

    def _single_mail(self, kind: str) -> Letter:
        """The Letter of a single mail, rendered once per process."""
        from newsletter import rendering

        if kind not in self._single_mails:
            self._single_mails[kind] = rendering.render_mail(
                kind,
                publication=self.publication,
                theme=self.theme,
                templates=self.templates,
                nonce=secrets.token_hex(6),
            )
        return self._single_mails[kind]
