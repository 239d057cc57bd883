"""How fast the mixing operator and whole training steps are on this machine, next to rivals.

`python -m paramixer_core.bench` measures and prints; `cases.py` says what, `runner.py` how. Every
row of a group runs in turn, again and again, so that a busy machine is busy for all alike, and
ratios within a group are to be trusted before times. Rows for a GPU appear where there is one;
none has been measured yet: the Triton kernels were run in the interpreter and compiled only.
"""
