"""The half that sends: it reads the database only — no template, no shelf, no settings of looks.

    states       the table of a delivery's states (pure)
    tables       what is kept
    steps        the table of states as SQL: the one way to change a state, and the end of a dead worker's claims
    audience     the recipients of an issue, frozen in one statement
    ledger       a row per recipient per issue, and per single mail: claim, intend, record
    group_commit the changes of many lanes, committed as one
    workers      who is sending, proved by a lock
    addressing   a Letter and a recipient → the Message
    outbox       single mails, written in the transaction that causes them
    alerts       what the operator is told
    pace         how fast, over all workers together
    tally        what a run has done, and when its answers can only be about the sender
    lanes        claim → offer → intend → hand over → record, over one connection
    delivery     a lane per connection, until nothing is due
    sender       a frozen issue, from its first message to its closing
    audit        every sum, recomputed

The promise (docs/architecture.md): kill any process at any moment; every recipient frozen into an issue ends in exactly
one listed state, at most one recipient per open connection is in doubt, and who was ever in doubt stays named.
"""
