"""How long mixing really takes: sweeps over N on this machine, their fits, and predictions.

`sweep.py` measures, `record.py` and `files.py` hold what was measured, `fits.py` reads slopes and
crossings off it, `calibration.py` turns it into a model of this machine, `roofline.py` and
`accelerators.py` predict machines that are not here, `lesson.py` what a run will cost.

The set in `assets/benchmarks/cpu.json` is made by one command, in half an hour on a quiet machine:
`python -m paramixer_core.bench sweep assets/benchmarks/cpu.json --shipped`; `shipped.py` says what
it measures. No set of a GPU ships: none could be measured. On a machine with one,
`python -m paramixer_core.bench sweep FILE --mixers all --device cuda` makes it.
"""
