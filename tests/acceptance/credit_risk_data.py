"""The acceptance data: credit-risk rows, from the file where there is one, else made up."""

import csv
import os
from pathlib import Path

from msgspec import Struct

from adapters.testing import credit_risk
from adapters.testing.credit_risk import COLUMNS, NUMERIC_COLUMNS, Value
from tests.acceptance.environments import PROJECT

N_ROWS = 5000
SHARED_FILE = PROJECT.parent / "shared" / "data" / "credit_risk.csv"


class CreditRisk(Struct, frozen=True):
    """The file and its rows, in the order of `adapters.testing.credit_risk.COLUMNS`, without the target."""

    file: Path
    rows: list[list[Value]]


def credit_risk_data(folder: Path) -> CreditRisk:
    """Return the rows of `CREDIT_RISK_CSV`, else of the shared file, else 5,000 made up in `folder`."""
    file = Path(os.environ.get("CREDIT_RISK_CSV", SHARED_FILE))
    if "CREDIT_RISK_CSV" not in os.environ and not file.exists():
        file = folder / "credit_risk.csv"
        credit_risk.write_csv(file, N_ROWS)
    with file.open(encoding="utf-8", newline="") as opened:
        return CreditRisk(file, [[_cell(row, name) for name in COLUMNS] for row in csv.DictReader(opened)])


def _cell(row: dict[str, str], name: str) -> Value:
    return int(row[name]) if name in NUMERIC_COLUMNS else row[name]
