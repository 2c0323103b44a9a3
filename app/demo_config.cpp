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

std::string demo_text(const DemoPlaces& places, const DemoWords& words) {
    std::string text = fmt::format(
        "Poise balances three demo servers: {}\n\nTry, in another terminal:\n", places.demo_url);
    const auto out = std::back_inserter(text);
    // What it does stands behind a command, or below it when there is no room.
    const auto add = [&](std::string command, std::string_view what) {
        constexpr std::size_t width = 40;
        if (command.size() > width) {
            text += "  " + command + '\n';
            command.clear();
        }
        if (!what.empty()) fmt::format_to(out, "  {:<{}}  {}\n", command, width, what);
    };
    const auto poise = [&](std::string_view rest) {
        return fmt::format("{} {}{}", words.poise, rest, words.control);
    };
    if (!words.page.empty()) add(words.page, "the web page; signs you in, once");
    add("curl " + places.demo_url, "again: each answer names its server");
    add(fmt::format("curl -i {}/slow", places.demo_url), "the whole answer, after 3 s");
    add("curl -c jar -b jar " + places.sticky_url, "again: a cookie keeps the server");
    add(fmt::format("while curl -fsS {}; do sleep .1; done", places.demo_url),
        "kill a server: no request fails");
    if (words.has_control) {
        add(poise("status --watch"), "the servers, from outside");
        add(poise("drain demo/red"), "maintenance");
        add(poise("online demo/red"), "the end of it");
        add(poise("why"), "what was refused or has failed");
    }
    text += words.has_keys ? "\nKeys here: 1 2 3 kill or revive red, green, blue; q quits.\n\n"
                           : "\nCtrl-C ends it.\n";
    return text;
}

}  // namespace poise::app
