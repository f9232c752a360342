"""Holds what a trainer drew against `realised.csv`: `compare.py FOLDER TRAINER PLAN LIMIT`, with the line of `count.py` on standard input.

Prints a row of the table of README.md; exit 1 where the two differ.
"""

import csv
import json
import sys

folder, trainer, plan, limit = sys.argv[1:]
counted = json.load(sys.stdin)
with open(f"{folder}/realised.csv", encoding="utf-8") as lines:
    told = list(csv.DictReader(line for line in lines if not line.startswith("#")))
# what reads files as they are leaves rows above the limit to its user
rows = {row["lang"]: int(row["rows_trained"] or row["rows_drawn"]) for row in told}
is_same = rows == counted["rows"]
tokens = {row["lang"]: int(row["tokens"]) for row in told}
if all(counted["tokens"].values()) and not any(int(row["rows_over_limit"]) for row in told):
    is_same = is_same and tokens == counted["tokens"]
of = lambda cells: " / ".join(str(cell) for cell in cells)
drawn = of(counted["rows"].get(lang, 0) for lang in rows)
cells = [trainer, counted["versions"], plan, limit, of(row["rows_drawn"] for row in told), of(row["rows_over_limit"] for row in told), drawn]
print("| " + " | ".join(cells) + f" | {'yes' if is_same else f'no: {of(rows.values())}, {tokens}, {counted}'} |")
sys.exit(not is_same)
