// A YAML text as a tree of plain nodes that know their place. Keeps what a map would hide:
// the order of the keys and keys that stand twice.
#pragma once

#include "config/diagnostic.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poise::config {

/// Files larger than this are refused unread: ten thousand servers need less than 1 MiB.
constexpr std::size_t file_bytes_max = 8u << 20;
/// Nesting that the schema cannot reach; bounds the parser's recursion.
constexpr int depth_max = 32;

struct Tree {
    enum class Kind { null, scalar, list, map };

    Kind kind = Kind::null;
    int line = 1;  // of the value's first byte
    int column = 1;
    std::string text;         // scalar
    std::vector<Tree> items;  // list: the items; map: the values
    std::vector<Tree> keys;   // map: scalars, one for each item
};

/// Parses `text` into a tree. On the first thing that is not plain YAML adds a diagnostic to
/// `report` and returns nothing. Refuses what a configuration needs not and an attacker likes:
/// binary, aliases, tags, several documents, deep nesting. Never throws on input.
std::optional<Tree> parse_tree(std::string_view text, const std::string& name, Report& report);

}  // namespace poise::config
