// What the tests of loading share: the errors of a text as one text, and small configurations.
#pragma once

#include "config/load.hpp"

#include <doctest/doctest.h>

#include <string>

namespace poise::config {

/// "3:5 message" for each error, with " | hint" when there is one, a line each; empty when the
/// text loads.
inline std::string errors_of(const Diagnostics& diagnostics) {
    std::string text;
    for (const Diagnostic& each : diagnostics) {
        if (!text.empty()) text += "\n";
        text += std::to_string(each.at.line) + ":" + std::to_string(each.at.column) + " " +
                each.message;
        if (!each.hint.empty()) text += " | " + each.hint;
    }
    return text;
}

inline std::string config_errors(const std::string& yaml, const std::string& folder = ".") {
    const auto config = parse_config(yaml, "poise.yaml", folder);
    return config ? "" : errors_of(config.error());
}

inline std::string node_errors(const std::string& yaml) {
    const auto node = parse_node(yaml, "node.yaml");
    return node ? "" : errors_of(node.error());
}

/// The configuration of a text that must load.
inline Config loaded(const std::string& yaml, const std::string& folder = ".") {
    auto config = parse_config(yaml, "poise.yaml", folder);
    if (!config) FAIL(errors_of(config.error()));
    return std::move(*config);
}

/// A service named web that loads, with `lines` (each indented by four) added from line 3 on.
inline std::string service_with(const std::string& lines) {
    return "services:\n  web:\n" + lines + "    listen: \":8080\"\n    servers: [10.0.0.1:80]\n";
}

struct BadText {
    std::string yaml;
    std::string errors;
};

}  // namespace poise::config
