// The configuration and the words of `poise demo`.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace poise::app {

struct DemoPlaces {
    std::string demo;      // the address as given, ":8080"
    std::string sticky;    // the same with the next port
    std::string demo_url;  // "http://localhost:8080"
    std::string sticky_url;
};

/// The error is a sentence: `listen` has no port, or none after it.
std::expected<DemoPlaces, std::string> demo_places(std::string_view listen);

/// Two services over the three servers: "demo" spreads, "sticky" keeps a client by cookie.
std::string demo_yaml(const DemoPlaces& places, const std::array<std::uint16_t, 3>& ports);

/// What to try. `control`: `poise status` finds this Poise; `keys`: there are keys to press.
std::string demo_text(const DemoPlaces& places, bool control, bool keys);

}  // namespace poise::app
