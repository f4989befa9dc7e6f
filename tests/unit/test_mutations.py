"""Mutants are only worth something while they find their place; `make proof` then proves that they die."""

from __future__ import annotations

import ast
import difflib
from pathlib import Path

import pytest

from tests.proof.mutations import MUTANTS
from tests.proof.source_edits import Edit, PlaceNotFound, clause, edited, expression, statement

ROOT = Path(__file__).parents[2]
SOURCE = '''\
class Shop:
    def sell(self, goods: str) -> None:
        """Sells goods: DELETE FROM shelf."""
        self.cart.add(goods, price=12, note="ä")
        if 0 <= len(goods) < 5 and self.open:
            self.till.close(
                goods,
                at="Köln",
            )

    def clean(self) -> str:
        where = f"WHERE {self.key} = 1"
        return "SELECT FROM shelf WHERE EXISTS (" "SELECT FROM dust) " f"{where} ORDER BY day"
'''


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shops").mkdir()
    (tmp_path / "shops" / "__init__.py").touch()
    (tmp_path / "shops" / "shop.py").write_text(SOURCE)
    return tmp_path


def changes(root: Path, where: str, *edits: Edit) -> list[str]:
    """The lines that the edits remove (-) and add (+)."""
    [text] = edited(root, where, edits).values()
    ast.parse(text)
    lines = difflib.unified_diff(SOURCE.split("\n"), text.split("\n"), n=0, lineterm="")
    return [line for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")]


@pytest.mark.parametrize("name", MUTANTS)
def test_each_mutant_finds_one_place_and_names_tests_that_exist(name: str) -> None:
    mutant = MUTANTS[name]
    [(path, text)] = edited(ROOT, mutant.where, mutant.edits).items()
    if path.suffix == ".sql":
        assert text != path.read_text()
    else:
        assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(path.read_text()))
    for test in mutant.tests.split():
        file, _, function = test.partition("::")
        assert f"def {function.partition('[')[0]}(" in (ROOT / file).read_text(), (
            f"{name}: there is no {test}"
        )


@pytest.mark.parametrize(
    ("find", "becomes", "changed"),
    [
        ("len(...) < 9", "", None),
        ("0 <= ... < 5", "True", ["        if True and self.open:"]),
        ("0 <= ... and ...", "", None),
        ("self.open", "False", ["        if 0 <= len(goods) < 5 and False:"]),
        ("price=12", "price=13", ['        self.cart.add(goods, price=13, note="ä")']),
        ('note="ä"', "note=''", ["        self.cart.add(goods, price=12, note='')"]),
        ("self.cart.add(..., note='ä')", "self.buy()", ["        self.buy()"]),
        ("self.cart.add(goods)", "", None),
    ],
)
def test_expression_is_found_whatever_its_layout(
    shop: Path, find: str, becomes: str, changed: list[str] | None
) -> None:
    edit = expression(find, becomes)
    if changed is None:
        with pytest.raises(PlaceNotFound, match="contains it 0 times"):
            edited(shop, "shops.shop:Shop.sell", [edit])
    else:
        found = changes(shop, "shops.shop:Shop.sell", edit)
        assert [line[1:] for line in found if line[0] == "+"] == changed


def test_statement_is_removed_or_wrapped_with_its_lines(shop: Path) -> None:
    wrapped = statement("self.till.close", "try:\n    {statement}\nfinally:\n    self.rest()")
    assert [line[1:] for line in changes(shop, "shops.shop:Shop.sell", wrapped) if line[0] == "+"] == [
        "            try:",
        "                self.till.close(",
        "                    goods,",
        '                    at="Köln",',
        "                )",
        "            finally:",
        "                self.rest()",
    ]
    removed = changes(shop, "shops.shop:Shop.sell", statement("self.cart.add(...)"))
    assert removed == ['-        self.cart.add(goods, price=12, note="ä")', "+        pass"]


def test_clause_is_found_across_literals_and_not_in_docstrings(shop: Path) -> None:
    [_, line] = changes(shop, "shops", clause("WHERE EXISTS (SELECT FROM dust)", "WHERE true"))
    assert line == '+        return "SELECT FROM shelf WHERE true" " " f"{where} ORDER BY day"'
    with pytest.raises(PlaceNotFound, match="contains it 0 times"):
        edited(shop, "shops", [clause("DELETE FROM shelf", "")])


def test_clause_of_several_statements_is_replaced_in_each(shop: Path) -> None:
    several = clause("SELECT FROM", "SELECT 1 FROM", several=True)
    [_, line] = changes(shop, "shops", several)
    assert line.count("SELECT 1 FROM") == 2
    with pytest.raises(PlaceNotFound, match="contains it 0 times"):
        edited(shop, "shops", [clause("DELETE FROM", "", several=True)])


def test_error_says_what_was_looked_for_and_where(shop: Path) -> None:
    with pytest.raises(
        PlaceNotFound, match=r"shops.shop:Shop.sell must contain this expression once, .* 3 times"
    ):
        edited(shop, "shops.shop:Shop.sell", [expression("goods", "")])
    with pytest.raises(PlaceNotFound, match=r"shop.py:4, shop.py:5, shop.py:7\): goods"):
        edited(shop, "shops.shop:Shop.sell", [expression("goods", "")])
    with pytest.raises(PlaceNotFound, match=r"shops.shop has no Shop.buy"):
        edited(shop, "shops.shop:Shop.buy", [expression("goods", "")])
    with pytest.raises(PlaceNotFound, match=r"there is no module shops.market"):
        edited(shop, "shops.market:sell", [expression("goods", "")])
