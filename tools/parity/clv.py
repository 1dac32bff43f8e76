"""Lifetime values beside the package `lifetimes`.

    tools/parity/clv.py INSIDERS        its CDNOW sample through `INSIDERS run`, table and exit code
    tools/parity/clv.py --shop          reference figures of shared/src/value/tests.rs

`lifetimes` is installed into a virtual environment of its own, in the temporary directory.
"""

import json
import math
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

LIFETIMES = "lifetimes==0.11.3"
MASK = (1 << 64) - 1


def inside_the_environment():
    """Starts again where lifetimes is installed."""
    home = Path(tempfile.gettempdir()) / "insiders-clv-venv"
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "-q", LIFETIMES], check=True)
    sys.exit(subprocess.run([python, "-W", "ignore", __file__, *sys.argv[1:]]).returncode)


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


class Draws:
    def __init__(self, number):
        self.state = mix(number)

    def unit(self):
        self.state = (self.state + 1) & MASK
        return ((mix(self.state) >> 11) + 0.5) / 9007199254740992.0

    def exponential(self):
        return -math.log(self.unit())


def customer(number):
    draws = Draws(number)
    age = 100.0 + math.floor(600.0 * draws.unit())
    rate = draws.exponential() / 40.0
    leaves = 1.0 - math.exp(math.log(draws.unit()) / 4.0)
    spread = (draws.exponential() + draws.exponential() + draws.exponential()) / 30.0
    time, last, repeats, spent = 0.0, 0.0, 0, 0.0
    while True:
        time += draws.exponential() / rate
        if time >= age:
            break
        if math.floor(time) > last:
            last = float(math.floor(time))
            repeats += 1
            spent += (draws.exponential() + draws.exponential()) / spread
        if draws.unit() < leaves:
            break
    return repeats, last, age, spent / repeats if repeats else 0.0


def fit(frequency, recency, age, monetary, penalizer=0.0):
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    bgf = BetaGeoFitter(penalizer_coef=penalizer).fit(frequency, recency, age, tol=1e-8)
    again = (frequency > 0) & (monetary > 0)
    ggf = GammaGammaFitter(penalizer_coef=penalizer).fit(frequency[again], monetary[again], tol=1e-8)
    return bgf, ggf


def shop():
    import numpy as np

    x, recency, age, mean = (np.array(c, float) for c in zip(*map(customer, range(4000))))
    print(f"{len(x)} customers, {int((x > 0).sum())} came again, {int(x.sum())} repeat days, mean {mean[x > 0].mean():.9f}")
    for penalizer in (0.0, 0.01):
        bgf, ggf = fit(x, recency, age, mean, penalizer)
        print(f"penalizer {penalizer}")
        print("  bg_nbd", {k: round(float(v), 9) for k, v in bgf.params_.items()})
        weights = np.ones_like(x)
        logs = np.log(bgf.params_.to_numpy())
        print("  log-likelihood", round(-len(x) * float(bgf._negative_log_likelihood(logs, x, recency, age, weights, 0)), 6))
        print("  gamma_gamma", {k: round(float(v), 9) for k, v in ggf.params_.items()})
        if penalizer:
            continue
        visits = [(0, 0, 0), (0, 0, 400), (1, 3, 350), (4, 200, 230), (30, 400, 420), (30, 200, 420), (2, 600, 600)]
        for n, last, old in visits:
            alive = float(np.ravel(bgf.conditional_probability_alive(n, last, old))[0])
            year = float(np.ravel(bgf.conditional_expected_number_of_purchases_up_to_time(365, n, last, old))[0])
            print(f"  {n, last, old}: p_alive {alive:.9f} expected {year:.9f} worth {float(ggf.conditional_expected_average_profit(np.array([n]), np.array([50.0]))[0]):.9f}")
        import pandas as pd
        clv = ggf.customer_lifetime_value(bgf, pd.Series(x), pd.Series(recency), pd.Series(age), pd.Series(mean), time=12, discount_rate=0.01, freq="D")
        print("  clv", [round(float(v), 6) for v in clv[:6]], "sum", round(float(clv.sum()), 4))


if __name__ == "__main__":
    try:
        import lifetimes  # noqa: F401
    except ImportError:
        inside_the_environment()
    if sys.argv[1:] == ["--shop"]:
        shop()
