#!/usr/bin/env python3
"""Proves that each rule of the house can fail, and that it leaves good code alone."""

import sys

import rules
from source import Source

HEAD = "// Says what it is for.\n"
LONG = "    x = 1;\n"

# rule, path, text, lines at which it must complain (none: good)
ROWS = [
    ("arrows", "pool/a.cpp", HEAD + '#include "proxy/head.hpp"\n', [2]),
    ("arrows", "base/a.cpp", HEAD + '#include "config/model.hpp"\n', [2]),
    ("arrows", "tests/unit/pool/a_test.cpp", HEAD + '#include "proxy/head.hpp"\n', [2]),
    ("arrows", "proxy/a.cpp", HEAD + '#include "head.hpp"\n', [2]),
    ("arrows", "proxy/a.cpp", HEAD + '#include "nowhere/head.hpp"\n', [2]),
    ("arrows", "proxy/a.cpp", HEAD + '#include "pool/pool.hpp"\n#include "proxy/b.hpp"\n', []),
    ("arrows", "proxy/a.cpp", HEAD + '// #include "app/runtime.hpp"\n', []),
    ("arrows", "tests/unit/pool/a_test.cpp", HEAD + '#include "tests/fakes/clock.hpp"\n', []),
    ("config_by_model", "pool/a.cpp", HEAD + '#include "config/load.hpp"\n', [2]),
    ("config_by_model", "pool/a.cpp", HEAD + '#include "config/model.hpp"\n', []),
    ("config_by_model", "app/a.cpp", HEAD + '#include "config/load.hpp"\n', []),
    ("file_size", "pool/a.cpp", HEAD + "int a;\n" * 400, [401]),
    ("file_size", "pool/a.cpp", HEAD + "int a;\n" * 399, []),
    ("function_size", "pool/a.cpp", HEAD + "void f() {\n" + LONG * 69 + "}\n", [2]),
    ("function_size", "pool/a.cpp", HEAD + "void f() {\n" + LONG * 68 + "}\n", []),
    ("function_size", "tools/a.py", "# Says.\ndef f():\n" + "    x = 1\n" * 70, [2]),
    ("first_line", "pool/a.hpp", "#pragma once\n", [1]),
    ("first_line", "pool/a.cpp", '#include "pool/b.hpp"\n', [1]),
    ("first_line", "pool/a.cpp", '#include "pool/a.hpp"\n', []),
    ("first_line", "tests/unit/pool/a_test.cpp", '#include "pool/a.hpp"\n', []),
    ("first_line", "bench/a.py", "#!/usr/bin/env python3\nimport sys\n", [1]),
    ("first_line", "bench/a.py", '#!/usr/bin/env python3\n"""Says what."""\n', []),
    ("pragma_once", "pool/a.hpp", HEAD + "int a;\n", [1]),
    ("pragma_once", "pool/a.hpp", HEAD + "// #pragma once\n", [1]),
    ("pragma_once", "pool/a.hpp", HEAD + "#pragma once\n", []),
    ("co_spawn_in_base", "proxy/a.cpp", HEAD + "void f() { asio::co_spawn(e, g()); }\n", [2]),
    ("co_spawn_in_base", "proxy/a.cpp", HEAD + "// co_spawn(x) is called in base/ only\n", []),
    ("co_spawn_in_base", "base/a.cpp", HEAD + "void f() { asio::co_spawn(e, g()); }\n", []),
    ("using_namespace", "proxy/a.cpp", HEAD + "using namespace std;\n", [2]),
    ("using_namespace", "tests/fakes/a.hpp", HEAD + "using namespace std;\n", [2]),
    ("using_namespace", "tests/unit/a_test.cpp", HEAD + "using namespace poise;\n", []),
    ("beast_in_admin", "proxy/a.cpp", HEAD + "#include <boost/beast/http.hpp>\n", [2]),
    ("beast_in_admin", "admin/a.cpp", HEAD + "#include <boost/beast/http.hpp>\n", []),
    ("light_headers", "proxy/a.hpp", HEAD + "#include <boost/asio/steady_timer.hpp>\n", [2]),
    ("light_headers", "pool/a.hpp", HEAD + "#include <openssl/ssl.h>\n", [2]),
    ("light_headers", "proxy/a.hpp", HEAD + "#include <llhttp.h>\n", [2]),
    ("light_headers", "proxy/a.hpp", HEAD + "#include <boost/asio/awaitable.hpp>\n", []),
    ("light_headers", "proxy/a.cpp", HEAD + "#include <llhttp.h>\n", []),
    ("columns", "pool/a.cpp", HEAD + "// " + "x" * 98 + "\n", [2]),
    ("columns", "pool/a.cpp", HEAD + "// " + "x" * 97 + "\n", []),
]

# C++ text and the functions that must be found in it: name and number of lines.
FUNCTIONS = [
    ("namespace a {\n\nint f() {\n    return 1;\n}\n\n}  // namespace a\n", [("f", 3)]),
    ("class A : public B {\npublic:\n    A() : a_{1}, b_(2) {\n        run();\n    }\n};\n",
     [("A", 3)]),
    ("struct A {\n    std::array<int, 2> a{};\n    int b() const { return 1; }\n};\n", [("b", 1)]),
    ("template <typename T, typename = vector<T>>\nT f(T t) {\n    return t;\n}\n", [("f", 4)]),
    ("constexpr int table[] = {\n    1,\n    2,\n};\nvoid f() {}\n", [("f", 1)]),
    ("constexpr auto t = make({\n    1,\n    2,\n});\nvoid f() {\n}\n", [("f", 2)]),
    ('TEST_SUITE("x") {\n    TEST_CASE("} {") {\n        CHECK(1);\n    }\n}\n',
     [("TEST_CASE", 3)]),
    ("bool operator==(A a, A b) {\n    return true;\n}\n", [("operator==", 3)]),
    ("void f(char c = '{') {\n    // }\n    auto g = [&] { return 1'000; };\n}\n", [("f", 4)]),
    ('#define X {\nconst char* a = R"(}{)";\nvoid f() {\n}\n', [("f", 2)]),
    ("enum class E { a, b };\nauto f()\n    -> int {\n    return 1;\n}\n", [("f", 4)]),
]


def rule_failures() -> dict[str, list[str]]:
    """For each rule, the rows that it got wrong."""
    wrong = {rule.__name__: [] for rule in rules.RULES}
    by_name = {rule.__name__: rule for rule in rules.RULES}
    for name, path, text, expected in ROWS:
        source = Source(path, text)
        assert by_name[name] in rules.rules_for(source) or source.is_python
        found = [broken.line for broken in by_name[name](source)]
        if found != expected:
            wrong[name].append(f"{path}: {text[:90]!r}: complains at {found}, not {expected}")
    for name in wrong:
        rows = [row for row in ROWS if row[0] == name]
        if not any(row[3] for row in rows) or all(row[3] for row in rows):
            wrong[name].append("needs a row that must fail and one that must not")
    return wrong


def function_failures() -> list[str]:
    wrong = []
    for text, expected in FUNCTIONS:
        found = [(f.name, f.lines) for f in Source("base/a.cpp", text).functions]
        if found != expected:
            wrong.append(f"{text!r}: finds {found}, not {expected}")
    return wrong


def main() -> int:
    results = {f"self-test of {name}": wrong for name, wrong in rule_failures().items()}
    results["self-test of finding functions"] = function_failures()
    for name, wrong in results.items():
        print("\n".join([f"{'broken' if wrong else 'holds'} {name}", *wrong]))
    return 1 if any(results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
