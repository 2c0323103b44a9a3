#include "admin/body.hpp"

#include "admin/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace poise::admin {

using nlohmann::json;

namespace {

// Empty: `value` will do for `field`.
std::string wrong_with(const BodyField& field, const json& value) {
    if (field.type == FieldType::integer) {
        std::string range =
            fmt::format("must be a whole number from {} to {}", field.min, field.max);
        if (!value.is_number_integer()) return range;
        const bool large = value.is_number_unsigned() &&
                           value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
        if (large || value.get<std::int64_t>() < field.min || value.get<std::int64_t>() > field.max)
            return range;
        return {};
    }
    if (!value.is_string()) return "must be a string";
    const auto bytes = static_cast<std::int64_t>(value.get_ref<const std::string&>().size());
    if (bytes < field.min) return field.min == 1 ? "must not be empty" : "is too short";
    if (bytes > field.max) return fmt::format("has more than {} bytes", field.max);
    return {};
}

bool is_json(std::string_view content_type) {
    const std::string_view type = content_type.substr(0, content_type.find(';'));
    return type == "application/json" || type == "application/json ";
}

}  // namespace

std::expected<Body, Response> Body::read(const Request& request,
                                         std::span<const BodyField> fields) {
    Body body;
    if (fields.empty() && request.body.empty()) return body;
    // A form of another site could not send this type without asking first.
    if (!is_json(request.content_type))
        return std::unexpected(problem(415, "media-type", "The body has the wrong type",
                                       "send Content-Type: application/json"));
    const json object = json::parse(request.body, nullptr, false);
    if (!object.is_object())
        return std::unexpected(problem(400, "bad-request", "The request is wrong",
                                       "the body must be one JSON object",
                                       {{.field = "", .detail = "must be a JSON object"}}));
    std::vector<FieldProblem> wrong;
    for (const auto& [name, value] : object.items()) {
        const auto field = std::ranges::find(fields, std::string_view(name), &BodyField::name);
        std::string why = field == fields.end() ? "is not known here" : wrong_with(*field, value);
        if (!why.empty()) {
            wrong.push_back({.field = "/" + name, .detail = std::move(why)});
        } else if (field->type == FieldType::text) {
            body.texts_.emplace(name, value.get<std::string>());
        } else {
            body.integers_.emplace(name, value.get<std::int64_t>());
        }
    }
    for (const BodyField& field : fields)
        if (field.required && !object.contains(std::string(field.name)))
            wrong.push_back({.field = "/" + std::string(field.name), .detail = "is missing"});
    if (wrong.empty()) return body;
    return std::unexpected(problem(400, "bad-request", "The request is wrong",
                                   wrong.front().field + " " + wrong.front().detail, wrong));
}

std::string Body::text(std::string_view name) const {
    const auto found = texts_.find(name);
    return found == texts_.end() ? std::string() : found->second;
}

std::optional<std::int64_t> Body::integer(std::string_view name) const {
    const auto found = integers_.find(name);
    if (found == integers_.end()) return std::nullopt;
    return found->second;
}

bool Body::has(std::string_view name) const {
    return texts_.contains(name) || integers_.contains(name);
}

}  // namespace poise::admin
