// The table of endpoints: what there is, who may use it, what a body holds.
#include "admin/handlers.hpp"
#include "admin/secrets.hpp"

#include <array>

namespace poise::admin {

namespace {

using enum FieldType;
using enum Role;

constexpr std::int64_t name_max = 64;
constexpr auto password_most = static_cast<std::int64_t>(password_bytes_max);

constexpr std::array sign_in_fields{
    BodyField{"user", text, true, 1, name_max, "The user's name."},
    BodyField{"password", text, true, 1, password_most, "The password."},
};
constexpr std::array link_fields{
    BodyField{"link", text, true, 1, 128, "What the one-time link ends with."},
};
constexpr std::array password_fields{
    BodyField{"current", text, true, 1, password_most, "The password until now."},
    BodyField{"password", text, true, 1, password_most, "The new password."},
};
constexpr std::array weight_fields{
    BodyField{"weight", integer, true, 0, 256, "0 drains; 100 is the default."},
};
constexpr std::array text_fields{
    BodyField{"text", text, true, 0, 3 << 20, "The whole of poise.yaml."},
};
constexpr std::array put_config_fields{
    BodyField{"text", text, true, 0, 3 << 20, "The whole of poise.yaml."},
    BodyField{"expected_version", text, true, 1, 64, "The version that the change started from."},
    BodyField{"comment", text, false, 0, 500, "Why, for the history."},
};
constexpr std::array restore_fields{
    BodyField{"expected_version", text, true, 1, 64, "The version that is replaced."},
};
constexpr std::array user_fields{
    BodyField{"name", text, true, 1, name_max, "Letters, digits, '.', '_', '@', '-'."},
    BodyField{"role", text, true, 1, 16, "viewer, operator or administrator."},
    BodyField{"password", text, true, 1, password_most, "At least 10 characters."},
};
constexpr std::array put_user_fields{
    BodyField{"role", text, false, 1, 16, "viewer, operator or administrator."},
    BodyField{"password", text, false, 1, password_most, "At least 10 characters."},
};
constexpr std::array token_fields{
    BodyField{"name", text, true, 1, name_max, "What it is for."},
    BodyField{"role", text, true, 1, 16, "viewer, operator or administrator."},
    BodyField{"days", integer, false, 1, 3'650, "Days until it expires; never without it."},
};

constexpr std::array client_query{
    QueryField{"server", "Only clients of this server."},
    QueryField{"client", "Only this client: an address, or the text that it is known by."},
    QueryField{"limit", "At most so many, 1 to 1000; 100 without it."},
};
constexpr std::array flow_query{
    QueryField{"service", "Only flows of this service."},
    QueryField{"server", "Only flows to this server."},
    QueryField{"client", "Only flows of this address."},
    QueryField{"limit", "At most so many, 1 to 1000; 100 without it."},
};

using enum Method;

constexpr std::array table{
    Endpoint{get, "/api/v1/session", nobody, get_session, "Who is signed in", {}, "session"},
    Endpoint{post, "/api/v1/session", nobody, sign_in, "Sign in", sign_in_fields, "session"},
    Endpoint{post, "/api/v1/session/link", nobody, sign_in_by_link,
             "Sign in by the one-time link of a node without users", link_fields, "session"},
    Endpoint{delete_, "/api/v1/session", viewer, sign_out, "Sign out", {}, "session", 204},
    Endpoint{put, "/api/v1/session/password", viewer, change_password, "Change one's password",
             password_fields, "session"},

    Endpoint{
        get, "/api/v1/status", viewer, get_status, "All that `poise status` knows", {}, "services"},
    Endpoint{get, "/api/v1/services", viewer, get_services, "All services", {}, "services"},
    Endpoint{get, "/api/v1/services/{service}", viewer, get_service, "One service", {}, "services"},
    Endpoint{get,
             "/api/v1/services/{service}/servers/{server}",
             viewer,
             get_server,
             "One server",
             {},
             "services"},
    Endpoint{post,
             "/api/v1/services/{service}/servers/{server}/drain",
             operator_,
             drain_server,
             "Let a server end what it has",
             {},
             "services"},
    Endpoint{post,
             "/api/v1/services/{service}/servers/{server}/halt",
             operator_,
             halt_server,
             "Stop using a server at once",
             {},
             "services"},
    Endpoint{post,
             "/api/v1/services/{service}/servers/{server}/online",
             operator_,
             online_server,
             "Use a server again",
             {},
             "services"},
    Endpoint{put, "/api/v1/services/{service}/servers/{server}/weight", operator_, weigh_server,
             "Change a server's weight while running", weight_fields, "services"},
    Endpoint{get,
             "/api/v1/services/{service}/clients",
             viewer,
             get_clients,
             "Clients that persistence keeps on their servers",
             {},
             "services",
             200,
             client_query},
    Endpoint{delete_,
             "/api/v1/services/{service}/clients/{key}",
             operator_,
             forget_client,
             "Forget a client, which then gets a server anew",
             {},
             "services",
             204},
    Endpoint{get,
             "/api/v1/flows",
             viewer,
             get_flows,
             "Flows of layer 4",
             {},
             "services",
             200,
             flow_query},
    Endpoint{get,
             "/api/v1/incidents",
             viewer,
             get_incidents,
             "The last refused or failed requests and dropped packets",
             {},
             "services"},
    Endpoint{get,
             "/api/v1/incidents/{id}",
             viewer,
             get_incident,
             "Why a request failed, or all of a service, by its name",
             {},
             "services"},
    Endpoint{get,
             "/api/v1/certificates",
             viewer,
             get_certificates,
             "Certificates and their ends",
             {},
             "services"},

    Endpoint{post,
             "/api/v1/pair/takeover",
             operator_,
             take_over,
             "This node takes the floating addresses over",
             {},
             "pair",
             202},
    Endpoint{post,
             "/api/v1/pair/standby",
             operator_,
             stand_by,
             "The other node takes the floating addresses over",
             {},
             "pair",
             202},

    Endpoint{get, "/api/v1/events", viewer, get_events, "What happened last", {}, "events"},
    Endpoint{get,
             "/api/v1/stream",
             viewer,
             stream_events,
             "Status and events as they come",
             {},
             "events"},
    Endpoint{get, "/api/v1/audit", administrator, get_audit, "Who has changed what", {}, "events"},

    Endpoint{get,
             "/api/v1/alerts",
             viewer,
             get_alerts,
             "What is wrong now, and who was told",
             {},
             "events"},
    Endpoint{post,
             "/api/v1/alerts/test",
             administrator,
             test_alerts,
             "Send a message that says that it is a test",
             {},
             "events",
             202},

    Endpoint{get, "/api/v1/config", viewer, get_config, "The text of poise.yaml", {}, "config"},
    Endpoint{post, "/api/v1/config/check", administrator, check_config,
             "Is a text good, and what would it change?", text_fields, "config"},
    Endpoint{put, "/api/v1/config", administrator, put_config, "Check, write and load a text",
             put_config_fields, "config"},
    Endpoint{get,
             "/api/v1/config/history",
             administrator,
             get_config_history,
             "Earlier texts",
             {},
             "config"},
    Endpoint{get,
             "/api/v1/config/history/{number}",
             administrator,
             get_config_revision,
             "One earlier text",
             {},
             "config"},
    Endpoint{post, "/api/v1/config/history/{number}/restore", administrator, restore_config,
             "Go back to an earlier text", restore_fields, "config"},
    Endpoint{
        post, "/api/v1/reload", administrator, reload_config, "Load the file again", {}, "config"},

    Endpoint{get, "/api/v1/users", administrator, get_users, "All users", {}, "users"},
    Endpoint{post, "/api/v1/users", administrator, post_user, "Add a user", user_fields, "users",
             201},
    Endpoint{put, "/api/v1/users/{user}", administrator, put_user,
             "Change a user's role or password", put_user_fields, "users"},
    Endpoint{delete_,
             "/api/v1/users/{user}",
             administrator,
             delete_user,
             "Remove a user",
             {},
             "users",
             204},
    Endpoint{get, "/api/v1/tokens", administrator, get_tokens, "All API tokens", {}, "users"},
    Endpoint{post, "/api/v1/tokens", administrator, post_token, "Make an API token", token_fields,
             "users", 201},
    Endpoint{delete_,
             "/api/v1/tokens/{id}",
             administrator,
             delete_token,
             "End an API token",
             {},
             "users",
             204},

    Endpoint{get,
             "/api/v1/history",
             viewer,
             get_history,
             "Points of graphs: ?service=NAME (all without it), ?range=hour|day|week|month|year",
             {},
             "metrics"},
    Endpoint{get,
             "/metrics",
             viewer,
             get_metrics,
             "All figures, as Prometheus reads them",
             {},
             "metrics"},
    Endpoint{get, "/healthz", nobody, get_health, "The administration answers", {}, "metrics"},

    Endpoint{get, "/api/v1/openapi.json", viewer, get_openapi, "This document", {}, "document"},
};

}  // namespace

std::span<const Endpoint> endpoints() {
    return table;
}

}  // namespace poise::admin
