// The tables of node.yaml.
#include "config/bind.hpp"
#include "config/schema_parts.hpp"
#include "config/text_form.hpp"

#include <utility>

namespace poise::config {

using namespace std::chrono_literals;
using bind::integer;
using bind::later;
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

Key later_group(std::string_view name, Mapping mapping, std::string help) {
    Key key = group(name, std::move(mapping), std::move(help));
    key.availability = Availability::later;
    key.effective = false;
    return key;
}

std::optional<Problem> check_node_name(std::string_view text) {
    return text.empty() ? std::nullopt : check_name(text);
}

Mapping node_part() {
    return {"node",
            "Who this machine is and how much of it Poise takes.",
            {text("name", &T::name, check_node_name, "Empty: the host's name."),
             integer("workers", &T::workers, {1, 64, "auto"},
                     "Threads that carry traffic; `auto` is one a core."),
             word("io", &T::io, io_words, "How sockets are waited for."),
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

Mapping admin_part() {
    return {"admin",
            "The web page and the REST API.",
            {later("http", "Where to listen without TLS."), later("https", "Where to listen."),
             later("users_file", "The users and their roles.")},
            ""};
}

}  // namespace

Mapping node_mapping() {
    return {
        "node.yaml",
        "Who this machine is. Never replicated; every key has a default and the file may be "
        "missing.",
        {group("node", node_part(), "This machine."),
         later_group("admin", admin_part(), "The web page and the REST API."),
         bind::part("cluster", &Node::cluster, cluster_mapping(), "The other node of the pair."),
         group("log", log_part(), "Messages and the access log.")},
        ""};
}

}  // namespace poise::config
