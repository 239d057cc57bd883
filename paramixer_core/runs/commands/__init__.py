"""The commands of `python -m paramixer_core.runs`, by what they do."""
