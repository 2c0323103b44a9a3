// The configuration: read, checked, applied, taken back.
#include "admin/handlers.hpp"
#include "admin/json_text.hpp"
#include "admin/line_diff.hpp"
#include "admin/problem.hpp"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace poise::admin {

using nlohmann::json;

namespace {

std::vector<FieldProblem> fields_of(const std::vector<ConfigProblem>& problems) {
    std::vector<FieldProblem> fields;
    for (const ConfigProblem& problem : problems)
        fields.push_back({"/text", problem.message, problem.line, problem.column, problem.hint});
    return fields;
}

json to_array(const std::vector<ConfigProblem>& problems) {
    json list = json::array();
    for (const ConfigProblem& problem : problems) {
        list.push_back({{"line", problem.line},
                        {"column", problem.column},
                        {"message", problem.message},
                        {"hint", problem.hint}});
    }
    return list;
}

json to_array(const std::vector<DiffLine>& lines) {
    json list = json::array();
    for (const DiffLine& line : lines) {
        list.push_back({{"kind", std::string(1, line.kind)},
                        {"before", line.before},
                        {"after", line.after},
                        {"text", line.text}});
    }
    return list;
}

Response unreadable(const std::string& why) {
    return problem(409, "no-file", "There is no file to change", why);
}

Response failed(const ConfigStore::Failure& failure) {
    using Kind = ConfigStore::Failure::Kind;
    switch (failure.kind) {
        case Kind::no_file:
            return unreadable(failure.detail);
        case Kind::conflict:
            return problem(409, "conflict", "The file has changed meanwhile", failure.detail);
        case Kind::refused:
            return problem(422, "config", "The configuration has errors; nothing has changed",
                           failure.detail, fields_of(failure.problems));
        case Kind::io:
            break;
    }
    return problem(500, "write", "The file could not be written; nothing has changed",
                   failure.detail);
}

Response apply(Api& api, const Call& call, std::string text, std::string comment,
               std::string_view said) {
    const auto now = std::chrono::floor<std::chrono::seconds>(api.now().time_since_epoch()).count();
    const auto applied = api.config.apply({.text = std::move(text),
                                           .expected_version = call.body.text("expected_version"),
                                           .who = call.who.name,
                                           .comment = std::move(comment),
                                           .at = now});
    if (!applied) return failed(applied.error());
    record(api, call, said, api.config.path(), applied->version_before, applied->version);
    return ok(json_text(json{{"version", applied->version},
                             {"generation", applied->generation},
                             {"changes", applied->changes}}));
}

std::optional<std::string> revision_text(Api& api, const Call& call) {
    std::uint64_t number = 0;
    const std::string& name = call.names[0];
    const char* const end = name.data() + name.size();
    const auto [at, error] = std::from_chars(name.data(), end, number);
    if (error != std::errc{} || at != end) return std::nullopt;
    return api.config.history().text_of(number);
}

Response no_revision(const Call& call) {
    return not_found(fmt::format("the history has no number '{}'", call.names[0]));
}

}  // namespace

Response get_config(Api& api, const Call&) {
    const auto text = api.config.read();
    if (!text) return unreadable(text.error());
    return ok(json_text(
        json{{"path", api.config.path()}, {"version", text->version}, {"text", text->text}}));
}

Response check_config(Api& api, const Call& call) {
    const std::string text = call.body.text("text");
    const ConfigOutcome outcome = api.program.check(text);
    const auto before = api.config.read();
    return ok(json_text(json{
        {"ok", outcome.error.empty()},
        {"error", outcome.error},
        {"errors", to_array(outcome.problems)},
        {"changes", outcome.changes},
        {"version", before ? before->version : ""},
        {"diff", to_array(line_diff(before ? before->text : "", text))},
    }));
}

Response put_config(Api& api, const Call& call) {
    return apply(api, call, call.body.text("text"), call.body.text("comment"),
                 "configuration applied to");
}

Response get_config_history(Api& api, const Call&) {
    json list = json::array();
    for (const Revision& revision : api.config.history().revisions()) {
        list.push_back({{"number", revision.number},
                        {"at", time_text(revision.at)},
                        {"who", revision.who},
                        {"comment", revision.comment},
                        {"version", revision.version}});
    }
    return ok(json_text(list));
}

Response get_config_revision(Api& api, const Call& call) {
    const auto text = revision_text(api, call);
    if (!text) return no_revision(call);
    const auto now = api.config.read();
    return ok(json_text(json{{"text", *text},
                             {"version", config_version(*text)},
                             {"diff", to_array(line_diff(now ? now->text : "", *text))}}));
}

Response restore_config(Api& api, const Call& call) {
    auto text = revision_text(api, call);
    if (!text) return no_revision(call);
    return apply(api, call, std::move(*text), fmt::format("back to number {}", call.names[0]),
                 "configuration rolled back in");
}

Response reload_config(Api& api, const Call& call) {
    const ConfigOutcome outcome = api.program.reload();
    if (!outcome.error.empty()) {
        return problem(422, "config", "The configuration has errors; nothing has changed",
                       outcome.error, fields_of(outcome.problems));
    }
    record(api, call, "reload", "", "", fmt::format("generation {}", outcome.generation));
    return ok(json_text(json{{"generation", outcome.generation}, {"changes", outcome.changes}}));
}

}  // namespace poise::admin
