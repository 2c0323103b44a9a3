#include "admin/line_diff.hpp"

#include <doctest/doctest.h>

using namespace poise::admin;

namespace {

std::string shown(std::string_view before, std::string_view after, std::size_t context = 1) {
    std::string text;
    for (const DiffLine& line : line_diff(before, after, context))
        text += line.kind + line.text + "|";
    return text;
}

}  // namespace

TEST_SUITE("admin/line_diff") {
    TEST_CASE("lines that changed are told with their neighbours") {
        CHECK(shown("a\nb\nc\n", "a\nb\nc\n").empty());
        CHECK(shown("a\nb\nc\nd\ne\n", "a\nb\nX\nd\ne\n") == "~| b|-c|+X| d|~|");
        CHECK(shown("", "a\n") == "+a|");
        CHECK(shown("a\n", "") == "-a|");
        CHECK(shown("a\nb\n", "b\na\n") == "-a| b|+a|");
        CHECK(shown("a\na\na\n", "a\na\n") == "~| a|-a|");
    }

    TEST_CASE("large differences end as one block") {
        std::string before;
        std::string after;
        for (int i = 0; i < 3'000; ++i) {
            before += "a" + std::to_string(i) + "\n";
            after += "b" + std::to_string(i) + "\n";
        }
        CHECK(line_diff(before, after).size() == 6'000);
    }
}
