#include "config/reader.hpp"

#include <fmt/format.h>

#include <cassert>
#include <unordered_map>
#include <utility>

namespace poise::config {

namespace {

std::string_view kind_name(Tree::Kind kind) {
    switch (kind) {
        case Tree::Kind::null:
            return "nothing";
        case Tree::Kind::scalar:
            return "a single value";
        case Tree::Kind::list:
            return "a list";
        case Tree::Kind::map:
            return "a mapping";
    }
    std::unreachable();
}

std::string_view type_name(const Key& key) {
    switch (key.type) {
        case Type::text:
            return key.form.empty() ? "a text" : key.form;
        case Type::duration:
            return "a duration such as 2s";
        case Type::size:
            return "a size such as 64KiB";
        case Type::integer:
            return "a whole number";
        case Type::boolean:
            return "true or false";
        case Type::word:
            return "a word";
        case Type::mapping:
            return "a mapping";
    }
    std::unreachable();
}

std::string child(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : fmt::format("{}/{}", path, name);
}

class Reader {
public:
    Reader(const Mapping* other, Places& places, Report& report)
        : other_(other), places_(places), report_(report) {}

    void read_mapping(const Tree& tree, const Mapping& mapping, std::string_view label,
                      void* target, const std::string& path);

private:
    void error(const Tree& where, const std::string& path, std::string message,
               std::string hint = {}) {
        report_.add(
            {{places_.file(), where.line, where.column}, std::move(message), std::move(hint)});
        places_.mark_broken(path);
    }

    void unknown_key(const Tree& name, const Mapping& mapping, const std::string& path);
    bool is_name(const Tree& name, const std::string& path);
    void read_keys(const Tree& tree, const Mapping& mapping, void* target, const std::string& path);
    void read_key(const Tree& name, const Tree& value, const Key& key, void* target,
                  const std::string& path);
    void read_nested(const Tree& value, const Key& key, void* target, const std::string& path);
    void read_items(const Tree& value, const Key& key, void* target, const std::string& path);
    void read_named(const Tree& value, const Key& key, void* target, const std::string& path);
    void read_scalar(const Tree& value, const Key& key, std::string_view label, void* target,
                     const std::string& path);

    const Mapping* other_;
    Places& places_;
    Report& report_;
};

void Reader::read_mapping(const Tree& tree, const Mapping& mapping, std::string_view label,
                          void* target, const std::string& path) {
    if (tree.kind == Tree::Kind::scalar && !mapping.shorthand.empty()) {
        const Key& key = mapping.shorthand_key();
        const std::string inner = child(path, key.name);
        places_.note(inner, tree.line, tree.column);
        return read_scalar(tree, key, label, target, inner);
    }
    // A mapping of which every line is commented out reads as null, and is meant as empty.
    if (tree.kind != Tree::Kind::map && tree.kind != Tree::Kind::null) {
        const bool bare_ipv6 = tree.kind == Tree::Kind::list && !mapping.shorthand.empty() &&
                               !mapping.shorthand_key().form.empty();
        // None of its keys could be read: what misses them would only repeat this.
        for (const Key& key : mapping.keys)
            places_.mark_broken(child(path, key.name));
        return error(tree, path,
                     fmt::format("'{}' must be a mapping, found {}", label, kind_name(tree.kind)),
                     bare_ipv6 ? "put quotes around an IPv6 address: \"[2001:db8::1]:80\"" : "");
    }
    read_keys(tree, mapping, target, path);
}

// Says that a key is unknown: where it belongs when a nested mapping has it, else what is near.
void Reader::unknown_key(const Tree& name, const Mapping& mapping, const std::string& path) {
    const auto what = path.empty() ? "top-level key" : fmt::format("{} key", mapping.name);
    if (path.empty() && other_ != nullptr && other_->find(name.text) != nullptr) {
        return error(name, name.text, fmt::format("unknown {} {}", what, quote(name.text)),
                     fmt::format("it belongs in {}", other_->name));
    }
    std::vector<std::string_view> allowed;
    for (const Key& key : mapping.keys)
        allowed.push_back(key.name);
    const std::string_view meant = nearest_word(name.text, allowed);
    // What depends on the key that was meant would only repeat the error in other words.
    if (!meant.empty()) places_.mark_broken(child(path, meant));
    const bool cut_short = !meant.empty() && meant.starts_with(name.text);
    for (const Key& key : mapping.keys) {
        if (cut_short || key.type != Type::mapping || key.shape != Shape::one) continue;
        if (key.mapping.front().find(name.text) == nullptr) continue;
        return error(
            name, child(path, name.text), fmt::format("unknown {} {}", what, quote(name.text)),
            fmt::format("it belongs under '{}': {}: {{{}: ...}}", key.name, key.name, name.text));
    }
    Diagnostic unknown =
        unknown_word({places_.file(), name.line, name.column}, what, name.text, allowed);
    error(name, child(path, name.text), std::move(unknown.message), std::move(unknown.hint));
}

bool Reader::is_name(const Tree& name, const std::string& path) {
    if (name.kind == Tree::Kind::scalar && !name.text.empty()) return true;
    error(name, path, "a key is missing before ':'",
          "null and ~ are YAML for nothing: put quotes around such a name");
    return false;
}

void Reader::read_keys(const Tree& tree, const Mapping& mapping, void* target,
                       const std::string& path) {
    std::vector<const Tree*> names(mapping.keys.size());
    std::vector<const Tree*> values(mapping.keys.size());
    for (std::size_t i = 0; i < tree.keys.size() && !report_.full(); ++i) {
        const Tree& name = tree.keys[i];
        if (!is_name(name, path)) continue;
        const Key* key = mapping.find(name.text);
        if (key == nullptr) {
            unknown_key(name, mapping, path);
            continue;
        }
        const auto row = static_cast<std::size_t>(key - mapping.keys.data());
        if (names[row] != nullptr) {
            error(name, child(path, name.text), fmt::format("duplicate key '{}'", name.text),
                  fmt::format("it is first given in line {}", names[row]->line));
            continue;
        }
        names[row] = &name;
        values[row] = &tree.items[i];
    }
    for (std::size_t row = 0; row < mapping.keys.size(); ++row) {
        const Key& key = mapping.keys[row];
        if (names[row] != nullptr) {
            read_key(*names[row], *values[row], key, target, child(path, key.name));
        } else if (key.required && !places_.broken(child(path, key.name))) {
            error(tree, child(path, key.name),
                  path.empty() ? fmt::format("'{}' is missing", key.name)
                               : fmt::format("this {} has no '{}'", mapping.name, key.name));
        }
    }
}

void Reader::read_key(const Tree& name, const Tree& value, const Key& key, void* target,
                      const std::string& path) {
    if (report_.full()) return;
    if (key.availability == Availability::later) {
        return error(name, path, fmt::format("'{}' is not available in this build yet", key.name));
    }
    const bool at_value = value.kind == Tree::Kind::scalar;
    places_.note(path, at_value ? value.line : name.line, at_value ? value.column : name.column);
    if (value.kind == Tree::Kind::null && (key.type != Type::mapping || key.shape == Shape::list))
        return error(name, path, fmt::format("'{}' has no value", key.name));
    if (key.shape == Shape::named) return read_named(value, key, target, path);
    if (key.shape == Shape::list) return read_items(value, key, target, path);
    if (key.type == Type::mapping) return read_nested(value, key, target, path);
    read_scalar(value, key, key.name, target, path);
}

void Reader::read_nested(const Tree& value, const Key& key, void* target, const std::string& path) {
    if (key.can_be_none && value.kind == Tree::Kind::scalar && value.text == "none")
        return key.clear(target);
    read_mapping(value, key.mapping.front(), key.name, key.open(target, key.name), path);
}

void Reader::read_items(const Tree& value, const Key& key, void* target, const std::string& path) {
    key.clear(target);
    const bool is_list = value.kind == Tree::Kind::list;
    const std::size_t count = is_list ? value.items.size() : 1;
    for (std::size_t i = 0; i < count && !report_.full(); ++i) {
        const Tree& item = is_list ? value.items[i] : value;
        const std::string inner = child(path, std::to_string(i));
        places_.note(inner, item.line, item.column);
        if (item.kind == Tree::Kind::null) {
            error(item, inner, fmt::format("'{}' has an empty item", key.name));
        } else if (key.type == Type::mapping) {
            read_mapping(item, key.mapping.front(), key.name, key.open(target, key.name), inner);
        } else {
            read_scalar(item, key, key.name, target, inner);
        }
    }
}

void Reader::read_named(const Tree& value, const Key& key, void* target, const std::string& path) {
    if (value.kind != Tree::Kind::map && value.kind != Tree::Kind::null) {
        return error(value, path,
                     fmt::format("'{}' must be a mapping of names to values, found {}", key.name,
                                 kind_name(value.kind)));
    }
    if (key.clear) key.clear(target);
    std::unordered_map<std::string_view, int> lines;
    for (std::size_t i = 0; i < value.keys.size() && !report_.full(); ++i) {
        const Tree& name = value.keys[i];
        const Tree& item = value.items[i];
        const std::string inner = child(path, std::to_string(lines.size()));
        if (!is_name(name, path)) continue;
        const auto [first, is_new] = lines.emplace(name.text, name.line);
        if (!is_new) {
            error(name, path, fmt::format("duplicate name {} in '{}'", quote(name.text), key.name),
                  fmt::format("it is first given in line {}", first->second));
            continue;
        }
        places_.note(inner, name.line, name.column);
        if (key.type == Type::mapping) {
            read_mapping(item, key.mapping.front(), name.text, key.open(target, name.text), inner);
        } else if (item.kind == Tree::Kind::list || item.kind == Tree::Kind::map) {
            error(item, inner,
                  fmt::format("{} in '{}' must have a single value, found {}", quote(name.text),
                              key.name, kind_name(item.kind)));
        } else if (auto problem = key.parse(target, name.text, item.text)) {
            error(name, inner, fmt::format("'{}' {}", key.name, problem->message),
                  std::move(problem->hint));
        }
    }
}

void Reader::read_scalar(const Tree& value, const Key& key, std::string_view label, void* target,
                         const std::string& path) {
    if (value.kind != Tree::Kind::scalar) {
        const bool bare_ipv6 = value.kind == Tree::Kind::list && !key.form.empty();
        return error(
            value, path,
            fmt::format("'{}' must be {}, found {}", label, type_name(key), kind_name(value.kind)),
            bare_ipv6 ? "put quotes around an IPv6 address: \"[2001:db8::1]:80\"" : "");
    }
    auto problem = key.parse(target, label, value.text);
    if (!problem) return;
    auto message = problem->whole ? std::move(problem->message)
                                  : fmt::format("'{}' {}", label, problem->message);
    error(value, path, std::move(message), std::move(problem->hint));
}

}  // namespace

void read_tree(const Tree& tree, const Mapping& mapping, const Mapping* other, void* target,
               Places& places, Report& report) {
    assert(target != nullptr);
    assert(tree.kind == Tree::Kind::map || tree.kind == Tree::Kind::null);
    Reader(other, places, report).read_mapping(tree, mapping, mapping.name, target, "");
}

}  // namespace poise::config
