"""A small canvas of braille dots, two by four in each cell of a terminal; single points where braille is missing."""

from __future__ import annotations

from itertools import pairwise

__all__ = ["Canvas"]

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a cell: row, then column (Unicode 2800-28FF)


class Canvas:
    """So many cells; dots are counted from the top left, `2 * columns` by `4 * rows` of them."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._cells = [[0] * columns for _ in range(rows)]

    def dot(self, x: int, y: int) -> None:
        """Set one dot; outside the canvas nothing happens."""
        if 0 <= x < 2 * self.columns and 0 <= y < 4 * self.rows:
            self._cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]

    def line(self, points: list[tuple[int, int]]) -> None:
        """Join dots in their order."""
        for x, y in points[:1]:
            self.dot(x, y)
        for (x0, y0), (x1, y1) in pairwise(points):
            steps = max(abs(x1 - x0), abs(y1 - y0), 1)
            for step in range(1, steps + 1):
                self.dot(round(x0 + (x1 - x0) * step / steps), round(y0 + (y1 - y0) * step / steps))

    def row(self, number: int, *, braille: bool = True, empty: str = " ") -> str:
        """Return a row of cells as text; a cell without a dot is `empty`."""
        if braille:
            return "".join(chr(0x2800 + cell) if cell else empty for cell in self._cells[number])
        return "".join("•" if cell else empty for cell in self._cells[number])
