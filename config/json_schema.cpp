// Writes the JSON Schema of the two files, by the key table.
#include "config/load.hpp"
#include "config/schema.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace poise::config {

namespace {

// Keys stay in the table's order: editors show them so.
using Json = nlohmann::ordered_json;

constexpr std::string_view later_note = "Not available in this build yet.";

Json words_schema(const Key& key) {
    Json words = Json::array();
    for (const Word& word : key.words) {
        words.push_back(word.text);
        // YAML 1.1 readers, which many tools still are, take a bare `off` for false.
        if (word.text == "off") words.push_back(false);
    }
    return {{"enum", words}};
}

Json number_schema(const Key& key) {
    switch (key.type) {
        case Type::duration:
            return {{"type", "string"}, {"pattern", "^[0-9]+(ms|s|m|h|d)$"}};
        case Type::size:
            return Json{{"anyOf", Json::array({Json{{"type", "string"},
                                                    {"pattern", "^(0|[0-9]+(B|KiB|MiB|GiB|TiB))$"}},
                                               Json{{"const", 0}}})}};
        default:
            return {{"type", "integer"}, {"minimum", key.min}, {"maximum", key.max}};
    }
}

Json scalar_schema(const Key& key) {
    if (key.type == Type::boolean) return {{"type", "boolean"}};
    if (key.type == Type::word) return words_schema(key);
    // A bare number or true is a text to us, but not to a JSON validator.
    if (key.type == Type::text) return {{"type", Json::array({"string", "number", "boolean"})}};
    if (key.words.empty()) return number_schema(key);
    return Json{{"anyOf", Json::array({words_schema(key), number_schema(key)})}};
}

Json default_json(const Key& key) {
    const auto one = [&](const std::string& text) -> Json {
        if (key.type == Type::boolean) return text == "true";
        if (key.type == Type::integer && parse_integer(text)) return *parse_integer(text);
        return text;
    };
    if (key.shape == Shape::one) return one(key.default_values.front());
    Json list = Json::array();
    for (const std::string& text : key.default_values)
        list.push_back(one(text));
    return list;
}

class SchemaWriter {
public:
    Json definitions = Json::object();

    Json mapping_schema(const Mapping& mapping) {
        Json properties = Json::object();
        Json required = Json::array();
        for (const Key& key : mapping.keys) {
            properties[std::string(key.name)] = key_schema(key);
            if (key.required) required.push_back(key.name);
        }
        Json schema{{"type", "object"},
                    {"description", mapping.help},
                    {"properties", std::move(properties)},
                    {"additionalProperties", false}};
        if (!required.empty()) schema["required"] = std::move(required);
        return schema;
    }

private:
    // A mapping by reference, and the scalar that may stand in its place.
    Json reference(const Key& key) {
        const Mapping& mapping = key.mapping.front();
        const std::string name(mapping.name);
        if (!definitions.contains(name)) {
            definitions[name] = nullptr;  // keeps the place: outer definitions come first
            definitions[name] = mapping_schema(mapping);
        }
        Json any = Json::array({Json{{"$ref", "#/$defs/" + name}}});
        if (!mapping.shorthand.empty()) any.push_back(scalar_schema(mapping.shorthand_key()));
        if (key.can_be_none) any.push_back(Json{{"const", "none"}});
        // An empty mapping, every line of which is commented out, is null.
        if (key.shape != Shape::list) any.push_back(Json{{"type", "null"}});
        return Json{{"anyOf", std::move(any)}};
    }

    Json key_schema(const Key& key) {
        Json value = key.type == Type::mapping ? reference(key) : scalar_schema(key);
        if (key.shape == Shape::list) {
            value =
                Json{{"anyOf", Json::array({value, Json{{"type", "array"}, {"items", value}}})}};
        } else if (key.shape == Shape::named) {
            if (key.type == Type::text) value["type"].push_back("null");
            value = Json{{"type", "object"}, {"additionalProperties", value}};
        }
        const bool later = key.availability == Availability::later;
        value["description"] = later ? fmt::format("{} {}", key.help, later_note) : key.help;
        if (!key.default_values.empty()) value["default"] = default_json(key);
        return value;
    }
};

std::string schema_text(const Mapping& root, std::string_view title) {
    SchemaWriter writer;
    Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", title}};
    schema.update(writer.mapping_schema(root));
    schema["$defs"] = std::move(writer.definitions);
    return schema.dump(2) + "\n";
}

}  // namespace

std::string config_json_schema() {
    return schema_text(config_mapping(), "poise.yaml");
}

std::string node_json_schema() {
    return schema_text(node_mapping(), "node.yaml");
}

}  // namespace poise::config
