"""The real PCRE2, where this machine has its library: a check on pcre.py, which puts its dialect into Python's."""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import cache

UTF = 0x0008_0000
NO_MATCH = -1


@cache
def library() -> ctypes.CDLL | None:
    """Return libpcre2-8, or None if it is not installed."""
    name = ctypes.util.find_library("pcre2-8") or "libpcre2-8.so.0"
    try:
        found = ctypes.CDLL(name)
    except OSError:
        return None
    found.pcre2_compile_8.restype = ctypes.c_void_p
    found.pcre2_match_data_create_8.restype = ctypes.c_void_p
    return found


def searches(pattern: str, text: str) -> bool | None:
    """Return whether some part of a text matches, in UTF mode without UCP; None if PCRE2 refuses the pattern."""
    pcre = library()
    assert pcre is not None, "asked for before"
    source, subject = pattern.encode(), text.encode()
    problem, place = ctypes.c_int(), ctypes.c_size_t()
    code = pcre.pcre2_compile_8(
        source, ctypes.c_size_t(len(source)), ctypes.c_uint32(UTF), ctypes.byref(problem), ctypes.byref(place), None
    )
    if not code:
        return None
    room = pcre.pcre2_match_data_create_8(ctypes.c_uint32(1), None)
    found = pcre.pcre2_match_8(
        ctypes.c_void_p(code),
        subject,
        ctypes.c_size_t(len(subject)),
        ctypes.c_size_t(0),
        ctypes.c_uint32(0),
        ctypes.c_void_p(room),
        None,
    )
    pcre.pcre2_match_data_free_8(ctypes.c_void_p(room))
    pcre.pcre2_code_free_8(ctypes.c_void_p(code))
    assert found >= NO_MATCH, f"PCRE2 gave up with {found}"
    return bool(found >= 0)
