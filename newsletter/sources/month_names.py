"""What months are called in the languages of publishers. Pure.

From the Unicode CLDR (Unicode License V3, https://www.unicode.org/license.txt) as Babel 2.18 hands it over: the full
and the short names, alone and inside a date, in Czech, Danish, Dutch, English, French, German and Austrian German,
Italian, Norwegian, Polish, Portuguese, Russian, Spanish, Swedish and Turkish. A test compares them with Babel's.
"""

# ruff: noqa: RUF001 - Cyrillic letters are meant

from __future__ import annotations

import unicodedata

_NAMES = """
ene enero gen gennaio jan janeiro janner januar januari january janv janvier led leden ledna oca ocak sty styczen
stycznia янв январь января / feb febbraio febrero februar februari february fev fevereiro fevr fevrier lut lutego luty
sub subat uno unor unora февр февраль февраля / bre brezen brezna maart mar marca march marco mars mart marts marz
marzec marzo mrt мар март марта / abr abril apr april aprile avr avril dub duben dubna kwi kwiecien kwietnia nis nisan
апр апрель апреля / kve kveten kvetna mag maggio mai maio maj maja may mayo mayıs mei маи мая / cerven cervna cvn cze
czerwca czerwiec giu giugno haz haziran juin jun june junho juni junio июн июнь июня / cervence cervenec cvc juil
juillet jul julho juli julio july lip lipca lipiec lug luglio tem temmuz июл июль июля / ago agosto agu agustos aout
aug august augusti augustus sie sierpien sierpnia srp srpen srpna авг август августа / eyl eylul sep sept september
septembre septiembre set setembro settembre wrz wrzesien wrzesnia zar zari сент сентябрь сентября / eki ekim oct
october octobre octubre okt oktober ott ottobre out outubro paz pazdziernik pazdziernika rij rijen rijna окт октябрь
октября / kas kasım lis listopad listopada listopadu nov november novembre novembro noviembre нояб ноябрь ноября / ara
aralık dec december decembre des desember dez dezember dezembro dic dicembre diciembre gru grudnia grudzien pro
prosince prosinec дек декабрь декабря
"""
MONTHS = {name: number for number, names in enumerate(_NAMES.split("/"), start=1) for name in names.split()}
# In Croatian these are October, June and July: there, and where nobody knows, they mean no month.
_WEST_SLAVIC = {"lis", "listopad", "listopada", "lip", "srp"}
_WEST_SLAVIC_ZONES = ("Europe/Warsaw", "Europe/Prague")


def month_of(word: str, *, zone: str) -> int | None:
    """The number of the month a word means, without regard to case and accents, to a source in a zone of that name."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", word.casefold()) if letter.isalpha())
    return None if plain in _WEST_SLAVIC and zone not in _WEST_SLAVIC_ZONES else MONTHS.get(plain)
