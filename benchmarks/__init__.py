"""How fast slim runs beside other engines, measured on this machine in one command: `python -m benchmarks`.

Networks come from `networks`, each engine into a virtual environment of its own by `environments`, and is spoken to
through a worker process (`engines/`, `worker`). `measure` lets them take turns, `figures` compares them, `report` and
`chart` write down what came out. `layers` is about slim alone: each layer's time beside what the machine could do.
"""
