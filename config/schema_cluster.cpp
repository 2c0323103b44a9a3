// The table of `cluster` in node.yaml: the other node of the pair.
#include "config/bind.hpp"
#include "config/endpoint.hpp"
#include "config/schema_parts.hpp"
#include "config/text_form.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace poise::config {

using namespace std::chrono_literals;

namespace {

using T = Cluster;

constexpr std::uint16_t beats_port_default = 9694;

constexpr std::array<EnumWord<Role>, 2> role_words{
    {{"master", Role::master}, {"slave", Role::slave}}};
constexpr std::array<EnumWord<Failback>, 2> failback_words{
    {{"manual", Failback::manual}, {"auto", Failback::automatic}}};

std::optional<Problem> parse_node_address(std::string_view text, std::vector<Address>& into) {
    const auto endpoint = parse_endpoint(text);
    if (!endpoint) return endpoint.error();
    if (!endpoint->address || endpoint->address->is_any()) {
        return Problem{fmt::format("must be an address of one machine, found '{}'", text),
                       "beats must not wait for a name server: 10.0.0.2:9694"};
    }
    Address address = *endpoint->address;
    if (address.port == 0) address.port = beats_port_default;
    into.push_back(address);
    return std::nullopt;
}

Key address_list(std::string_view name, std::vector<Address> T::* member, std::string help) {
    Key key = bind::row(name, Type::text, std::move(help));
    key.shape = Shape::list;
    key.form = "address:port";
    key.parse = [=](void* target, std::string_view, std::string_view given) {
        return parse_node_address(given, bind::at<T>(target).*member);
    };
    key.clear = [=](void* target) { (bind::at<T>(target).*member).clear(); };
    key.print = [=](const void* target) {
        std::vector<std::string> values;
        for (const Address& address : bind::at<T>(target).*member)
            values.push_back(to_string(address));
        return values;
    };
    return bind::with_default<T>(std::move(key));
}

}  // namespace

Mapping cluster_mapping() {
    return {
        "cluster",
        "The other node of the pair. Without it this node is alone, and holds the floating "
        "addresses itself.",
        {bind::text("key_file", &T::key_file, check_line,
                    "The key that both nodes share; `poise pair` makes it."),
         address_list(
             "bind", &T::bind,
             "Where beats of the other node are received, with UDP, and what is replicated, "
             "with TCP, one address a path; port 9694 "
             "unless it says another."),
         address_list("peers", &T::peers,
                      "The other node's addresses: the first is at the far end of the first of "
                      "`bind`, and so on. Two paths that share no cable and no switch are best."),
         bind::word("role", &T::role, role_words,
                    "Who is preferred when both are there; who is active is decided at run time."),
         bind::duration("heartbeat", &T::heartbeat, {5ms, 1s}, "Between two beats."),
         bind::word("failback", &T::failback, failback_words,
                    "Whether a master that is back, and has the settings and the state of the "
                    "active node, takes over by itself."),
         bind::text("hook", &T::hook, check_line,
                    "A program that is run at each change of owner, with what happened in its "
                    "arguments and environment: to move a cloud's elastic address, or to tell a "
                    "router. Empty: none.")},
        ""};
}

}  // namespace poise::config
