#include "config/bind.hpp"

#include "config/diagnostic.hpp"

#include <algorithm>
#include <cassert>

namespace poise::config {

const Key* Mapping::find(std::string_view key) const {
    const auto found = std::ranges::find(keys, key, &Key::name);
    return found == keys.end() ? nullptr : &*found;
}

const Key& Mapping::shorthand_key() const {
    const Key* key = find(shorthand);
    assert(key != nullptr);
    return *key;
}

}  // namespace poise::config

namespace poise::config::bind {

std::optional<Problem> outside(std::string_view found, std::string_view from, std::string_view to) {
    return Problem{fmt::format("must be from {} to {}, found {}", from, to, quote(found)), {}};
}

std::string chosen_from(const std::vector<Word>& words) {
    std::string text;
    for (const Word& word : words) {
        if (word.available) text += fmt::format("{}{}", text.empty() ? "" : ", ", word.text);
    }
    return text;
}

Problem not_available(std::string_view label, std::string_view text) {
    return {fmt::format("'{}: {}' is not available in this build yet", label, text), {}, true};
}

Problem wrong_word(const Key& key, std::string_view label, std::string_view text) {
    std::vector<std::string_view> allowed;
    for (const Word& word : key.words)
        allowed.push_back(word.text);
    Diagnostic unknown = unknown_word({}, label, text, allowed);
    if (unknown.hint.starts_with("one of")) unknown.hint = "one of: " + chosen_from(key.words);
    return {std::move(unknown.message), std::move(unknown.hint), true};
}

std::expected<std::int64_t, Problem> ranged_integer(Range range, std::string_view text) {
    if (!range.zero_word.empty() && text == range.zero_word) return 0;
    const auto value = parse_integer(text);
    if (value && *value >= range.min && *value <= range.max) return *value;
    const std::string word = range.zero_word.empty() ? "" : fmt::format("{} or ", range.zero_word);
    return std::unexpected(Problem{fmt::format("must be {}a whole number from {} to {}, found {}",
                                               word, range.min, range.max, quote(text)),
                                   {}});
}

std::optional<Problem> parse_boolean(std::string_view text, bool& value) {
    if (text == "true" || text == "false") {
        value = text == "true";
        return std::nullopt;
    }
    Problem problem{fmt::format("must be true or false, found {}", quote(text)), {}};
    if (text == "yes" || text == "on" || text == "1") problem.hint = "write true";
    if (text == "no" || text == "off" || text == "0") problem.hint = "write false";
    return problem;
}

Key later_boolean(std::string_view name, std::string help) {
    Key key = row(name, Type::boolean, std::move(help));
    key.availability = Availability::later_true;
    key.effective = false;
    key.default_values = {"false"};
    key.parse = [](void*, std::string_view label,
                   std::string_view given) -> std::optional<Problem> {
        bool value = false;
        if (auto problem = parse_boolean(given, value)) return problem;
        if (value) return not_available(label, given);
        return std::nullopt;
    };
    return key;
}

}  // namespace poise::config::bind
