// The JSON body of a request: read by the endpoint's own list of fields, so that what the API
// document promises is what is checked.
#pragma once

#include "admin/message.hpp"

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace poise::admin {

enum class FieldType : std::uint8_t { text, integer };

struct BodyField {
    std::string_view name;
    FieldType type = FieldType::text;
    bool required = true;
    std::int64_t min = 0;  // of an integer; bytes of a text
    std::int64_t max = 0;
    std::string_view help;
};

class Body {
public:
    /// The error is a problem document that names every field that is wrong.
    static std::expected<Body, Response> read(const Request& request,
                                              std::span<const BodyField> fields);

    /// Empty when it was not given.
    std::string text(std::string_view name) const;
    std::optional<std::int64_t> integer(std::string_view name) const;
    bool has(std::string_view name) const;

private:
    std::map<std::string, std::string, std::less<>> texts_;
    std::map<std::string, std::int64_t, std::less<>> integers_;
};

}  // namespace poise::admin
