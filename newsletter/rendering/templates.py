"""Templates: where they lie, how they are filled, and how a broken one is reported.

A mail is a folder with `subject.txt.j2`, `body.html.j2` and `body.txt.j2`. A project's own `templates/` comes first,
then the shipped ones. Templates run in a sandbox: they can neither reach Python's inside nor change what they are
given, and they do no more than `bounds` allows. Names ending in `.html.j2` or `.html` are escaped; everything else is
plain text.

What it does not know: what is in an issue, what a letter is. Raises `TemplateError` with file and line, never another
exception, whatever a template does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from types import TracebackType

from jinja2 import (
    FileSystemLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
    select_autoescape,
)
from jinja2.exceptions import SecurityError
from jinja2.filters import do_default

from newsletter.errors import TemplateError
from newsletter.rendering import wording
from newsletter.rendering.blanks import StandIn
from newsletter.rendering.bounds import BoundedEnvironment, Budget


def shipped_templates() -> Path:
    """The templates that came with this package: inside the wheel, or at the top of the checkout.

    `importlib.resources` alone does not find them in an editable install, where the wheel's mapping is not applied.
    """
    package = Path(str(files("newsletter")))
    for folder in (package / "templates", package.parent / "templates"):
        if folder.is_dir():
            return folder
    raise TemplateError("the shipped templates are missing; install newsletter again", file=str(package / "templates"))


def _default(value: object, default_value: object = "", boolean: bool = False) -> object:  # noqa: FBT001 - Jinja's
    """Jinja's own, and what stands in a blank that is empty."""
    return value.or_default(default_value) if isinstance(value, StandIn) else do_default(value, default_value, boolean)


class Templates:
    """All templates of a project. `own` is its `templates/` folder, or None for the shipped ones alone."""

    def __init__(self, own: Path | None = None) -> None:
        # Absolute, so that a file's own name never looks like the one it is shown under.
        folders = (own, shipped_templates()) if own is not None else (shipped_templates(),)
        self.folders = tuple(folder.absolute() for folder in folders)
        self.environment = BoundedEnvironment(
            loader=FileSystemLoader(self.folders),
            autoescape=select_autoescape(("html.j2", "html"), default_for_string=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            filters={
                "d": _default,
                "default": _default,
                "shorten": wording.shorten,
                "wrap": wording.wrap,
                "hanging": wording.hanging,
                "underline": wording.underline,
            },
        )

    def compile_all(self, folder: str) -> None:
        """Compile every template of a folder, to find a broken one now. Raises `TemplateError`."""
        for name in self.environment.list_templates(extensions=("j2",)):
            if name.startswith(f"{folder}/"):
                with self._bounded(name):
                    self.environment.get_template(name)

    def render(self, name: str, context: Mapping[str, object]) -> str:
        """The text of one template. Raises `TemplateError`."""
        with self._bounded(name):
            return self.environment.get_template(name).render(context)

    def render_string(self, source: str, context: Mapping[str, object], *, name: str) -> str:
        """The text of a template that is a setting; `name` says which one. Raises `TemplateError`."""
        with self._bounded(name):
            return self.environment.from_string(source).render(context)

    @contextmanager
    def _bounded(self, name: str) -> Iterator[None]:
        try:
            with Budget():
                yield
        except Exception as error:
            raise self._explained(error, name) from error

    def _explained(self, error: Exception, name: str) -> TemplateError:
        if isinstance(error, TemplateError):
            return error
        if isinstance(error, TemplateSyntaxError):
            return TemplateError(str(error.message), file=self._shown(error.filename or name), line=error.lineno)
        file, line = self._where(error.__traceback__)
        message = str(error) or type(error).__name__
        if isinstance(error, TemplateNotFound):
            message = f"there is no template {error.name or name}"
        elif isinstance(error, SecurityError):
            message = f"not allowed in a template: {message}"
        elif not isinstance(error, (UndefinedError, TypeError)):
            message = f"{type(error).__name__}: {message}"
        return TemplateError(message, file=file or name, line=line)

    def _where(self, traceback: TracebackType | None) -> tuple[str, int]:
        """The innermost line of a template in a traceback, which Jinja has rewritten to template lines."""
        found = ("", 0)
        while traceback is not None:
            file = traceback.tb_frame.f_code.co_filename
            if (shown := self._shown(file)) != file:
                found = (shown, traceback.tb_lineno)
            traceback = traceback.tb_next
        return found

    def _shown(self, file: str) -> str:
        for folder in self.folders:
            if Path(file).is_relative_to(folder):
                return f"templates/{Path(file).relative_to(folder).as_posix()}"
        return file
