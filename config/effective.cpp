// Writes the values in force as YAML, by the key table.
#include "config/draft.hpp"
#include "config/load.hpp"
#include "config/schema.hpp"

#include <fmt/format.h>

namespace poise::config {

namespace {

// Double quotes take any text; what YAML or a terminal could misread is escaped.
std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            out += fmt::format("\\{}", c);
        else if (c == '\n')
            out += "\\n";
        else if (byte < 0x20 || byte == 0x7f)
            out += fmt::format("\\x{:02x}", byte);
        else
            out += c;
    }
    return out + '"';
}

std::string value_text(const Key& key, const std::string& value) {
    return key.type == Type::text ? in_quotes(value) : value;
}

class Writer {
public:
    std::string text;

    void write(const Mapping& mapping, const void* target, int depth) {
        for (const Key& key : mapping.keys) {
            if (key.effective) write_key(key, target, depth);
        }
    }

private:
    void line(int depth, std::string_view content) {
        text += fmt::format("{:{}}{}\n", "", depth * 2, content);
    }

    void write_key(const Key& key, const void* target, int depth) {
        if (key.type == Type::mapping) return write_nested(key, target, depth);
        const std::vector<std::string> values = key.print(target);
        if (key.shape == Shape::named) return write_pairs(key, values, depth);
        if (key.shape == Shape::list) {
            std::string list;
            for (const std::string& value : values)
                list += fmt::format("{}{}", list.empty() ? "" : ", ", value_text(key, value));
            return line(depth, fmt::format("{}: [{}]", key.name, list));
        }
        if (!values.empty())
            line(depth, fmt::format("{}: {}", key.name, value_text(key, values.front())));
    }

    void write_pairs(const Key& key, const std::vector<std::string>& values, int depth) {
        if (values.empty()) return line(depth, fmt::format("{}: {{}}", key.name));
        line(depth, fmt::format("{}:", key.name));
        for (std::size_t i = 0; i + 1 < values.size(); i += 2)
            line(depth + 1, fmt::format("{}: {}", in_quotes(values[i]), in_quotes(values[i + 1])));
    }

    void write_nested(const Key& key, const void* target, int depth) {
        const Mapping& mapping = key.mapping.front();
        const std::vector<const void*> all = key.nested(target);
        if (key.shape == Shape::one) {
            if (all.empty() && !key.can_be_none) return;
            if (all.empty()) return line(depth, fmt::format("{}: none", key.name));
            line(depth, fmt::format("{}:", key.name));
            return write(mapping, all.front(), depth + 1);
        }
        line(depth, all.empty() ? fmt::format("{}: []", key.name) : fmt::format("{}:", key.name));
        for (const void* each : all)
            write_item(mapping, each, depth + 1);
    }

    // The item's first line carries the dash in the place of its indentation.
    void write_item(const Mapping& mapping, const void* target, int depth) {
        const std::size_t start = text.size();
        write(mapping, target, depth + 1);
        text[start + static_cast<std::size_t>(depth) * 2] = '-';
    }
};

}  // namespace

std::string effective_yaml(const Config& config) {
    const Mapping root = config_mapping();
    const Mapping& service_mapping = root.find("services")->mapping.front();
    Writer writer;
    // Services are written one by one: they are in force as Service, not as Draft.
    Draft draft;
    draft.floating_ips = config.floating_ips;
    draft.certificates = config.certificates;
    for (const Key& key : root.keys) {
        if (key.effective && key.name != "services" && !key.nested(&draft).empty())
            writer.write({"", "", {key}, ""}, &draft, 0);
    }
    writer.text += "services:\n";
    for (const Service& service : config.services) {
        writer.text += fmt::format("  {}:\n", in_quotes(service.name));
        writer.write(service_mapping, &service, 2);
    }
    return std::move(writer.text);
}

std::string effective_yaml(const Node& node) {
    Writer writer;
    writer.write(node_mapping(), &node, 0);
    return std::move(writer.text);
}

}  // namespace poise::config
