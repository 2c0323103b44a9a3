#include "admin/problem.hpp"

#include "admin/json_text.hpp"

#include <nlohmann/json.hpp>

namespace poise::admin {

using nlohmann::json;

Response problem(unsigned status, std::string_view kind, std::string_view title,
                 std::string_view detail, const std::vector<FieldProblem>& fields) {
    json document{{"type", "urn:poise:problem:" + std::string(kind)},
                  {"title", title},
                  {"status", status},
                  {"detail", detail}};
    for (const FieldProblem& field : fields) {
        json entry{{"field", field.field}, {"detail", field.detail}};
        if (field.line > 0) {
            entry["line"] = field.line;
            entry["column"] = field.column;
        }
        if (!field.hint.empty()) entry["hint"] = field.hint;
        document["errors"].push_back(std::move(entry));
    }
    Response response;
    response.status = status;
    response.type = "application/problem+json";
    response.body = json_text(document);
    return response;
}

Response bad_field(std::string_view field, std::string_view detail) {
    return problem(400, "bad-request", "The request is wrong",
                   std::string(field) + " " + std::string(detail),
                   {{.field = std::string(field), .detail = std::string(detail)}});
}

Response not_found(std::string_view detail) {
    return problem(404, "not-found", "There is no such thing", detail);
}

}  // namespace poise::admin
