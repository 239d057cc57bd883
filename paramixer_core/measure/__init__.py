"""How long mixing really takes: sweeps over N on this machine, their fits, and predictions.

`sweep.py` measures, `record.py` and `files.py` hold what was measured, `fits.py` reads slopes and
crossings off it, `calibration.py` turns it into a model of this machine, `roofline.py` and
`accelerators.py` predict machines that are not here, `lesson.py` what a run will cost.
"""
