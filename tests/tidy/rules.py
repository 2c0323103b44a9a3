"""The rules of the house that a machine can check, one function each. See docs/ARCHITECTURE.md."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from source import Source

# The arrows: what each folder may include besides itself. CMakeLists.txt links by the same ones.
ARROWS = {
    "base": [],
    "config": ["base"],
    "persistence": ["config", "base"],
    "tls": ["config", "base"],
    "pool": ["tls", "config", "base"],
    "proxy": ["pool", "persistence", "tls", "config", "base"],
    "l4": ["pool", "persistence", "config", "base"],
    "ha": ["persistence", "config", "base"],
    "admin": ["proxy", "l4", "ha", "pool", "persistence", "tls", "config", "base"],
    "app": ["admin", "proxy", "l4", "ha", "pool", "persistence", "tls", "config", "base"],
}
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100
# awaitable.hpp includes any_io_executor.hpp itself, so that one costs nothing more.
LIGHT_ASIO = {f"boost/asio/{name}.hpp" for name in ("awaitable", "buffer", "any_io_executor")}
HEAVY = re.compile(r'^(boost/(asio|beast)|openssl/|llhttp|nghttp2|yaml-cpp/|nlohmann/|CLI/)')


@dataclass(frozen=True)
class Broken:
    line: int
    what: str
    cure: str


def arrow_table() -> str:
    rows = [f"    {folder:12}-> {' '.join(may) or 'nothing of ours'}"
            for folder, may in ARROWS.items()]
    return "\n".join(["the arrows (a folder may include itself and):", *rows])


def tested_folder(source: Source) -> str:
    """"pool" for tests/unit/pool/x_test.cpp; else the file's own folder."""
    parts = source.path.split("/")
    return parts[2] if parts[:2] == ["tests", "unit"] and len(parts) > 3 else source.folder


def arrows(source: Source) -> Iterator[Broken]:
    folder = tested_folder(source)
    for include in source.includes:
        if not include.quoted:
            continue
        target = include.path.split("/")[0]
        if "/" not in include.path or include.path.startswith("."):
            yield Broken(include.line, f'"{include.path}" is not a path from the top of the tree',
                         'write it as "folder/file.hpp"')
        elif folder in ARROWS and target in ARROWS:
            if target != folder and target not in ARROWS[folder]:
                yield Broken(include.line,
                             f"{folder} includes {include.path}: no arrow {folder} -> {target}",
                             "pass it in from app, or move the type down")
        elif target not in ARROWS and target not in ("tests", "bench"):
            yield Broken(include.line, f'"{include.path}" is in no folder of the house',
                         "add the folder to ARROWS in tests/tidy/rules.py")


def config_by_model(source: Source) -> Iterator[Broken]:
    if source.folder in ("config", "app", "tests", "bench", ""):
        return
    for include in source.includes:
        if include.quoted and include.path.startswith("config/") \
                and include.path != "config/model.hpp":
            yield Broken(include.line, f"{source.folder} includes {include.path}",
                         'outside config/ and app/ include only "config/model.hpp"')


def file_size(source: Source) -> Iterator[Broken]:
    if len(source.lines) > FILE_LINES_MAX:
        yield Broken(len(source.lines), f"{len(source.lines)} lines, {FILE_LINES_MAX} are allowed",
                     "split the file by noun")


def function_size(source: Source) -> Iterator[Broken]:
    for function in source.functions:
        if function.lines > FUNCTION_LINES_MAX:
            yield Broken(function.line, f"{function.name} has {function.lines} lines, "
                         f"{FUNCTION_LINES_MAX} are allowed",
                         "keep the ifs in the caller, move the arithmetic to helpers")


def own_header(source: Source) -> str:
    """A .cpp or a test that begins with this header leaves the words to it."""
    path = source.path.removeprefix("tests/unit/").removesuffix(".cpp").removesuffix("_test")
    return f"{path}.hpp"


def first_line(source: Source) -> Iterator[Broken]:
    lines = [line for line in source.lines if not line.startswith("#!")] or [""]
    if source.is_python:
        good = lines[0].startswith(("#", '"""'))
    else:
        good = lines[0].startswith("// ") or \
            lines[0] == f'#include "{own_header(source)}"'
    if not good:
        yield Broken(1, "the first line does not say what the file is for",
                     "begin with one sentence as a comment")


def pragma_once(source: Source) -> Iterator[Broken]:
    if source.is_header and "#pragma once" not in source.code_lines:
        yield Broken(1, "a header without #pragma once", "add it after the first comment")


def co_spawn_in_base(source: Source) -> Iterator[Broken]:
    # A test may start the coroutine it tests: its main waits for it.
    if source.folder in ("base", "tests"):
        return
    yield from lines_with(source, r'\bco_spawn\s*\(', "co_spawn outside base/",
                          "use TaskGroup::spawn, which can stop it and wait for it")


def using_namespace(source: Source) -> Iterator[Broken]:
    # Namespaces of literals hold nothing that a name of ours could meet.
    if source.folder != "tests" or source.is_header:
        yield from lines_with(source, r'\busing\s+namespace\b(?!\s+std::\w*literals;)',
                              "using namespace outside of tests",
                              "name what you use, or make a namespace alias in the .cpp")


def beast_in_admin(source: Source) -> Iterator[Broken]:
    # base/ may hold the one file that compiles Beast's own sources.
    if source.folder == "admin" or source.path == "base/beast.cpp":
        return
    for include in source.includes:
        if include.path.startswith("boost/beast"):
            yield Broken(include.line, f"{include.path} outside admin/",
                         "Beast serves the admin page only; the proxy has its own HTTP")


def light_headers(source: Source) -> Iterator[Broken]:
    if not source.is_header or source.folder in ("base", "tests"):
        return
    for include in source.includes:
        if HEAVY.match(include.path) and include.path not in LIGHT_ASIO:
            yield Broken(include.line, f"{include.path} in a header",
                         "include it in the .cpp and forward-declare here, or hide it behind a "
                         "pointer to an implementation")


def columns(source: Source) -> Iterator[Broken]:
    for number, line in enumerate(source.lines, 1):
        if len(line) > COLUMNS_MAX:
            yield Broken(number, f"{len(line)} columns, {COLUMNS_MAX} are allowed",
                         "break the line (./dev fmt does it for C++ code)")


def lines_with(source: Source, pattern: str, what: str, cure: str) -> Iterator[Broken]:
    for number, line in enumerate(source.code_lines, 1):
        if re.search(pattern, line):
            yield Broken(number, what, cure)


CPP_RULES = [arrows, config_by_model, file_size, function_size, first_line, pragma_once,
             co_spawn_in_base, using_namespace, beast_in_admin, light_headers, columns]
PYTHON_RULES = [file_size, function_size, first_line, columns]
RULES = CPP_RULES


def rules_for(source: Source) -> list:
    if source.is_cpp:
        return CPP_RULES
    return PYTHON_RULES if source.is_python else []
