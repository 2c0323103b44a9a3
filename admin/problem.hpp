// Problem documents (RFC 9457): every error of the API says what is wrong, and of which field.
#pragma once

#include "admin/message.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace poise::admin {

struct FieldProblem {
    std::string field;   // JSON pointer into the body, "/weight"; or a query's name
    std::string detail;  // what is wrong with it
    int line = 0;        // of the configuration text; 0: not about a text
    int column = 0;
    std::string hint = {};
};

/// `kind` ends the type's URN: "urn:poise:problem:conflict".
Response problem(unsigned status, std::string_view kind, std::string_view title,
                 std::string_view detail, const std::vector<FieldProblem>& fields = {});

/// 400 for one field.
Response bad_field(std::string_view field, std::string_view detail);
Response not_found(std::string_view detail);

}  // namespace poise::admin
