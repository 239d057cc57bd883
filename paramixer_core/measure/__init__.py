"""How long mixing really takes: sweeps over N on this machine, their fits, and predictions.

`sweep.py` measures, `record.py` and `files.py` hold what was measured, `fits.py` reads slopes and
crossings off it, `calibration.py` turns it into a model of this machine, `roofline.py` and
`accelerators.py` predict machines that are not here, `lesson.py` what a run will cost.

The set in `assets/benchmarks/cpu.json` was made by several calls of
`python -m paramixer_core.bench sweep FILE --device cpu --clock cpu`, each with its `--mixers`,
`--from`, `--to`, `--batch`, `--channels`, `--hidden`, `--blocks` or `--work`; the file says which.
No set of a GPU ships: none could be measured. On a machine with one, the same command makes it.
"""
