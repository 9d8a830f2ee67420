"""Every figure in the docs comes from a script here. `python -m benchmarks` runs them all.

    send       messages a second, CPU and memory of a send, beside smtp-source and the naive way
    render     what making a letter costs once, and what addressing it costs per recipient
    choose     the choice among 10,000 articles
    selection  how often the choice is the editor's own
    slots      one issue a week, wherever clocks change

`example` is the project they send, `contenders` the programs that are measured, `measure` and `sink` the measuring.
Nothing leaves the machine: every server is on 127.0.0.1, is started here and ended here.
"""
