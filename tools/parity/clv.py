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


def run(insiders, lines, as_of, more=""):
    """`value.lifetime` of quality.json for invoice lines (customer, date, price)."""
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        sales, config = place / "sales.csv", place / "insiders.toml"
        with sales.open("w") as out:
            out.write("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n")
            for number, (customer, date, price) in enumerate(lines):
                out.write(f"{number},A1,cd,1,{date:%m/%d/%Y} 12:00,{price},{customer},US\n")
        # CDNOW has purchases of nothing.
        config.write_text(f"[cleaning]\nmin_unit_price = 0\n{more}")
        command = [insiders, "run", sales, "--dir", place / "data", "--config", config, "--as-of", as_of]
        subprocess.run([*command, "--no-publish", "--json"], check=True, stdout=subprocess.DEVNULL)
        (quality,) = place.glob("data/runs/*/quality.json")
        return json.loads(quality.read_text())["value"]["lifetime"]


def compare(title, ours, bgf, ggf, days):
    """One table; the number of parameters that differ in the third digit. `days` are in the
    package's unit of time."""
    print(f"{title}: {ours['customers']} customers, {ours['repeaters']} came again")
    print(f"{'parameter':<12}{'lifetimes':>16}{'insiders':>16}{'difference':>14}")
    theirs = {**bgf.params_, **ggf.params_}
    found = {**ours["bg_nbd"], **ours["gamma_gamma"]}
    missed = 0
    for name, reference in theirs.items():
        value = found[name] / (days if name == "alpha" else 1)
        apart = abs(value / reference - 1)
        bad = apart > 5e-4
        missed += bad
        print(f"{name:<12}{reference:>16.6f}{value:>16.6f}{apart:>14.1e}{'  DIFFERS' if bad else ''}")
    return missed


def transactions(insiders):
    """The sample's own transactions, by day, up to the end of the paper's calibration."""
    import pandas as pd
    from lifetimes.datasets import load_dataset
    from lifetimes.utils import summary_data_from_transaction_data

    names = ["master_id", "id", "date", "cds", "spent"]
    frame = load_dataset("CDNOW_sample.txt", header=None, names=names, sep=r"\s+")
    frame["date"] = pd.to_datetime(frame["date"].astype(str))
    end = "1997-09-30"
    table = summary_data_from_transaction_data(
        frame, "id", "date", monetary_value_col="spent", observation_period_end=end, freq="D"
    )
    bgf, ggf = fit(table["frequency"], table["recency"], table["T"], table["monetary_value"])
    lines = frame[["id", "date", "spent"]].itertuples(index=False)
    return compare("CDNOW_sample.txt, days", run(insiders, lines, end), bgf, ggf, 1)


def summary(insiders):
    """The packaged summary, in weeks: purchases that give its x, t_x, T and mean value."""
    import pandas as pd
    from lifetimes.datasets import load_cdnow_summary_data_with_monetary_value

    table = load_cdnow_summary_data_with_monetary_value()
    bgf, ggf = fit(table["frequency"], table["recency"], table["T"], table["monetary_value"])
    end = pd.Timestamp("1997-09-30")
    lines = []
    for customer, row in table.iterrows():
        repeats, last, age = int(row["frequency"]), round(row["recency"] * 7), round(row["T"] * 7)
        first = end - pd.Timedelta(days=age)
        lines.append((customer, first, 1.0))
        # The last on its day, the others on the first days after the first purchase.
        for day in [*range(1, repeats), last][:repeats]:
            lines.append((customer, first + pd.Timedelta(days=day), row["monetary_value"]))
    return compare("\nthe packaged summary, weeks", run(insiders, lines, f"{end:%Y-%m-%d}"), bgf, ggf, 7)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        import lifetimes  # noqa: F401
    except ImportError:
        inside_the_environment()
    if sys.argv[1] == "--shop":
        shop()
    else:
        insiders = Path(sys.argv[1]).resolve()
        sys.exit(1 if transactions(insiders) + summary(insiders) else 0)
