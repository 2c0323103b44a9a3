// The OpenAPI document, made from the table of endpoints.
#include "admin/handlers.hpp"
#include "admin/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

namespace poise::admin {

using nlohmann::json;

namespace {

json schema_of(const BodyField& field) {
    json schema{{"description", field.help}};
    if (field.type == FieldType::integer) {
        schema.update({{"type", "integer"}, {"minimum", field.min}, {"maximum", field.max}});
    } else {
        schema.update({{"type", "string"}, {"minLength", field.min}, {"maxLength", field.max}});
    }
    return schema;
}

json body_of(const Endpoint& endpoint) {
    json properties = json::object();
    json required = json::array();
    for (const BodyField& field : endpoint.fields) {
        properties[std::string(field.name)] = schema_of(field);
        if (field.required) required.push_back(field.name);
    }
    json schema{
        {"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
    if (!required.empty()) schema["required"] = std::move(required);
    return {{"required", true}, {"content", {{"application/json", {{"schema", schema}}}}}};
}

json parameters_of(std::string_view path, std::span<const QueryField> query) {
    json list = json::array();
    for (const QueryField& field : query) {
        list.push_back({{"name", field.name},
                        {"in", "query"},
                        {"description", field.help},
                        {"schema", {{"type", "string"}}}});
    }
    for (std::size_t at = path.find('{'); at != std::string_view::npos;
         at = path.find('{', at + 1)) {
        const std::string_view name = path.substr(at + 1, path.find('}', at) - at - 1);
        list.push_back(
            {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
    }
    return list;
}

json answers_of(const Endpoint& endpoint) {
    const json problem{{"$ref", "#/components/responses/Problem"}};
    json answers{{"default", problem}};
    answers[fmt::format("{}", endpoint.success)] = {{"description", "Done"}};
    if (endpoint.least != Role::nobody) {
        answers["401"] = problem;
        answers["403"] = problem;
    }
    return answers;
}

json operation_of(const Endpoint& endpoint) {
    json operation{{"summary", endpoint.summary},
                   {"tags", json::array({endpoint.tag})},
                   {"x-poise-role", word(endpoint.least)},
                   {"responses", answers_of(endpoint)}};
    if (json parameters = parameters_of(endpoint.path, endpoint.query); !parameters.empty())
        operation["parameters"] = std::move(parameters);
    if (!endpoint.fields.empty()) operation["requestBody"] = body_of(endpoint);
    if (endpoint.least == Role::nobody) operation["security"] = json::array();
    return operation;
}

json components() {
    const json text{{"type", "string"}};
    const json number{{"type", "integer"}};
    const json error{{"type", "object"},
                     {"required", {"field", "detail"}},
                     {"properties",
                      {{"field", text},
                       {"detail", text},
                       {"line", number},
                       {"column", number},
                       {"hint", text}}}};
    const json problem{{"type", "object"},
                       {"required", {"type", "title", "status", "detail"}},
                       {"properties",
                        {{"type", text},
                         {"title", text},
                         {"status", number},
                         {"detail", text},
                         {"errors", {{"type", "array"}, {"items", error}}}}}};
    return {{"schemas", {{"Problem", problem}}},
            {"responses",
             {{"Problem",
               {{"description", "What went wrong (RFC 9457)"},
                {"content",
                 {{"application/problem+json",
                   {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}}}}},
            {"securitySchemes",
             {{"token", {{"type", "http"}, {"scheme", "bearer"}}},
              {"session",
               {{"type", "apiKey"},
                {"in", "cookie"},
                {"name", "__Host-poise"},
                {"description",
                 "Made by POST /api/v1/session; changes carry its csrf value in X-CSRF-Token"}}}}}};
}

}  // namespace

Response get_openapi(Api&, const Call&) {
    json paths = json::object();
    for (const Endpoint& endpoint : endpoints()) {
        std::string method(word(endpoint.method));
        std::ranges::transform(method, method.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        paths[std::string(endpoint.path)][method] = operation_of(endpoint);
    }
    return ok(json_text(
        json{{"openapi", "3.1.0"},
             {"info", {{"title", "Poise"}, {"version", "1"}}},
             {"security", json::array({{{"token", json::array()}}, {{"session", json::array()}}})},
             {"paths", std::move(paths)},
             {"components", components()}}));
}

}  // namespace poise::admin
