"""A publisher's weekly highlights newsletter that runs itself. The map, in the order in which the data flows:

    issue, letter          pure nouns: an Article, a Pick, an Issue; a Letter and its bytes on the wire
    characters, image_types, links   pure: what may stand where, kinds of picture, usable and comparable web addresses
    slots                  pure: which moments of publication exist
    settings, errors       newsletter.toml → Settings; what is refused, in one family
    database, fetch        the only Engine, with migrations and locks beside it; the only outgoing HTTP
    sources → shelf        where articles come from; where they are kept under all their names
    highlights             which of them are this week's best, and why (pure)
    rendering              templates → one Letter, CSS inlined once; check → findings
    issues                 issue rows, their states, the frozen picks and Letters
    backends ← sending     hand over messages; ledger, delivery, outbox, pace
    weekly, ticker         the job, and when it is due
    preview, web           the local live page; the public pages and hooks
    app, cli               the only file that knows everybody; the commands
    project_files, demo    what a new project begins with; the magazine that does not exist

Who may read the letter is not known here: that is the package `subscribers`.
"""

__version__ = "0.1.0"
