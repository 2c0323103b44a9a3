// Signing in and out.
#include "admin/handlers.hpp"
#include "admin/json_text.hpp"
#include "admin/problem.hpp"
#include "admin/secrets.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace poise::admin {

using nlohmann::json;

namespace {

json to_object(const Api& api, const Principal& who) {
    return {{"signed_in", who.role != Role::nobody},
            {"user", who.name},
            {"role", word(who.role)},
            {"csrf", who.csrf},
            {"has_users", api.access.has_users()}};
}

std::string cookie(const Request& request, const std::string& value, bool ends) {
    return fmt::format("{}={}; Path=/; HttpOnly; Secure; SameSite=Strict{}",
                       cookie_name(request.tls), value, ends ? "; Max-Age=0" : "");
}

Response signed_in(Api& api, const Request& request, const Principal& who) {
    Response response = ok(json_text(to_object(api, who)));
    response.fields.emplace_back("Set-Cookie", cookie(request, who.session, false));
    return response;
}

// Whoever was signed in before is not any more: a session is never taken over.
void leave_former(Api& api, const Call& call) {
    if (!call.who.session.empty()) api.access.sign_out(call.who);
}

Response refused(const Access::Refused& why) {
    if (why.wait.count() == 0)
        return problem(401, "password", "Wrong name or password", "try again");
    Response response = problem(429, "too-many", "Too many wrong passwords",
                                fmt::format("the next try may be made in {} s", why.wait.count()));
    response.fields.emplace_back("Retry-After", fmt::format("{}", why.wait.count()));
    return response;
}

}  // namespace

Response get_session(Api& api, const Call& call) {
    return ok(json_text(to_object(api, call.who)));
}

Response sign_in(Api& api, const Call& call) {
    const std::string user = call.body.text("user");
    const auto who =
        api.access.sign_in(user, call.body.text("password"), call.request.client, api.now());
    Call as_user = call;
    as_user.who.name = user;
    if (!who) {
        const bool tried = who.error().wait.count() == 0;
        if (tried) record(api, as_user, "sign-in refused", "", "", "wrong name or password");
        return refused(who.error());
    }
    leave_former(api, call);
    record(api, as_user, "signed in", "", "", "");
    return signed_in(api, call.request, *who);
}

Response sign_in_by_link(Api& api, const Call& call) {
    const auto who = api.access.use_link(call.body.text("link"), api.now());
    if (!who) {
        return problem(401, "link", "This link is not valid",
                       "it works once, and only until there is a user; a new start of Poise "
                       "prints another one, or use `poise user add`");
    }
    leave_former(api, call);
    Call as_first = call;
    as_first.who = *who;
    record(api, as_first, "signed in by the one-time link", "", "", "");
    return signed_in(api, call.request, *who);
}

Response sign_out(Api& api, const Call& call) {
    api.access.sign_out(call.who);
    record(api, call, "signed out", "", "", "");
    Response response = no_content();
    response.fields.emplace_back("Set-Cookie", cookie(call.request, "", true));
    return response;
}

Response change_password(Api& api, const Call& call) {
    const std::string name = call.who.name;
    if (call.who.session.empty() || api.access.users().find(name) == nullptr)
        return problem(409, "no-password", "There is no password to change",
                       "only a user who is signed in has one");
    const std::string password = call.body.text("password");
    if (auto wrong = password_problem(password); !wrong.empty())
        return bad_field("/password", wrong);
    const auto checked =
        api.access.check_password(name, call.body.text("current"), call.request.client, api.now());
    if (!checked) return refused(checked.error());
    const auto changed =
        api.access.change([&](Users& users) { return set_password(users, name, password); });
    if (!changed) return problem(500, "users", "The password was not changed", changed.error());
    record(api, call, "password changed", name, "", "");
    return signed_in(api, call.request, api.access.renew(call.who, api.now()));
}

}  // namespace poise::admin
