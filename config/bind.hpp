// Makes the rows of the key table: ties a key's name, type and range to a member of a struct.
// The only place where the table's untyped `target` meets the types of the model.
#pragma once

#include "config/endpoint.hpp"
#include "config/schema.hpp"
#include "config/words.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace poise::config::bind {

/// What a text must look like; a Problem when it does not.
using TextCheck = std::optional<Problem> (*)(std::string_view text);

std::optional<Problem> outside(std::string_view found, std::string_view from, std::string_view to);
std::string chosen_from(const std::vector<Word>& words);
/// The row's Problem for a word that is none of its words, or one that is not available yet.
Problem wrong_word(const Key& key, std::string_view label, std::string_view text);
Problem not_available(std::string_view label, std::string_view text);

template <typename T>
T& at(void* target) {
    return *static_cast<T*>(target);
}

template <typename T>
const T& at(const void* target) {
    return *static_cast<const T*>(target);
}

template <typename T>
Key with_default(Key key) {
    const T defaults{};
    key.default_values = key.print(&defaults);
    return key;
}

inline Key row(std::string_view name, Type type, std::string help) {
    Key key;
    key.name = name;
    key.type = type;
    key.help = std::move(help);
    return key;
}

struct DurationRange {
    std::chrono::milliseconds min;
    std::chrono::milliseconds max;
    bool unlimited = false;  // the word `unlimited` stands for max
};

template <typename T>
Key duration(std::string_view name, std::chrono::milliseconds T::* member, DurationRange range,
             std::string help) {
    Key key = row(name, Type::duration, std::move(help));
    key.min = range.min.count();
    key.max = range.max.count();
    if (range.unlimited) key.words.push_back({"unlimited"});
    key.parse = [=](void* target, std::string_view,
                    std::string_view text) -> std::optional<Problem> {
        if (range.unlimited && text == "unlimited") {
            at<T>(target).*member = range.max;
            return std::nullopt;
        }
        const auto value = parse_duration(text);
        if (!value) return value.error();
        if (*value < range.min || *value > range.max)
            return outside(text, format_duration(range.min), format_duration(range.max));
        at<T>(target).*member = *value;
        return std::nullopt;
    };
    key.print = [=](const void* target) {
        return std::vector{format_duration(at<T>(target).*member)};
    };
    return with_default<T>(std::move(key));
}

struct Range {
    std::int64_t min;
    std::int64_t max;
    std::string_view zero_word{};  // a word that stands for 0 and is printed in its place
};

template <typename T, typename Number>
Key size(std::string_view name, Number T::* member, Range range, std::string help) {
    Key key = row(name, Type::size, std::move(help));
    key.min = range.min;
    key.max = range.max;
    if (!range.zero_word.empty()) key.words.push_back({range.zero_word});
    key.parse = [=](void* target, std::string_view,
                    std::string_view text) -> std::optional<Problem> {
        const bool zero = !range.zero_word.empty() && text == range.zero_word;
        const auto value = parse_size(zero ? "0" : text);
        if (!value) return value.error();
        const auto min = static_cast<std::uint64_t>(range.min);
        const auto max = static_cast<std::uint64_t>(range.max);
        if (*value < min || *value > max) return outside(text, format_size(min), format_size(max));
        at<T>(target).*member = static_cast<Number>(*value);
        return std::nullopt;
    };
    key.print = [=](const void* target) {
        const Number value = at<T>(target).*member;
        const bool as_word = value == 0 && !range.zero_word.empty();
        return std::vector{as_word ? std::string(range.zero_word) : format_size(value)};
    };
    return with_default<T>(std::move(key));
}

// Reads an integer of `key` within its range, or a Problem.
std::expected<std::int64_t, Problem> ranged_integer(Range range, std::string_view text);

template <typename T, typename Number>
Key integer(std::string_view name, Number T::* member, Range range, std::string help) {
    Key key = row(name, Type::integer, std::move(help));
    key.min = range.min;
    key.max = range.max;
    if (!range.zero_word.empty()) key.words.push_back({range.zero_word});
    key.parse = [=](void* target, std::string_view,
                    std::string_view text) -> std::optional<Problem> {
        const auto value = ranged_integer(range, text);
        if (!value) return value.error();
        at<T>(target).*member = static_cast<Number>(*value);
        return std::nullopt;
    };
    key.print = [=](const void* target) {
        const Number value = at<T>(target).*member;
        const bool as_word = value == 0 && !range.zero_word.empty();
        return std::vector{as_word ? std::string(range.zero_word) : fmt::format("{}", value)};
    };
    return with_default<T>(std::move(key));
}

template <typename T, typename Number>
Key optional_integer(std::string_view name, std::optional<Number> T::* member, Range range,
                     std::string help) {
    Key key = row(name, Type::integer, std::move(help));
    key.min = range.min;
    key.max = range.max;
    key.parse = [=](void* target, std::string_view,
                    std::string_view text) -> std::optional<Problem> {
        const auto value = ranged_integer(range, text);
        if (!value) return value.error();
        at<T>(target).*member = static_cast<Number>(*value);
        return std::nullopt;
    };
    key.print = [=](const void* target) -> std::vector<std::string> {
        const std::optional<Number>& value = at<T>(target).*member;
        if (!value) return {};
        return {fmt::format("{}", *value)};
    };
    return key;
}

template <typename T>
Key integer_list(std::string_view name, std::vector<int> T::* member, Range range,
                 std::string help) {
    Key key = row(name, Type::integer, std::move(help));
    key.shape = Shape::list;
    key.min = range.min;
    key.max = range.max;
    key.parse = [=](void* target, std::string_view,
                    std::string_view text) -> std::optional<Problem> {
        const auto value = ranged_integer(range, text);
        if (!value) return value.error();
        (at<T>(target).*member).push_back(static_cast<int>(*value));
        return std::nullopt;
    };
    key.clear = [=](void* target) { (at<T>(target).*member).clear(); };
    key.print = [=](const void* target) {
        std::vector<std::string> values;
        for (const int value : at<T>(target).*member)
            values.push_back(fmt::format("{}", value));
        return values;
    };
    return with_default<T>(std::move(key));
}

// Stores `text` when it is true or false.
std::optional<Problem> parse_boolean(std::string_view text, bool& value);

template <typename T>
Key boolean(std::string_view name, bool T::* member, std::string help) {
    Key key = row(name, Type::boolean, std::move(help));
    key.parse = [=](void* target, std::string_view, std::string_view text) {
        return parse_boolean(text, at<T>(target).*member);
    };
    key.print = [=](const void* target) {
        return std::vector<std::string>{at<T>(target).*member ? "true" : "false"};
    };
    return with_default<T>(std::move(key));
}

template <typename T, typename Enum, std::size_t Count>
Key word(std::string_view name, Enum T::* member, const std::array<EnumWord<Enum>, Count>& words,
         std::string help) {
    Key key = row(name, Type::word, std::move(help));
    for (const auto& each : words)
        key.words.push_back({each.text, each.available});
    key.parse = [=, known = key](void* target, std::string_view label,
                                 std::string_view text) -> std::optional<Problem> {
        for (const auto& each : words) {
            if (each.text != text) continue;
            // The value is stored all the same: what else is wrong can then be told as well.
            at<T>(target).*member = each.value;
            if (!each.available) return not_available(label, text);
            return std::nullopt;
        }
        return wrong_word(known, label, text);
    };
    key.print = [=](const void* target) -> std::vector<std::string> {
        for (const auto& each : words) {
            if (each.value == at<T>(target).*member) return {std::string(each.text)};
        }
        return {};
    };
    return with_default<T>(std::move(key));
}

template <typename T, typename Enum, std::size_t Count>
Key word_list(std::string_view name, std::vector<Enum> T::* member,
              const std::array<EnumWord<Enum>, Count>& words, std::string help) {
    Key key = row(name, Type::word, std::move(help));
    key.shape = Shape::list;
    for (const auto& each : words)
        key.words.push_back({each.text, each.available});
    key.parse = [=, known = key](void* target, std::string_view label,
                                 std::string_view text) -> std::optional<Problem> {
        for (const auto& each : words) {
            if (each.text != text) continue;
            (at<T>(target).*member).push_back(each.value);
            if (!each.available) return not_available(label, text);
            return std::nullopt;
        }
        return wrong_word(known, label, text);
    };
    key.clear = [=](void* target) { (at<T>(target).*member).clear(); };
    key.print = [=](const void* target) {
        std::vector<std::string> texts;
        for (const Enum value : at<T>(target).*member)
            for (const auto& each : words)
                if (each.value == value) texts.emplace_back(each.text);
        return texts;
    };
    return with_default<T>(std::move(key));
}

template <typename T>
Key text(std::string_view name, std::string T::* member, TextCheck check, std::string help) {
    Key key = row(name, Type::text, std::move(help));
    key.parse = [=](void* target, std::string_view,
                    std::string_view given) -> std::optional<Problem> {
        if (auto problem = check(given)) return problem;
        at<T>(target).*member = given;
        return std::nullopt;
    };
    key.print = [=](const void* target) { return std::vector{at<T>(target).*member}; };
    return with_default<T>(std::move(key));
}

template <typename T>
Key text_list(std::string_view name, std::vector<std::string> T::* member, TextCheck check,
              std::string help) {
    Key key = row(name, Type::text, std::move(help));
    key.shape = Shape::list;
    key.parse = [=](void* target, std::string_view,
                    std::string_view given) -> std::optional<Problem> {
        if (auto problem = check(given)) return problem;
        (at<T>(target).*member).emplace_back(given);
        return std::nullopt;
    };
    key.clear = [=](void* target) { (at<T>(target).*member).clear(); };
    key.print = [=](const void* target) { return at<T>(target).*member; };
    return with_default<T>(std::move(key));
}

template <typename T>
Key range_list(std::string_view name, std::vector<Prefix> T::* member, std::string help) {
    Key key = row(name, Type::text, std::move(help));
    key.shape = Shape::list;
    key.form = "address or range";
    key.parse = [=](void* target, std::string_view,
                    std::string_view given) -> std::optional<Problem> {
        const auto range = parse_range(given);
        if (!range) return range.error();
        (at<T>(target).*member).push_back(*range);
        return std::nullopt;
    };
    key.clear = [=](void* target) { (at<T>(target).*member).clear(); };
    key.print = [=](const void* target) {
        std::vector<std::string> values;
        for (const Prefix& prefix : at<T>(target).*member)
            values.push_back(to_string(prefix));
        return values;
    };
    return with_default<T>(std::move(key));
}

/// One nested mapping that is always there. `Outer` and `Inner` may be the same struct when the
/// file nests what the model does not.
template <typename Outer, typename Inner>
Key part(std::string_view name, Inner Outer::* member, Mapping mapping, std::string help) {
    Key key = row(name, Type::mapping, std::move(help));
    key.open = [=](void* target, std::string_view) -> void* {
        return &(at<Outer>(target).*member);
    };
    key.nested = [=](const void* target) -> std::vector<const void*> {
        return {&(at<Outer>(target).*member)};
    };
    key.mapping.push_back(std::move(mapping));
    return key;
}

/// A nested mapping that may be missing. What was inherited is kept and overridden key by key.
template <typename Outer, typename Inner>
Key optional_part(std::string_view name, std::optional<Inner> Outer::* member, Mapping mapping,
                  std::string help) {
    Key key = row(name, Type::mapping, std::move(help));
    key.open = [=](void* target, std::string_view) -> void* {
        std::optional<Inner>& value = at<Outer>(target).*member;
        if (!value) value.emplace();
        return &*value;
    };
    key.clear = [=](void* target) { (at<Outer>(target).*member).reset(); };
    key.nested = [=](const void* target) -> std::vector<const void*> {
        const std::optional<Inner>& value = at<Outer>(target).*member;
        if (!value) return {};
        return {&*value};
    };
    key.mapping.push_back(std::move(mapping));
    return key;
}

template <typename Outer, typename Inner>
Key parts(std::string_view name, std::vector<Inner> Outer::* member, Mapping mapping,
          std::string help) {
    Key key = row(name, Type::mapping, std::move(help));
    key.shape = Shape::list;
    key.open = [=](void* target, std::string_view) -> void* {
        return &(at<Outer>(target).*member).emplace_back();
    };
    key.clear = [=](void* target) { (at<Outer>(target).*member).clear(); };
    key.nested = [=](const void* target) {
        std::vector<const void*> all;
        for (const Inner& each : at<Outer>(target).*member)
            all.push_back(&each);
        return all;
    };
    key.mapping.push_back(std::move(mapping));
    return key;
}

/// A boolean of a later issue: `false` is what this build does, so it may be written.
Key later_boolean(std::string_view name, std::string help);

/// A row that is known and documented but refused wherever it stands.
inline Key later(std::string_view name, std::string help) {
    Key key = row(name, Type::text, std::move(help));
    key.availability = Availability::later;
    key.effective = false;
    return key;
}

}  // namespace poise::config::bind
