"""How single numbers read: hops, shares, terms of a sum."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # loading it takes PyTorch, which pages without ranks need not wait for
    from paramixer_core.analysis.rank import RankReport


def numeral(value: float, digits: int = 3) -> str:
    """A number to some significant digits, with a true minus sign, a short exponent and no −0.

    >>> [numeral(value) for value in (12.345, -0.5, 4113.0, 1.5e7, -2e-9, -0.0, math.inf)]
    ['12.3', '−0.5', '4,110', '1.5e7', '−2e−9', '0', '∞']
    """
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    rounded = float(f"{value:.{digits}g}")
    if 1e3 <= abs(rounded) < 1e7 and rounded.is_integer():
        return f"{rounded:,.0f}".replace("-", "−")
    text = f"{value + 0.0:.{digits}g}"  # adding zero turns −0 into 0
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}{e}{int(exponent)}".replace("-", "−") if e else text.replace("-", "−")


def ten_to(exponent: int) -> str:
    """A power of ten.

    >>> ten_to(-12), ten_to(3)
    ('10⁻¹²', '10³')
    """
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def fixed(value: float, decimals: int, *, sign: bool = False) -> str:
    """A number to some decimals, with a true minus sign and no −0; `sign` writes a plus as well.

    >>> fixed(-0.456, 2), fixed(-0.001, 2), fixed(0.5, 1, sign=True)
    ('−0.46', '0.00', '+0.5')
    """
    rounded = round(value, decimals) + 0.0
    text = f"{rounded:+.{decimals}f}" if sign and rounded else f"{rounded:.{decimals}f}"
    return text.replace("-", "−")


def condition(report: "RankReport") -> str:
    """A condition number, where the precision of the matrix can tell it from an infinite one."""
    if report.deficient:
        return "infinite at this precision"
    return numeral(report.condition_number)


def hops(count: float) -> str:
    """A number of hops, whole or on average.

    >>> [hops(count) for count in (4.0, 2.1333333, float("inf"))]
    ['4', '2.133', '∞']
    """
    return "∞" if math.isinf(count) else f"{count:.4g}"


def percent(share: float) -> str:
    """A share as a percentage; 100 % and 0 % only where it is exactly that.

    >>> [percent(share) for share in (0.0, 0.5, 0.99999, 1.0)]
    ['0 %', '50 %', 'more than 99.9 %', '100 %']
    """
    if share in (0.0, 1.0):
        return f"{share:.0%}".replace("%", " %")
    if share > 0.999:
        return "more than 99.9 %"
    return "less than 0.1 %" if share < 0.001 else f"{100 * share:.3g} %"


def aligned(values: Sequence[float]) -> list[str]:
    """Numbers with as many decimals as give the largest six significant digits, so that a sum on
    the screen adds up.

    >>> aligned([0.6746085, 0.9969057, -0.3222972])
    ['0.674609', '0.996906', '−0.322297']
    """
    most = max(map(abs, values))
    if most == 0 or not math.isfinite(most):
        return [f"{value:g}" for value in values]
    decimals = max(0, 5 - math.floor(math.log10(most)))
    if decimals > 9:
        return [f"{value:.5e}".replace("-", "−") for value in values]
    return [f"{value:.{decimals}f}".replace("-", "−") for value in values]


def not_finite(values: NDArray[np.float32]) -> str:
    """How many numbers of a matrix have no size, as a further sentence; nothing if all have.

    >>> not_finite(np.array([1.0, np.nan, np.inf], dtype=np.float32))
    ' **2 of 3 numbers are not finite** (NaN or infinite): this network has diverged.'
    """
    odd = int((~np.isfinite(values)).sum())
    if not odd:
        return ""
    numbers = f"{odd:,} of {values.size:,} numbers are not finite"
    return f" **{numbers}** (NaN or infinite): this network has diverged."
