"""What people bring: weights, whole data sets of sequences, and single typed sequences.

Nothing that is uploaded is ever executed or unpickled. Every limit is checked before memory is
taken, and whatever is wrong is said in one sentence (a ParamixerError).
"""
