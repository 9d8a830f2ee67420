"""CSS into style attributes; the only module that imports premailer.

premailer runs once per issue and behind this wrapper, because on its own it loses things a responsive mail lives on:
the doctype, client hacks, `@media` with its `!important`, links around tables. So the wrapper takes the document apart
(doctype, comments, scripts, rules that cannot be inlined), lets premailer do the plain rest, puts it together again,
and compares what came out with what went in.

What it does not know: templates, blanks, settings. Nothing here touches the network: `@import` is taken out first,
since cssutils would fetch it. Raises `InliningError` with the line of the document that has to change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import zip_longest
from typing import Any

import tinycss2
from tinycss2.ast import AtRule, Node, ParseError, QualifiedRule

from newsletter.characters import in_markup
from newsletter.errors import ConfigurationError

DEEPEST = 200  # libxml2 cuts documents off at 254 nested elements, without a word
VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
}  # fmt: skip
# Selectors for what mail programs wrap around a letter: they match nothing here, and premailer would drop them.
_CLIENT = re.compile(
    r"#outlook|\.ExternalClass|\.ReadMsgBody|\.yshortcuts|\.moz-|\bu\s*\+|\bim\b|#MessageViewBody", re.IGNORECASE
)
_DOCTYPE = re.compile(r"\A(?:\s|<!--.*?-->)*<!doctype[^>]*>", re.IGNORECASE | re.DOTALL)
_DECLARATION = re.compile(r"\A\ufeff?(?:\s*<\?xml[^>]*\?>)?", re.IGNORECASE)
_PARTS = re.compile(
    r"(?P<comment><!--.*?-->)|(?P<open><style\b[^>]*>)(?P<css>.*?)(?P<close></style\s*>)|(?P<script><script\b.*?</script\s*>)",
    re.IGNORECASE | re.DOTALL,
)
# Whole attributes at a time, so that nothing inside a value is taken for one.
_TAG = re.compile(r"<[a-z][^\s<>]*(?:\s+[^\s=<>\"']+(?:=\"[^\"]*\"|='[^']*')?)+\s*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\s+(?P<name>[^\s=<>\"']+)(?:=\"[^\"]*\"|='(?P<single>[^']*)')?")
_KEPT = re.compile(r"<!--x(\d+)x-->")
_OPTIONS = {
    "allow_network": False,
    "allow_loading_external_files": False,
    "strip_important": False,
    "disable_validation": True,
    "align_floating_images": False,
    "disable_leftover_css": True,
    "keep_style_tags": False,
    "remove_classes": False,
    "include_star_selectors": False,
    "cache_css_parsing": False,
    "disable_basic_attributes": ["width", "height", "align", "valign", "bgcolor"],
}


class InliningError(ConfigurationError):
    """A document whose CSS cannot be inlined without changing it; `line` is the line in that document."""

    def __init__(self, message: str, *, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Inlined:
    """The finished document, and what was left out on the way (`@import`, `@charset`), a sentence each."""

    html: str
    notes: tuple[str, ...]


def inline(html: str) -> Inlined:
    """The same document with its plain CSS rules in style attributes.

    At-rules, pseudo-classes, attribute and universal selectors and client hacks stay in `<style>` as they are; a
    `<style data-premailer="ignore">` stays whole. Raises `InliningError`.
    """
    html = _DECLARATION.sub("", html, count=1)
    before = _refuse(html)
    found = _DOCTYPE.match(html)
    doctype = found[0] if found else ""
    document = html[len(doctype) :]
    kept: list[str] = []
    notes: list[str] = []

    def keep(text: str) -> str:
        kept.append(text)
        return f"<!--x{len(kept) - 1}x-->"

    def apart(part: re.Match[str]) -> str:
        if part["comment"] or part["script"]:
            return keep(part[0])
        line = doctype.count("\n") + document[: part.start("css")].count("\n")
        plain, rest = _split(part["css"], line=line, notes=notes)
        opening = part["open"]
        if re.search(r"data-premailer\s*=\s*[\"']?ignore", opening, re.IGNORECASE) or _for_other_media(opening):
            opening = re.sub(r"\s*data-premailer\s*=\s*([\"']?)ignore\1", "", opening, flags=re.IGNORECASE)
            without_imports = re.sub(r"@(?:import|charset)\b[^;]*;", "", part["css"], flags=re.IGNORECASE)
            return keep(f"{opening}{without_imports}{part['close']}")
        left = keep(f"{opening}{rest}{part['close']}") if rest.strip() else ""
        return (f"<style>{plain}</style>" if plain.strip() else "") + left

    result = _premailed("<!DOCTYPE html>\n" + _PARTS.sub(apart, document))
    result = _KEPT.sub(lambda match: kept[int(match[1])], result)
    result = re.sub(r"\A\s*<!DOCTYPE[^>]*>\s*", "", result, flags=re.IGNORECASE)
    result = (f"{doctype.lstrip()}\n" if doctype else "") + result
    _verify(before, _Events.of(result))
    return Inlined(result, tuple(notes))


def _split(css: str, *, line: int, notes: list[str]) -> tuple[str, str]:
    """The rules that can be inlined, and the rest. `line` is how many lines of the document come before.

    CSS that does not parse is refused: Gmail drops a whole block for one mistake in it.
    """
    plain: list[str] = []
    rest: list[str] = []
    uncommented = css.replace("<!--", "    ").replace("-->", "   ")
    for rule in tinycss2.parse_stylesheet(uncommented, skip_comments=True, skip_whitespace=True):
        if isinstance(rule, ParseError):
            raise InliningError(f"the CSS does not parse: {rule.message}", line=line + rule.source_line)
        if isinstance(rule, AtRule):
            if rule.lower_at_keyword in {"import", "charset"}:
                notes.append(f"line {line + rule.source_line}: @{rule.lower_at_keyword} was left out")
            else:
                rest.append(rule.serialize())
        elif isinstance(rule, QualifiedRule):
            _sort_rule(rule, line=line, plain=plain, rest=rest)
    return "\n".join(plain), "\n".join(rest)


def _sort_rule(rule: QualifiedRule, *, line: int, plain: list[str], rest: list[str]) -> None:
    declarations = tinycss2.parse_declaration_list(rule.content, skip_comments=True, skip_whitespace=True)
    for node in (*rule.prelude, *declarations):
        if node.type == "error":
            raise InliningError(f"the CSS does not parse: {node.message}", line=line + node.source_line)
    body = tinycss2.serialize(rule.content).strip()
    important = ";".join(
        f"{one.name}:{tinycss2.serialize(one.value).strip()} !important"
        for one in declarations
        if one.type == "declaration"
    )
    for selector in _selectors(rule.prelude):
        if ":" in selector or "[" in selector:
            # In a sheet these outweigh the plain rule they refine; beside a style attribute they need the mark.
            rest.append(f"{selector}{{{important}}}")
        elif "*" in selector or _CLIENT.search(selector):
            rest.append(f"{selector}{{{body}}}")
        else:
            plain.append(f"{selector}{{{body}}}")


def _selectors(prelude: Iterable[Node]) -> list[str]:
    """The selectors of a rule, cut at the commas between them and not at those inside brackets."""
    pieces: list[list[Node]] = [[]]
    for node in prelude:
        if node == ",":
            pieces.append([])
        else:
            pieces[-1].append(node)
    return [text for piece in pieces if (text := tinycss2.serialize(piece).strip())]


def _for_other_media(opening: str) -> bool:
    media = re.search(r"\bmedia\s*=\s*[\"']?([^\"'>]*)", opening, re.IGNORECASE)
    return bool(media) and media[1].strip().lower() not in {"", "all", "screen"}  # type: ignore[index]


def _premailed(document: str) -> str:
    # 160 ms to import, and needed only where a letter is made.
    import cssutils
    from premailer import Premailer

    cssutils.log.setLevel(100)
    cssutils.ser.prefs.minimizeColorHash = False
    try:
        result = Premailer(document, **_OPTIONS).transform(pretty_print=False)
    except Exception as error:  # premailer raises whatever lxml, cssselect and cssutils raise
        raise InliningError(f"the CSS could not be inlined ({type(error).__name__}: {error})") from error
    return _TAG.sub(lambda tag: _ATTRIBUTE.sub(_double_quoted, tag[0]), str(result))


def _double_quoted(attribute: re.Match[str]) -> str:
    """cssutils writes font names in double quotes, so lxml puts style attributes into single ones: turn both round."""
    value = attribute["single"]
    if attribute["name"] != "style" or value is None:
        return attribute[0]
    return ' style="{}"'.format(value.replace('"', "'"))


def _refuse(html: str) -> _Events:
    """Refuse what premailer would crash on or lose without a word; returns what the document holds."""
    if not html.strip():
        raise InliningError("the document is empty")
    if found := in_markup(html):
        raise InliningError(f"it holds the control character U+{ord(found[0]):04X}", line=_line(html, found.start()))
    if found := re.search(r"<!\[if", html, re.IGNORECASE):
        raise InliningError(
            "write <!--[if !mso]><!--> … <!--<![endif]--> instead of <![if …]>", line=_line(html, found.start())
        )
    for found in re.finditer(r"\sstyle\s*=\s*([\"'])\s*([^:\"']*?)\s*\1", html, re.IGNORECASE):
        if found[2]:
            raise InliningError(f'style="{found[2]}" is no declaration', line=_line(html, found.start()))
    outline = _Events.of(html)
    if outline.deepest > DEEPEST:
        raise InliningError(f"elements are nested deeper than {DEEPEST}", line=outline.deepest_line)
    return outline


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _verify(was: _Events, now: _Events) -> None:
    """Nothing but style attributes may have changed: same elements, attributes, text, in the same order."""
    for one, other in zip_longest(was.events, now.events):
        if one is None or other is None:
            event, line = one or other
            raise InliningError(f"inlining would lose or add {_said(event)}; is every element closed?", line=line)
        if one[0] != other[0]:
            raise InliningError(
                f"inlining would change the document here ({_said(one[0])} became {_said(other[0])}):"
                " no <a> around a table, no block inside an inline element, every element closed",
                line=one[1],
            )


def _said(event: tuple[Any, ...]) -> str:
    kind, name = event[0], event[1]
    return {"start": f"<{name}>", "end": f"</{name}>"}.get(kind, f'{kind} "{name[:40]}"')


class _Events(HTMLParser):
    """A document as its elements, attributes and words; style sheets, style attributes and addresses left aside."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.events: list[tuple[tuple[Any, ...], int]] = []
        self.deepest = self.deepest_line = self._depth = 0
        self._text = ""
        self._text_line = 1

    @classmethod
    def of(cls, html: str) -> _Events:
        events = cls()
        events.feed(html)
        events.close()
        events._flush()
        return events

    def _flush(self) -> None:
        if text := " ".join(self._text.split()):
            self.events.append((("text", text), self._text_line))
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "style":
            return
        self._flush()
        left_aside = {"style", "class", "href", "src"}
        named = tuple(sorted((name, value or "") for name, value in attrs if name not in left_aside))
        self.events.append((("start", tag, named), self.getpos()[0]))
        if tag not in VOID:
            self._depth += 1
            if self._depth > self.deepest:
                self.deepest, self.deepest_line = self._depth, self.getpos()[0]

    def handle_endtag(self, tag: str) -> None:
        if tag == "style" or tag in VOID:
            return
        self._flush()
        self.events.append((("end", tag), self.getpos()[0]))
        self._depth = max(0, self._depth - 1)

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "style":
            return
        if not self._text.strip():
            self._text_line = self.getpos()[0]
        self._text += data

    def handle_comment(self, data: str) -> None:
        self._flush()
        self.events.append((("comment", data), self.getpos()[0]))
