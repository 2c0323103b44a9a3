// What YAML allows and a configuration refuses: everything here must end quickly and quietly.
#include "config/tree.hpp"

#include "config/file.hpp"
#include "tests/unit/config/loading.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

using namespace poise::config;

namespace {

std::string repeated(std::string_view text, std::size_t bytes) {
    std::string all;
    while (all.size() + text.size() <= bytes)
        all += text;
    return all;
}

std::string tree_errors(const std::string& text) {
    Report report;
    const auto tree = parse_tree(text, "f", report);
    CHECK(tree.has_value() == report.empty());
    return errors_of(report.take());
}

}  // namespace

TEST_SUITE("config/tree") {
    TEST_CASE("the tree keeps order, places and keys that stand twice") {
        Report report;
        const auto tree = parse_tree("b: 1\na: [x, \"y\"]\nb: ~\n", "f", report);

        REQUIRE(tree);
        REQUIRE(tree->keys.size() == 3);
        CHECK(tree->keys[0].text == "b");
        CHECK(tree->keys[2].text == "b");
        CHECK(tree->keys[2].line == 3);
        CHECK(tree->items[1].items[1].text == "y");
        CHECK(tree->items[1].items[1].column == 8);
        CHECK(tree->items[2].kind == Tree::Kind::null);
    }

    TEST_CASE("a byte order mark and Windows line ends make no difference") {
        Report report;
        const auto tree = parse_tree(
            "\xef\xbb\xbf"
            "a: 1\r\nb: x\r\n",
            "f", report);

        REQUIRE(tree);
        CHECK(tree->keys[0].column == 1);
        CHECK(tree->items[1].text == "x");
        CHECK(tree->keys[1].line == 2);
    }

    TEST_CASE("what a configuration needs not is refused at its place") {
        const BadText rows[] = {
            {"a: &x 1\nb: *x\n",
             "1:4 YAML anchors and aliases ('&name', '*name') are not used here | write the value "
             "out, or put what services share under 'defaults'"},
            {"a: !!str 1\n", "1:4 YAML tags are not used here, found 'tag:yaml.org,2002:str'"},
            {"a: 1\n---\nb: 2\n",
             "2:1 a second YAML document starts here | a configuration is one document: remove "
             "the '---' line"},
            {"? {a: b}\n: c\n",
             "1:3 a key must be a plain word | put quotes around a value that starts with '[' or "
             "'{'"},
            {std::string("a: b\0c\n", 7),
             "1:5 control byte 0x00: this is not a text file | is it the right file? UTF-16 must "
             "be saved as UTF-8"},
            {"a: 1\nb: \xff\n", "2:4 byte 0xff is not UTF-8 text | save the file as UTF-8"},
            {"a: \xed\xa0\x80\n", "1:4 byte 0xed is not UTF-8 text | save the file as UTF-8"},
            {"a: \xc0\x80\n", "1:4 byte 0xc0 is not UTF-8 text | save the file as UTF-8"},
            {"a: \xe2\x82", "1:4 byte 0xe2 is not UTF-8 text | save the file as UTF-8"},
        };
        for (const BadText& row : rows) {
            CAPTURE(row.yaml);
            CHECK(tree_errors(row.yaml) == row.errors);
        }
    }

    TEST_CASE("broken YAML is explained in the operator's words") {
        const BadText rows[] = {
            {"a:\n\tb: 1\n",
             "2:3 YAML: a ':' stands where no key can be | indent with spaces: YAML takes no tabs"},
            {"a:\n  b: 1\n   c: 2\n",
             "3:5 YAML: a ':' stands where no key can be | check the indentation, and put quotes "
             "around a value that contains ': '"},
            {"a: {b: 1\n", "2:1 YAML: inside '{ }' a ',' or the closing '}' was expected"},
            {"a: [::1]:80\n",
             "1:9 YAML: this line does not continue the mapping above it | put quotes around an "
             "IPv6 address: \"[2001:db8::1]:80\""},
            {"a: *.example.com\n",
             "1:4 YAML: a value that begins with '*' is an alias in YAML | put quotes around a "
             "value that starts with '*': \"*.example.com\""},
            {"a: @b\n",
             "1:4 YAML: a value cannot begin with this character | put quotes around a value that "
             "starts with '@'"},
            {"a: \"b\n", "1:4 YAML: this quote is not closed before the end of the file"},
            {"a: 'b''\n", "1:4 YAML: this quote is not closed before the end of the file"},
        };
        for (const BadText& row : rows) {
            CAPTURE(row.yaml);
            CHECK(tree_errors(row.yaml) == row.errors);
        }
    }

    TEST_CASE("quotes that close are no error, whatever they hold") {
        CHECK(tree_errors("a: \"b\\\"\"\n") == "");
        CHECK(tree_errors("a: 'b'''\n") == "");
        CHECK(tree_errors("a: \"b\n  c\"\n") == "");
        CHECK(tree_errors("a: |\n  \"b\n") == "");
    }

    TEST_CASE("deep nesting ends at the limit and not at the end of the stack") {
        CHECK(tree_errors(repeated("- ", 1 << 20)) == "1:65 nested deeper than 32 levels");
        CHECK(tree_errors("a: " + repeated("[", 1 << 20)) != "");
        CHECK(tree_errors("a: " + repeated("{a: ", 1 << 20)) != "");
        CHECK(tree_errors(repeated("? ", 1 << 20)) != "");
    }

    TEST_CASE("noise of a megabyte is refused") {
        for (const std::string_view noise :
             {"[", "{", "\"", "&a ", "*a ", ":", "!", "|", "%", "---\n", "[? ", "{a,", "`"}) {
            CAPTURE(noise);
            CHECK(config_errors(repeated(noise, 1 << 20)) != "");
        }
    }

    TEST_CASE("a file that is too large is refused unread") {
        CHECK(tree_errors(std::string(file_bytes_max + 1, 'a')) ==
              "1:1 the file is larger than 8MiB | a configuration is never this large: is it the "
              "right file?");
    }

    TEST_CASE("a file that is none is an error with its path") {
        const auto missing = load_config("/nonexistent/poise.yaml");
        REQUIRE_FALSE(missing);
        CHECK(to_string(missing.error().front()) ==
              "/nonexistent/poise.yaml: error: the file does not exist");

        const auto folder = std::filesystem::temp_directory_path().string();
        const auto directory = load_config(folder);
        REQUIRE_FALSE(directory);
        CHECK(to_string(directory.error().front()) ==
              folder + ": error: the file is a directory, not a file");

        const auto device = load_node("/dev/zero");
        REQUIRE_FALSE(device);
        CHECK(to_string(device.error().front()) ==
              "/dev/zero: error: the file is not a regular file");
    }
}
