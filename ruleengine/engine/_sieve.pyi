from collections.abc import Callable

FORMAT: int

def is_program(program: bytes, fields: int) -> bool: ...

class Sieve:
    full: int
    lines: int
    def __init__(
        self,
        owners: bytes,
        free: bytes,
        automata: tuple[tuple[bytes, bytes, bytes, bytes], ...],
        programs: tuple[tuple[bytes, tuple[bytes, ...]], ...],
        ask_key: Callable[[bytes], tuple[int, bytes, bool, dict[bytes, bytes], dict[bytes, bytes]]],
        ask_plan: Callable[[bytes, int], bytes | None],
        ask_value: Callable[[bytes, bytes], bytes],
    ) -> None: ...
    def read(self, block: bytes, start: int) -> tuple[int, int]: ...
    def wanting(self, automaton: int) -> bytes | None: ...
    def hit(self, literal: int, start: int, end: int, *_: object) -> None: ...
    def left(self) -> list[tuple[int, int, int, tuple[int, ...] | None, tuple[int, ...]]]: ...
