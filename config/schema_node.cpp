// The tables of node.yaml.
#include "config/bind.hpp"
#include "config/load.hpp"
#include "config/schema_parts.hpp"
#include "config/text_form.hpp"

#include <utility>

namespace poise::config {

using namespace std::chrono_literals;
using bind::integer;
using bind::row;
using bind::text;
using bind::word;

namespace {

using T = Node;

// The model keeps a node's settings in one struct; the file groups them.
Key group(std::string_view name, Mapping mapping, std::string help) {
    Key key = row(name, Type::mapping, std::move(help));
    key.open = [](void* target, std::string_view) { return target; };
    key.nested = [](const void* target) { return std::vector<const void*>{target}; };
    key.mapping.push_back(std::move(mapping));
    return key;
}

std::optional<Problem> check_node_name(std::string_view text) {
    return text.empty() ? std::nullopt : check_name(text);
}

Mapping node_part() {
    return {
        "node",
        "Who this machine is and how much of it Poise takes.",
        {text("name", &T::name, check_node_name, "Empty: the host's name."),
         integer(
             "workers", &T::workers, {1, 64, "auto"},
             "Threads that carry traffic; `auto` is one a core. Layer 4 has as many of its own, "
             "at most 8."),
         word("io", &T::io, io_words,
              "How sockets are read, written and waited for. `auto` is `io_uring` where the kernel "
              "has it and allows it (Linux 6.1, and no seccomp profile against it), else `epoll`."),
         word("fast_path", &T::fast_path, fast_path_words,
              "Layer 4: packets of flows that have begun are sent on by a program in the kernel. "
              "`auto` is where the kernel has what it needs (Linux 6.6) and allows it, else all "
              "packets go through Poise itself."),
         text("control", &T::control, check_line,
              "Path of the control socket. Empty: the default place."),
         integer("max_connections", &T::max_connections, {0, 10'000'000, "auto"},
                 "Client connections in all; `auto` is what the limit on open files allows.")},
        ""};
}

Mapping log_part() {
    return {"log",
            "What is written about the work, and where to.",
            {word("level", &T::log_level, log_level_words, "The least important line written."),
             word("format", &T::log_format, log_format_words, "Lines of text or JSON objects."),
             word("access", &T::access_log, access_log_words, "A line for each request."),
             text("file", &T::log_file, check_line, "Empty: the standard output.")},
            ""};
}

// `off`, or where to listen. The defaults are those of admin_defaults(), which are in force also
// when the group is missing; a Node made in memory has no administration.
Key admin_place(std::string_view name, std::optional<Address> Admin::* member, std::string help) {
    Key key = row(name, Type::text, std::move(help));
    key.form = "address:port";
    key.words.push_back({"off"});
    key.parse = [=](void* target, std::string_view,
                    std::string_view given) -> std::optional<Problem> {
        std::optional<Address>& place = bind::at<T>(target).admin.*member;
        place.reset();
        if (given == "off") return std::nullopt;
        const auto address = parse_listen(given);
        if (!address) return address.error();
        place = *address;
        return std::nullopt;
    };
    key.print = [=](const void* target) {
        const std::optional<Address>& place = bind::at<T>(target).admin.*member;
        return std::vector<std::string>{place ? to_string(*place) : "off"};
    };
    T defaults;
    defaults.admin = admin_defaults();
    key.default_values = key.print(&defaults);
    return key;
}

Key admin_text(std::string_view name, std::string Admin::* member, std::string help) {
    Key key = row(name, Type::text, std::move(help));
    key.parse = [=](void* target, std::string_view,
                    std::string_view given) -> std::optional<Problem> {
        if (auto problem = check_line(given)) return problem;
        bind::at<T>(target).admin.*member = given;
        return std::nullopt;
    };
    key.print = [=](const void* target) {
        return std::vector<std::string>{bind::at<T>(target).admin.*member};
    };
    key.default_values = {""};
    return key;
}

Mapping admin_part() {
    return {"admin",
            "The web page, the REST API and the metrics. Until there is a user (`poise user add`) "
            "they listen on loopback alone, whatever is written here.",
            {admin_place("http", &Admin::http,
                         "Where to listen without TLS. Whoever comes from another machine is "
                         "sent on to `https`."),
             admin_place("https", &Admin::https,
                         "Where to listen with TLS; `:9443` is every address of the node."),
             admin_text("users_file", &Admin::users_file,
                        "Users, roles and tokens. Empty: `users.yaml` beside `node.yaml`, or in "
                        "`state_dir` without one."),
             admin_text("state_dir", &Admin::state_dir,
                        "Certificate (`admin.crt`, `admin.key`), history, audit log. Empty: "
                        "`$STATE_DIRECTORY`, else `/var/lib/poise`.")},
            ""};
}

}  // namespace

Admin admin_defaults() {
    Admin admin;
    admin.http = parse_address("127.0.0.1:9080");
    admin.https = parse_address("127.0.0.1:9443");
    return admin;
}

Mapping node_mapping() {
    return {
        "node.yaml",
        "Who this machine is. Never replicated; every key has a default and the file may be "
        "missing.",
        {group("node", node_part(), "This machine."),
         group("admin", admin_part(), "The web page, the REST API and the metrics."),
         bind::part("cluster", &Node::cluster, cluster_mapping(), "The other node of the pair."),
         group("log", log_part(), "Messages and the access log."),
         bind::part("alerts", &Node::alerts, alerts_mapping(),
                    "Who is told when something goes wrong.")},
        ""};
}

}  // namespace poise::config
