"""A publisher's weekly highlights newsletter that runs itself. The map, in the order in which the data flows:

    issue, letter           pure nouns: an Article, a Pick, an Issue; a Letter and its bytes on the wire
    characters, links       pure: which characters may stand where; usable and comparable web addresses
    image_types, slots      pure: which pictures are kept; which moments of publication exist
    settings, options       newsletter.toml → Settings; the keys of one table, read and refused
    errors                  what is refused, in one family
    database, locks, fetch  the only Engine, with its migrations; who is alive; the only outgoing HTTP
    sources → shelf         where articles come from; where they are kept under all their names
    highlights              which of them are this week's best, and why (pure)
    rendering               templates → one Letter, CSS inlined once; check → findings
    decisions, review_links the log of the editors' decisions; their links to the review page
    issues                  issue rows, their states, the frozen picks and Letters
    past_issues             what earlier issues chose from and kept
    copies                  whether the database is a backup that was put back
    backends ← sending      hand over messages; ledger, delivery, outbox, pace
    weekly, ticker          the job and its verdict; when it is due
    child_process           a send or a pull beside the pages, in a process of its own
    review                  the editor's page, which both of these serve
    preview, web            the local live page; the public pages
    app, cli                makes one project of all these; the commands
    project_files, demo     what a new project begins with; the magazine that does not exist

Who may read the letter is not known here: that is the package `subscribers`. docs/architecture.md says who may import
whom.
"""

__version__ = "0.1.0"
