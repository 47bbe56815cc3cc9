"""Credit applications made up from a seed, in the columns of IBM's German credit risk data set.

For the demo, benchmarks and tests where no data file is at hand. The distributions are this module's own; `Risk`
depends on the other columns, so that a model finds something to learn.
"""

import csv
import math
import random
from collections.abc import Sequence
from pathlib import Path

COLUMNS = (
    "CheckingStatus",
    "LoanDuration",
    "CreditHistory",
    "LoanPurpose",
    "LoanAmount",
    "ExistingSavings",
    "EmploymentDuration",
    "InstallmentPercent",
    "Sex",
    "OthersOnLoan",
    "CurrentResidenceDuration",
    "OwnsProperty",
    "Age",
    "InstallmentPlans",
    "Housing",
    "ExistingCreditsCount",
    "Job",
    "Dependents",
    "Telephone",
    "ForeignWorker",
)
"""The features, in the order of the data set."""

NUMERIC_COLUMNS = (
    "LoanDuration",
    "LoanAmount",
    "InstallmentPercent",
    "CurrentResidenceDuration",
    "Age",
    "ExistingCreditsCount",
    "Dependents",
)
"""The seven whole numbers: months, currency units, percent of income, years, years, credits, people."""

CATEGORICAL_COLUMNS = tuple(name for name in COLUMNS if name not in NUMERIC_COLUMNS)
TARGET = "Risk"
LABELS = ("No Risk", "Risk")

_CATEGORIES: dict[str, dict[str, int]] = {
    "CheckingStatus": {"no_checking": 8, "less_0": 5, "0_to_200": 5, "greater_200": 2},
    "CreditHistory": {
        "prior_payments_delayed": 6,
        "credits_paid_to_date": 6,
        "outstanding_credit": 4,
        "all_credits_paid_back": 3,
        "no_credits": 1,
    },
    "LoanPurpose": {
        "car_new": 4,
        "car_used": 4,
        "furniture": 4,
        "radio_tv": 3,
        "appliances": 2,
        "repairs": 2,
        "business": 1,
        "education": 1,
        "retraining": 1,
        "vacation": 1,
        "other": 1,
    },
    "ExistingSavings": {"less_100": 7, "100_to_500": 5, "500_to_1000": 4, "greater_1000": 2, "unknown": 2},
    "EmploymentDuration": {"unemployed": 1, "less_1": 4, "1_to_4": 6, "4_to_7": 5, "greater_7": 4},
    "Sex": {"female": 1, "male": 1},
    "OthersOnLoan": {"none": 16, "co-applicant": 3, "guarantor": 1},
    "OwnsProperty": {"real_estate": 4, "savings_insurance": 6, "car_other": 6, "unknown": 4},
    "InstallmentPlans": {"none": 14, "stores": 4, "bank": 2},
    "Housing": {"own": 12, "rent": 5, "free": 3},
    "Job": {"skilled": 13, "unskilled": 3, "management_self-employed": 3, "unemployed": 1},
    "Telephone": {"none": 11, "yes": 9},
    "ForeignWorker": {"yes": 19, "no": 1},
}
_RANGES: dict[str, tuple[int, int, int]] = {  # lowest, most frequent, highest
    "LoanDuration": (4, 18, 60),
    "LoanAmount": (250, 1500, 11000),
    "InstallmentPercent": (1, 3, 6),
    "CurrentResidenceDuration": (1, 3, 6),
    "Age": (19, 32, 74),
    "ExistingCreditsCount": (1, 1, 4),
    "Dependents": (1, 1, 2),
}
_RISK_OF: dict[str, dict[str, float]] = {  # in log-odds
    "CheckingStatus": {"less_0": -0.6, "no_checking": 0.9},
    "CreditHistory": {"outstanding_credit": 0.8, "no_credits": -0.8},
    "ExistingSavings": {"greater_1000": 0.7, "less_100": -0.5},
    "EmploymentDuration": {"greater_7": 0.7, "less_1": -0.5},
    "OthersOnLoan": {"co-applicant": 0.6},
}

Value = str | int
Row = tuple[Value, ...]


def rows(n_rows: int, seed: int = 0) -> list[Row]:
    """Return n rows of 20 cells, in the order of `COLUMNS`; the same ones for the same seed."""
    return [row[:-1] for row in labelled_rows(n_rows, seed)]


def labelled_rows(n_rows: int, seed: int = 0) -> list[Row]:
    """Return n rows of 21 cells: `COLUMNS`, then `TARGET`; the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - sample data, no secret
    return [_labelled_row(chance) for _ in range(n_rows)]


def numeric_cells(row: Sequence[Value]) -> list[int]:
    """Pick the cells of `NUMERIC_COLUMNS`, in their order, from a row in the order of `COLUMNS`."""
    return [int(row[COLUMNS.index(name)]) for name in NUMERIC_COLUMNS]


def write_csv(path: Path, n_rows: int, seed: int = 0) -> None:
    """Write a header and n labelled rows, as the data set's own file has them."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*COLUMNS, TARGET))
        writer.writerows(labelled_rows(n_rows, seed))


def _labelled_row(chance: random.Random) -> Row:
    values = {name: _value(name, chance) for name in COLUMNS}
    probability = 1 / (1 + math.exp(-_log_odds(values)))
    return (*values.values(), LABELS[chance.random() < probability])


def _value(name: str, chance: random.Random) -> Value:
    if name in _RANGES:
        low, mode, high = _RANGES[name]
        return round(chance.triangular(low, high, mode))
    weights = _CATEGORIES[name]
    return chance.choices(list(weights), list(weights.values()))[0]


def _log_odds(values: dict[str, Value]) -> float:
    categorical = sum(effects.get(str(values[name]), 0.0) for name, effects in _RISK_OF.items())
    duration, amount, age = (float(values[name]) for name in ("LoanDuration", "LoanAmount", "Age"))
    return categorical - 2.9 + duration / 30 + amount / 5000 - (age - 40) / 40
