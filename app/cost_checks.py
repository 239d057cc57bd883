"""How well the machine's model foretold the points that it was not fitted to, as rows."""

from app import names
from paramixer_core.measure.calibration import Check, median_error

LEAST_CHECKED, MOST_CHECKED = 2**8, 2**13


def between(checks: list[Check]) -> list[Check]:
    """Those of the lengths for which the model is meant."""
    return [one for one in checks if LEAST_CHECKED <= one.sample.config.seq_len <= MOST_CHECKED]


def check_rows(checks: list[Check]) -> list[dict[str, str]]:
    """Per mixer: how many points, the median error, the largest."""
    titles = names.mixer_titles(wired=False)
    rows = []
    for mixer in titles:
        own = between([one for one in checks if one.sample.config.mixer == mixer])
        error = median_error(own)
        if error is None:
            continue
        worst = max(own, key=lambda one: abs(one.error))
        rows.append(
            {
                "Mixer": titles[mixer],
                "points": f"{len(own)}",
                "median error": f"{error:.0%}",
                "largest error": f"{worst.error:+.0%} at N = {worst.sample.config.seq_len:,}",
            }
        )
    return rows
