"""Who reads the demo: twenty-five people in every state of consent, with names as hard to print as real ones. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class DemoReader:
    """A reader to put into the Book. `reason` is why a suppressed address must never be mailed; else empty."""

    email: str
    name: str
    language: str
    state: Literal["active", "pending", "unsubscribed", "suppressed"]
    reason: str = ""


_ACTIVE = (
    ("ada@harbourlight.example", "Ada Fernsby", "en"),
    ("bjorn@fjordpost.example", "Bjørn Åsgårdsen", "nb"),
    ("zoe.noel@cafedesquais.example", "Zoë Noël-Lefèvre", "fr"),
    ("hana@tsuki.example", "月野 花", "ja"),
    ("jiwon@dalbit.example", "달빛 지원", "ko"),
    ("xiaoyu@lantern.example", "林小雨", "zh-Hans"),
    ("nour@qamar.example", "نور القمر", "ar"),
    ("talia@yareach.example", "טליה לבנה", "he"),
    ("siobhan.o'dea@pilotstair.example", "Siobhán O’Dea", "en"),
    ("ipek@iskele.example", "İpek Işıldak", "tr"),  # noqa: RUF001 - Turkish has two letters i
    ("liway@depot61.example", "Liway Bituin Dela Rosa", "fil"),
    ("thorsteinn@langholt.example", "Þorsteinn Eldjárnsson", "is"),
    (
        "hubert@longnames.example",
        "Hubertus Maximilian Alexander Freiherr von und zu Hohenschlummerberg-Untertannenwaldhausen der Jüngere",
        "de",
    ),
    ("purser+tramlight@patience.example", "The Purser", "en"),
    ("Wilhelmina.Tarn@foley.example", "Wilhelmina Tarn", "en"),
    ("quietcarriage@number9.example", "", "en"),
    ("jorge@candlebridge.example", "Jorge “Tuba” Peixoto", "pt"),
    ("fergus.and.mo@ropewalk.example", "Fergus & Mo <at number four>", "en"),
)

_PENDING = (
    ("newcomer@quaynine.example", "Philippa Newcombe", "en"),
    ("agnieszka@zorza.example", "Agnieszka Zorzyńska", "pl"),
    ("maybe@lampwick.example", "", "en"),
)

_UNSUBSCRIBED = (
    ("toomuchmail@breakwater.example", "Rupert Silt", "en"),
    ("helene@minuit.example", "Hélène Minuit", "fr"),
    ("gone.fishing@lighthouse.example", "Old Tam", "en"),
)


def subscribers() -> tuple[DemoReader, ...]:
    """18 active readers, 3 pending, 3 unsubscribed and 1 suppressed."""
    return (
        *(DemoReader(email, name, language, "active") for email, name, language in _ACTIVE),
        *(DemoReader(email, name, language, "pending") for email, name, language in _PENDING),
        *(DemoReader(email, name, language, "unsubscribed") for email, name, language in _UNSUBSCRIBED),
        DemoReader("crosspatch@icehouse.example", "Crispin Gall", "en", "suppressed", "complaint"),
    )
