// Users and API tokens.
#include "admin/handlers.hpp"
#include "admin/json_text.hpp"
#include "admin/problem.hpp"
#include "admin/secrets.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace poise::admin {

using nlohmann::json;

namespace {

constexpr std::int64_t day_s = 86'400;

std::int64_t now_s(const Api& api) {
    return std::chrono::floor<std::chrono::seconds>(api.now().time_since_epoch()).count();
}

Response not_changed(const std::string& why) {
    return problem(409, "users", "Nothing was changed", why);
}

Response bad_role() {
    return bad_field("/role", "must be viewer, operator or administrator");
}

}  // namespace

Response get_users(Api& api, const Call&) {
    json list = json::array();
    for (const User& user : api.access.users().users) {
        list.push_back(
            {{"name", user.name}, {"role", word(user.role)}, {"created", time_text(user.created)}});
    }
    return ok(json_text(list));
}

Response post_user(Api& api, const Call& call) {
    const std::string name = call.body.text("name");
    const std::string password = call.body.text("password");
    const auto role = role_of(call.body.text("role"));
    if (!role) return bad_role();
    if (auto wrong = name_problem(name); !wrong.empty()) return bad_field("/name", wrong);
    if (auto wrong = password_problem(password); !wrong.empty())
        return bad_field("/password", wrong);
    const auto added = api.access.change(
        [&](Users& users) { return add_user(users, name, *role, password, now_s(api)); });
    if (!added) return not_changed(added.error());
    record(api, call, "user added:", name, "", word(*role));
    Response response = ok(json_text(json{{"name", name}, {"role", word(*role)}}));
    response.status = 201;
    return response;
}

Response put_user(Api& api, const Call& call) {
    const std::string& name = call.names[0];
    const User* const user = api.access.users().find(name);
    if (user == nullptr) return not_found(fmt::format("there is no user '{}'", name));
    const Role before = user->role;
    const auto role = role_of(call.body.text("role"));
    if (call.body.has("role") && !role) return bad_role();
    const std::string password = call.body.text("password");
    if (call.body.has("password")) {
        if (auto wrong = password_problem(password); !wrong.empty())
            return bad_field("/password", wrong);
    }
    const auto changed = api.access.change([&](Users& users) -> std::expected<void, std::string> {
        if (role)
            if (auto done = set_role(users, name, *role); !done) return done;
        if (call.body.has("password")) return set_password(users, name, password);
        return {};
    });
    if (!changed) return not_changed(changed.error());
    record(api, call, call.body.has("password") ? "password set for" : "role changed of", name,
           word(before), word(role.value_or(before)));
    return ok(json_text(json{{"name", name}, {"role", word(role.value_or(before))}}));
}

Response delete_user(Api& api, const Call& call) {
    const std::string& name = call.names[0];
    if (api.access.users().find(name) == nullptr)
        return not_found(fmt::format("there is no user '{}'", name));
    if (name == call.who.name) return not_changed("nobody removes himself");
    const auto removed = api.access.change([&](Users& users) { return remove_user(users, name); });
    if (!removed) return not_changed(removed.error());
    record(api, call, "user removed:", name, "", "");
    return no_content();
}

Response get_tokens(Api& api, const Call&) {
    json list = json::array();
    for (const Token& token : api.access.users().tokens) {
        list.push_back({{"id", token.id},
                        {"name", token.name},
                        {"role", word(token.role)},
                        {"created", time_text(token.created)},
                        {"expires", token.expires == 0 ? json() : json(time_text(token.expires))},
                        {"created_by", token.created_by}});
    }
    return ok(json_text(list));
}

Response post_token(Api& api, const Call& call) {
    const std::string name = call.body.text("name");
    const auto role = role_of(call.body.text("role"));
    if (!role) return bad_role();
    if (auto wrong = name_problem(name); !wrong.empty()) return bad_field("/name", wrong);
    const std::int64_t now = now_s(api);
    const auto days = call.body.integer("days");
    NewToken made;
    const auto added = api.access.change([&](Users& users) -> std::expected<void, std::string> {
        auto token =
            add_token(users, name, *role, days ? now + *days * day_s : 0, call.who.name, now);
        if (!token) return std::unexpected(token.error());
        made = *token;
        return {};
    });
    if (!added) return not_changed(added.error());
    record(api, call, "token made:", name, "", word(*role));
    Response response = ok(json_text(json{{"id", made.id}, {"token", made.secret}}));
    response.status = 201;
    return response;
}

Response delete_token(Api& api, const Call& call) {
    const std::string& id = call.names[0];
    const auto removed = api.access.change([&](Users& users) { return remove_token(users, id); });
    if (!removed) return not_found(removed.error());
    record(api, call, "token ended:", id, "", "");
    return no_content();
}

}  // namespace poise::admin
