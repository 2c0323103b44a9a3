// Writes docs/CONFIG.md, by the key table.
#include "config/load.hpp"
#include "config/model.hpp"
#include "config/preset.hpp"
#include "config/schema.hpp"

#include <fmt/format.h>

#include <set>

namespace poise::config {

namespace {

constexpr std::string_view introduction = R"(# The configuration

This page is made from the key table in `config/schema_*.cpp`; do not edit it by hand.
The unit test `config_tests` compares the two and says how to write it anew.

Poise reads two YAML files. `poise.yaml` says what is balanced; `node.yaml` says who this
machine is and may be missing. `poise check FILE` tells every error of a file with its line
and column, and `poise check --effective FILE` prints all values in force.

- A single value is enough for the common case, a mapping says the rest: `listen: ":8080"` and
  `listen: [{address: ":8080", proxy_protocol: true}]` are the same key. Where a list is
  expected, one item may stand alone.
- Durations have a unit: `200ms`, `2s`, `30m`, `1h`, `7d`. So do sizes: `512B`, `64KiB`,
  `1MiB`, `2GiB`. Only `0` needs none in a size.
- Unknown keys and keys that stand twice are errors.
- YAML anchors, aliases and tags are refused; `defaults` holds what services share.
- Put quotes around `":80"`, `"[2001:db8::1]:80"` and `"*.example.com"`: YAML reads some of
  their characters as its own.

```yaml
services:
  web:
    listen: ":8080"
    health: {check: http, path: /healthz}
    persistence: cookie
    rules:
      - {match: {path_prefix: /api/}, use: api}
    servers:
      - 10.0.0.11:80
      - {name: web2, address: "10.0.0.12:80", weight: 200}
  api:
    servers: [10.0.0.31:8080, 10.0.0.32:8080]
```
)";

std::string words_text(const Key& key) {
    std::string text;
    for (const Word& word : key.words) {
        text += fmt::format("{}`{}`{}", text.empty() ? "" : ", ", word.text,
                            word.available ? "" : "\\*");
    }
    return text;
}

std::string link_to(const Key& key) {
    const Mapping& mapping = key.mapping.front();
    auto link = fmt::format("[{}](#{})", mapping.name, mapping.name);
    if (mapping.shorthand.empty()) return link;
    const Key& scalar = mapping.shorthand_key();
    const std::string text = scalar.type == Type::word      ? "a word"
                             : scalar.type == Type::integer ? "a number"
                             : scalar.form.empty()          ? "a text"
                                                            : std::string(scalar.form);
    return fmt::format("{} or {}{}", text, link, key.can_be_none ? " or `none`" : "");
}

std::string type_text(const Key& key) {
    const std::string words = key.words.empty() ? "" : " or " + words_text(key);
    switch (key.type) {
        case Type::text:
            return key.form.empty() ? "text" : std::string(key.form);
        case Type::duration:
            return fmt::format("duration from {} to {}{}", format_duration(milliseconds(key.min)),
                               format_duration(milliseconds(key.max)), words);
        case Type::size:
            return fmt::format("size from {} to {}{}",
                               format_size(static_cast<std::uint64_t>(key.min)),
                               format_size(static_cast<std::uint64_t>(key.max)), words);
        case Type::integer:
            return fmt::format("{} to {}{}", key.min, key.max, words);
        case Type::boolean:
            return "`true` or `false`";
        case Type::word:
            return words_text(key);
        case Type::mapping:
            return link_to(key);
    }
    return {};
}

std::string shaped_type(const Key& key) {
    if (key.shape == Shape::list) return fmt::format("one or a list of: {}", type_text(key));
    if (key.shape == Shape::named) return fmt::format("names to {}", type_text(key));
    return type_text(key);
}

std::string default_text(const Key& key) {
    if (key.availability == Availability::later) return "";
    if (key.required) return "required";
    if (key.type == Type::mapping) return key.can_be_none ? "`none`" : "";
    if (key.shape == Shape::named) return "";
    std::string text;
    for (const std::string& value : key.default_values) {
        const std::string shown = value.empty() ? "\"\"" : value;
        text += fmt::format("{}`{}`", text.empty() ? "" : ", ", shown);
    }
    return text.empty() && key.shape == Shape::list ? "`[]`" : text;
}

std::string help_text(const Key& key) {
    switch (key.availability) {
        case Availability::now:
            return key.help;
        case Availability::later:
            return key.help + " **Not available in this build yet.**";
        case Availability::later_true:
            return key.help + " **`true` is not available in this build yet.**";
    }
    return {};
}

bool has_later_word(const Mapping& mapping) {
    for (const Key& key : mapping.keys) {
        for (const Word& word : key.words) {
            if (!word.available) return true;
        }
    }
    return false;
}

class Page {
public:
    std::string text{introduction};

    // The mapping's table, then the tables of the mappings in it, each once.
    void add(const Mapping& mapping, std::string_view heading) {
        if (!done_.emplace(mapping.name).second) return;
        text += fmt::format("\n{} {}\n\n{}\n\n", heading, mapping.name, mapping.help);
        text += "| key | value | default | meaning |\n|---|---|---|---|\n";
        for (const Key& key : mapping.keys) {
            text += fmt::format("| `{}` | {} | {} | {} |\n", key.name, shaped_type(key),
                                default_text(key), help_text(key));
        }
        if (has_later_word(mapping)) text += "\n\\* Not available in this build yet.\n";
        for (const Key& key : mapping.keys) {
            if (key.type == Type::mapping) add(key.mapping.front(), "###");
        }
    }

private:
    std::set<std::string_view> done_;
};

}  // namespace

std::string config_reference_markdown() {
    Page page;
    const Mapping config = config_mapping();
    const Mapping node = node_mapping();
    page.add(config, "##");
    page.text += presets_markdown();
    page.add(node, "##");
    return std::move(page.text);
}

}  // namespace poise::config
