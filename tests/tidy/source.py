"""What the rules look at: one file of the tree, its code without comments, its functions."""

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# Comments, raw strings, strings and characters; a digit separator (1'000) starts no character.
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
SCOPE = re.compile(r'\b(namespace|class|struct|union|enum)\b|^extern\b[^()]*$')
# doctest's TEST_SUITE("x") { ... } holds test cases as a namespace would.
SUITE = re.compile(r'^TEST_SUITE\s*\(')


@dataclass(frozen=True)
class Include:
    line: int
    quoted: bool  # "..." and so one of ours
    path: str


@dataclass(frozen=True)
class Function:
    line: int
    name: str
    lines: int


class Source:
    """A file of the tree by its path from the top ("pool/pool.hpp") and its text."""

    def __init__(self, path: str, text: str):
        self.path = path
        self.text = text
        self.lines = text.splitlines()
        self.suffix = Path(path).suffix
        self.folder = path.split("/")[0] if "/" in path else ""
        self.is_cpp = self.suffix in (".cpp", ".hpp")
        self.is_header = self.suffix == ".hpp"
        self.is_python = self.suffix == ".py"

    @cached_property
    def code(self) -> str:
        """The text with comments, strings and characters emptied; each line stays in place."""
        return NOT_CODE.sub(lambda found: blank(found.group()), self.text)

    @cached_property
    def code_lines(self) -> list[str]:
        return self.code.splitlines()

    @cached_property
    def includes(self) -> list[Include]:
        # Read from the text, whose quotes are whole; a line that is a comment is none.
        found = []
        for number, (line, code) in enumerate(zip(self.lines, self.code_lines), 1):
            match = INCLUDE.match(line)
            if match and "include" in code:
                found.append(Include(number, match[1] == '"', match[2]))
        return found

    @cached_property
    def functions(self) -> list[Function]:
        if self.is_python:
            return python_functions(self.text)
        return cpp_functions(self.code) if self.is_cpp else []


def blank(text: str) -> str:
    """Nothing but the line ends, in quotes where a literal stood."""
    lines = "\n" * text.count("\n")
    return lines if text.startswith("/") else f'"{lines}"'


def python_functions(text: str) -> list[Function]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [Function(node.lineno, node.name, node.end_lineno - node.lineno + 1)
            for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]


def cpp_functions(code: str) -> list[Function]:
    """The functions with a body. Not a parser: it matches braces and reads what stands before
    an opening one, which is enough for code that clang-format has laid out."""
    code = without_preprocessor(code)
    found = []
    head_start = 0  # where the declaration begins that the next brace would belong to
    position = 0
    parentheses = 0
    while position < len(code):
        character = code[position]
        if character == "(":
            parentheses += 1
        elif character == ")":
            parentheses -= 1
        elif parentheses == 0 and character in ";}":
            head_start = position + 1
        elif parentheses == 0 and character == "{":
            head = code[head_start:position]
            if is_scope(head):
                head_start = position + 1
            else:
                end = matching_brace(code, position)
                if is_function(head) and not goes_on(code, end):
                    found.append(measured(code, head_start, end))
                if not goes_on(code, end):
                    head_start = end + 1
                position = end
        position += 1
    return found


def without_preprocessor(code: str) -> str:
    return re.sub(r'^[ \t]*#(?:\\\n|[^\n])*', lambda found: "\n" * found.group().count("\n"), code,
                  flags=re.MULTILINE)


def without_groups(head: str) -> str:
    """The head of a declaration without what stands in parentheses or after `template`."""
    head = re.sub(r'\boperator\s*[^\s\w(]+', "operator", head.strip())
    while re.search(r'\([^()]*\)', head):
        head = re.sub(r'\([^()]*\)', " () ".replace("()", "\0"), head)
    head = head.replace("\0", "()")
    while re.search(r'\btemplate\s*<[^<>]*<[^<>]*>', head):
        head = re.sub(r'(\btemplate\s*<[^<>]*)<[^<>]*>', r'\1', head)
    return re.sub(r'\btemplate\s*<[^<>]*>', "", head).strip()


def is_scope(head: str) -> bool:
    head = head.strip()
    if SUITE.match(head):
        return True
    plain = without_groups(head)
    # `struct alignas(64) Counter {` is a scope, `struct tm now() {` is none we would write.
    return "=" not in plain and SCOPE.search(plain) is not None


def is_function(head: str) -> bool:
    plain = without_groups(head)
    return "(" in plain and not plain.endswith(("=", ",", "(", "return"))


def goes_on(code: str, end: int) -> bool:
    """True when the brace that closes at `end` was a member's initialiser: `: a_{1}, b_{2} {`."""
    rest = code[end + 1:end + 200].lstrip()
    return rest.startswith((",", "{"))


def matching_brace(code: str, start: int) -> int:
    depth = 0
    for position in range(start, len(code)):
        if code[position] == "{":
            depth += 1
        elif code[position] == "}":
            depth -= 1
            if depth == 0:
                return position
    return len(code) - 1


def measured(code: str, head_start: int, end: int) -> Function:
    # An access specifier before a member is none of it.
    start = head_start + re.match(r'(\s|(public|private|protected)\s*:)*',
                                  code[head_start:end]).end()
    first = code.count("\n", 0, start) + 1
    last = code.count("\n", 0, end) + 1
    name = re.sub(r'\s+', " ", code[start:code.find("(", start)]).split(" ")[-1]
    return Function(first, name, last - first + 1)
