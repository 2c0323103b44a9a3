#include "app/demo_config.hpp"

#include "app/demo_server.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstddef>
#include <iterator>

namespace poise::app {

namespace {

std::string url_of(std::string_view host, unsigned port) {
    const bool any = host.empty() || host == "0.0.0.0" || host == "[::]";
    return fmt::format("http://{}:{}", any ? "localhost" : host, port);
}

}  // namespace

std::expected<DemoPlaces, std::string> demo_places(std::string_view listen) {
    const std::size_t colon = listen.rfind(':');
    const std::string_view host = listen.substr(0, colon == std::string_view::npos ? 0 : colon);
    const std::string_view digits =
        colon == std::string_view::npos ? listen : listen.substr(colon + 1);
    unsigned port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    const bool whole = error == std::errc{} && end == digits.data() + digits.size();
    constexpr unsigned port_max = 65'534;  // for the next one is used too
    if (!whole || port == 0 || port > port_max) {
        return std::unexpected(
            fmt::format("--listen '{}': write an address and a port from 1 to {}, such as :8080",
                        listen, port_max));
    }
    return DemoPlaces{.demo = fmt::format("{}:{}", host, port),
                      .sticky = fmt::format("{}:{}", host, port + 1),
                      .demo_url = url_of(host, port),
                      .sticky_url = url_of(host, port + 1)};
}

std::string demo_yaml(const DemoPlaces& places, const std::array<std::uint16_t, 3>& ports) {
    std::string servers;
    for (std::size_t i = 0; i < ports.size(); ++i) {
        fmt::format_to(std::back_inserter(servers),
                       "      - {{ name: {}, address: \"127.0.0.1:{}\" }}\n", demo_faces[i].name,
                       ports[i]);
    }
    const std::string common = fmt::format(
        "    scheduler: rr\n"
        "    timeouts: {{ drain: 1s }}\n"
        "    health: {{ check: http, path: /healthz, interval: 500ms, timeout: 400ms, fall: 2, "
        "rise: 1 }}\n"
        "    servers:\n{}",
        servers);
    return fmt::format(
        "services:\n"
        "  demo:\n    listen: \"{}\"\n{}"
        "  sticky:\n    listen: \"{}\"\n    persistence: cookie\n{}",
        places.demo, common, places.sticky, common);
}

std::string demo_text(const DemoPlaces& places, bool control, bool keys) {
    std::string text = fmt::format(
        "Poise balances three demo servers: {0}\n\n"
        "Try, in another terminal:\n"
        "  curl {0}/            again and again: red, green, blue\n"
        "  curl -i {0}/         the whole answer\n"
        "  curl -i {0}/slow     an answer that takes 3 seconds\n"
        "  curl -c jar -b jar {1}/    again and again: a cookie keeps the server\n"
        "  while curl -fsS {0}/; do sleep 0.1; done\n"
        "                                      leave it running, kill a server: no request "
        "fails\n",
        places.demo_url, places.sticky_url);
    if (control) {
        text +=
            "  poise status --watch                the servers, from outside\n"
            "  poise drain demo/red                maintenance; poise online demo/red ends it\n"
            "  poise why                           what was refused or has failed\n";
    }
    text += keys ? "\nKeys here: 1 2 3 kill or revive red, green, blue; q quits.\n\n"
                 : "\nCtrl-C ends it.\n";
    return text;
}

}  // namespace poise::app
