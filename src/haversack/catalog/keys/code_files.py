"""Reads files of codes slice by slice, and seals what is in them: any file takes the memory of one slice."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from haversack.catalog.keys.queries.codes import SealedCodes
from haversack.catalog.keys.rules import BAD_LINES_NAMED_MAX, BYTE_ORDER_MARK, LINE_BYTES_MAX, code_hash, code_of
from haversack.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Slice:
    """Some lines of a file: how many were not blank, the codes in them without repeats, and the lines without a code.

    bad_lines: the numbers of the first of these.
    """

    line_count: int
    codes: SealedCodes
    bad_lines: tuple[int, ...]
    bad_count: int

    @property
    def repeat_count(self) -> int:
        """How many codes stand in the slice once more."""
        return self.line_count - self.bad_count - len(self.codes.hashes)


class CodeFile:
    """A TXT or CSV file with a code on each line, read from its beginning. Its calls block: use them in a thread."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0)
        self._lines = self._read_lines()

    def count_lines(self) -> int:
        """How many lines are not blank; the file is at its beginning again afterwards."""
        count = sum(1 for _ in self._lines)
        self._file.seek(0)
        self._lines = self._read_lines()
        return count

    def read_slice(self, sealer: Sealer, project_id: int, *, lines_max: int) -> Slice | None:
        """The next lines of the file with their codes sealed; None at its end."""
        sealed: dict[bytes, bytes] = {}
        bad_lines: list[int] = []
        count = bad_count = 0
        for number, line in self._lines:
            count += 1
            code = None if line is None else code_of(line)
            if code is None:
                bad_count += 1
                if len(bad_lines) < BAD_LINES_NAMED_MAX:
                    bad_lines.append(number)
            else:
                hashed = code_hash(code, key=sealer.mac_key, project_id=project_id)
                if hashed not in sealed:
                    sealed[hashed] = sealer.seal_text(code)
            if count == lines_max:
                break
        if not count:
            return None
        return Slice(count, SealedCodes(list(sealed.values()), list(sealed)), tuple(bad_lines), bad_count)

    def _read_lines(self) -> Iterator[tuple[int, bytes | None]]:
        """The lines that are not blank, with their numbers; None for one that is too long to be a code."""
        number = 0
        while line := self._file.readline(LINE_BYTES_MAX):
            number += 1
            if number == 1:
                line = line.removeprefix(BYTE_ORDER_MARK)
            if len(line) == LINE_BYTES_MAX and not line.endswith(b"\n"):
                self._skip_line()
                yield number, None
            elif line.strip():
                yield number, line

    def _skip_line(self) -> None:
        while (rest := self._file.readline(LINE_BYTES_MAX)) and not rest.endswith(b"\n"):
            pass
