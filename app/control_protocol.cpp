#include "app/control_protocol.hpp"

#include "config/diagnostic.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

namespace poise::app {

using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 12> verbs{
    "ping",   "status", "drain",    "halt",    "online",   "weight",
    "reload", "why",    "takeover", "standby", "settings", "take_settings"};
constexpr std::uint32_t weight_max = 256;

using Keys = std::span<const std::string_view>;

// What a request of this verb may say beside its command; `needed` of them must be there.
struct Shape {
    Keys keys;
    std::size_t needed = 0;
};

Shape shape_of(ControlVerb verb) {
    static constexpr std::array<std::string_view, 1> status{"service"};
    static constexpr std::array<std::string_view, 3> weight{"service", "server", "weight"};
    static constexpr std::array<std::string_view, 1> why{"request_id"};
    static constexpr std::array<std::string_view, 1> takeover{"force"};
    switch (verb) {
        case ControlVerb::status:
            return {status, 0};
        case ControlVerb::drain:
        case ControlVerb::halt:
        case ControlVerb::online:
            return {Keys(weight).first(2), 2};
        case ControlVerb::weight:
            return {weight, 3};
        case ControlVerb::why:
            return {why, 0};
        case ControlVerb::takeover:
            return {takeover, 0};
        case ControlVerb::ping:
        case ControlVerb::reload:
        case ControlVerb::standby:
        case ControlVerb::settings:
        case ControlVerb::take_settings:
            break;
    }
    return {};
}

std::expected<ControlVerb, std::string> verb_of(const json& object) {
    const auto found = object.find("command");
    if (found == object.end() || !found->is_string())
        return std::unexpected("a request needs a \"command\"");
    const auto& text = found->get_ref<const std::string&>();
    const auto at = std::ranges::find(verbs, text);
    if (at == verbs.end()) {
        const auto unknown = config::unknown_word({}, "command", text, verbs);
        return std::unexpected(unknown.message + (unknown.hint.empty() ? "" : "; ") + unknown.hint);
    }
    return static_cast<ControlVerb>(at - verbs.begin());
}

// Empty: taken over into `request`.
std::string take_value(ControlRequest& request, std::string_view key, const json& value) {
    if (key == "weight") {
        if (!value.is_number_unsigned() || value.get<std::uint64_t>() > weight_max)
            return "\"weight\" is a whole number from 0 to 256";
        request.weight = value.get<std::uint32_t>();
        return {};
    }
    if (key == "force") {
        if (!value.is_boolean()) return "\"force\" is true or false";
        request.force = value.get<bool>();
        return {};
    }
    if (!value.is_string()) return "\"" + std::string(key) + "\" is a string";
    const auto text = value.get<std::string>();
    if (key == "service") request.service = text;
    if (key == "server") request.server = text;
    if (key == "request_id") request.request_id = text;
    return {};
}

}  // namespace

std::string_view word(ControlVerb verb) {
    return verbs[static_cast<std::size_t>(verb)];
}

std::string to_json(const ControlRequest& request) {
    json object{{"command", word(request.verb)}};
    const Shape shape = shape_of(request.verb);
    for (const std::string_view key : shape.keys) {
        if (key == "weight") object["weight"] = request.weight;
        const bool always = shape.needed > 0;
        if (key == "service" && (always || !request.service.empty()))
            object["service"] = request.service;
        if (key == "force" && request.force) object["force"] = true;
        if (key == "server") object["server"] = request.server;
        if (key == "request_id" && !request.request_id.empty())
            object["request_id"] = request.request_id;
    }
    return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::expected<ControlRequest, std::string> parse_control_request(std::string_view line) {
    const json object = json::parse(line, nullptr, false);
    if (!object.is_object()) return std::unexpected("a request is one JSON object on one line");
    const auto verb = verb_of(object);
    if (!verb) return std::unexpected(verb.error());
    ControlRequest request;
    request.verb = *verb;
    const Shape shape = shape_of(*verb);
    for (const auto& [key, value] : object.items()) {
        if (key == "command") continue;
        if (std::ranges::find(shape.keys, key) == shape.keys.end()) {
            return std::unexpected("\"" + std::string(word(*verb)) + "\" takes no \"" + key + "\"");
        }
        if (auto wrong = take_value(request, key, value); !wrong.empty())
            return std::unexpected(std::move(wrong));
    }
    for (const std::string_view key : shape.keys.first(shape.needed)) {
        if (!object.contains(std::string(key)))
            return std::unexpected("\"" + std::string(word(*verb)) + "\" needs a \"" +
                                   std::string(key) + "\"");
    }
    return request;
}

std::string to_json(const ControlAnswer& answer) {
    // The result is JSON already: put into the line as it is.
    if (answer.ok)
        return R"({"ok":true,"result":)" + (answer.result.empty() ? "null" : answer.result) + "}";
    const json object{{"ok", false}, {"error", answer.error}, {"diagnostics", answer.diagnostics}};
    return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::expected<ControlAnswer, std::string> parse_control_answer(std::string_view line) {
    const std::unexpected wrong(std::string("the answer is not one that a Poise gives"));
    const json object = json::parse(line, nullptr, false);
    if (!object.is_object() || !object.contains("ok") || !object["ok"].is_boolean()) return wrong;
    ControlAnswer answer;
    answer.ok = object["ok"].get<bool>();
    if (object.contains("result")) answer.result = object["result"].dump();
    if (answer.ok) return answer;
    const auto error = object.find("error");
    if (error == object.end() || !error->is_string()) return wrong;
    answer.error = error->get<std::string>();
    const auto diagnostics = object.find("diagnostics");
    if (diagnostics == object.end() || !diagnostics->is_array()) return answer;
    for (const json& line_of : *diagnostics)
        if (line_of.is_string()) answer.diagnostics.push_back(line_of.get<std::string>());
    return answer;
}

}  // namespace poise::app
