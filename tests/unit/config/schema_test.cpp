#include "config/schema.hpp"

#include "config/draft.hpp"
#include "config/load.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

using namespace poise::config;

namespace {

// Calls `visit` for each row of `mapping` and of the mappings in it.
template <typename Visit>
void for_each_key(const Mapping& mapping, const Visit& visit) {
    for (const Key& key : mapping.keys) {
        visit(mapping, key);
        if (key.type == Type::mapping) for_each_key(key.mapping.front(), visit);
    }
}

std::string content_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_SUITE("config/schema") {
    TEST_CASE("every row is whole") {
        for (const Mapping& root : {config_mapping(), node_mapping()}) {
            for_each_key(root, [](const Mapping& mapping, const Key& key) {
                CAPTURE(mapping.name);
                CAPTURE(key.name);
                CHECK(key.help.ends_with('.'));
                if (key.availability == Availability::later) return;
                CHECK((key.type == Type::mapping ? bool(key.open) : bool(key.parse)));
                if (key.effective)
                    CHECK((key.type == Type::mapping ? bool(key.nested) : bool(key.print)));
                if (key.type == Type::mapping) CHECK(key.mapping.size() == 1);
                if (key.shape == Shape::list) CHECK(bool(key.clear));
                if (key.can_be_none) CHECK(bool(key.clear));
            });
        }
    }

    TEST_CASE("no mapping has a key twice, and no two mappings share a name") {
        for (const Mapping& root : {config_mapping(), node_mapping()}) {
            std::set<std::pair<std::string_view, std::string_view>> seen;
            for_each_key(root, [&](const Mapping& mapping, const Key& key) {
                CHECK(mapping.find(key.name) == &key);
                seen.emplace(mapping.name, key.name);
            });
            CHECK(seen.contains({"timeouts", "idle"}) == (root.name == "poise.yaml"));
        }
    }

    TEST_CASE("a default is in its own range") {
        for (const Mapping& root : {config_mapping(), node_mapping()}) {
            for_each_key(root, [](const Mapping& mapping, const Key& key) {
                if (key.type == Type::text || key.type == Type::mapping) return;
                Draft draft;
                CAPTURE(mapping.name);
                CAPTURE(key.name);
                for (const std::string& text : key.default_values) {
                    const auto number = key.type == Type::duration ? parse_duration(text)->count()
                                        : key.type == Type::size && text != "unlimited"
                                            ? static_cast<std::int64_t>(*parse_size(text))
                                            : parse_integer(text).value_or(key.min);
                    CHECK(number >= key.min);
                    if (key.max != 0) CHECK(number <= key.max);
                }
            });
        }
    }

    TEST_CASE("the JSON Schema names the draft, every default and closes every mapping") {
        const std::string schema = config_json_schema();
        CHECK(schema.contains("https://json-schema.org/draft/2020-12/schema"));
        CHECK(schema.contains("\"default\": \"64KiB\""));
        CHECK(schema.contains("\"additionalProperties\": false"));
        CHECK(node_json_schema().contains("\"workers\""));
    }

    TEST_CASE("docs/CONFIG.md is what the key table says") {
        const std::string path = std::string(POISE_SOURCE_DIR) + "/docs/CONFIG.md";
        const std::string generated = config_reference_markdown();
        if (std::getenv("POISE_WRITE_DOCS") != nullptr) std::ofstream(path) << generated;

        const bool is_current = content_of(path) == generated;

        CHECK_MESSAGE(is_current,
                      "docs/CONFIG.md is out of date: run this test with POISE_WRITE_DOCS=1 in "
                      "the environment to write it anew");
    }
}
