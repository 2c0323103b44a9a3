// The table of keys: one row a key, for each mapping of the two files. The reader, the effective
// output, the JSON Schema and docs/CONFIG.md all walk this table and nothing else.
#pragma once

#include "config/units.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poise::config {

enum class Type { text, duration, size, integer, boolean, word, mapping };

/// How often a value stands under its key.
enum class Shape {
    one,
    list,   // a single value counts as a list of one
    named,  // a mapping of free names to values
};

enum class Availability {
    now,
    later,       // known and documented, but refused
    later_true,  // a boolean of which only `true` is refused, by `parse`
};

struct Word {
    std::string_view text;
    bool available = true;
};

struct Mapping;

/// One row. The functions bind it to a field of a struct: `target` is always the struct that
/// the row's mapping is made for, which bind.hpp sees to.
struct Key {
    std::string_view name;
    Type type = Type::text;
    Shape shape = Shape::one;
    Availability availability = Availability::now;
    bool required = false;
    bool effective = true;  // stands in the effective output
    std::int64_t min = 0;   // integer; duration in ms; size in bytes
    std::int64_t max = 0;
    std::vector<Word> words;  // of a word; also accepted beside an integer or a duration
    std::string_view form;    // text: what it looks like, "address:port"
    std::string help;         // one sentence, Markdown
    std::vector<std::string> default_values;  // printed from a default-constructed struct

    /// Stores one value; for Shape::list appends it, for Shape::named under `name`. For the
    /// other shapes `name` is the key as the user wrote it, for messages.
    std::function<std::optional<Problem>(void* target, std::string_view name,
                                         std::string_view text)>
        parse;
    /// The values in force: none when an optional one is not set; name, value, name, value...
    /// for Shape::named.
    std::function<std::vector<std::string>(const void* target)> print;
    /// Empties a list or an optional value before something is read into it.
    std::function<void(void* target)> clear;

    /// Mapping: the struct to read into; a new one for Shape::list and Shape::named.
    std::function<void*(void* target, std::string_view name)> open;
    /// Mapping: the structs that are there.
    std::function<std::vector<const void*>(const void* target)> nested;
    std::vector<Mapping> mapping;  // one element when type is mapping; a vector as it may recur
    bool can_be_none = false;      // mapping: the word `none` clears it
};

struct Mapping {
    std::string_view name;       // "service": for messages, "$defs" and headings
    std::string help;            // one paragraph
    std::vector<Key> keys;       // in the order they are read, written and documented
    std::string_view shorthand;  // the key that a scalar in the mapping's place stands for

    const Key* find(std::string_view key) const;
    const Key& shorthand_key() const;
};

/// poise.yaml, bound to Draft; node.yaml, bound to Node. Built anew at each call: loading is rare.
Mapping config_mapping();
Mapping node_mapping();

/// A service's time limits, bound to Timeouts.
Mapping timeouts_mapping();

}  // namespace poise::config
