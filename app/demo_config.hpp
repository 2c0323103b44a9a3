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

struct DemoWords {
    std::string poise = "poise";  // how a shell finds this program
    std::string control;          // what its commands need behind them: "", " --control PATH"
    std::string page = {};        // the web page, with its one-time link; empty: there is none
    bool has_control = false;     // they find this Poise at all
    bool has_keys = false;        // there are keys to press
};

/// What to try.
std::string demo_text(const DemoPlaces& places, const DemoWords& words);

}  // namespace poise::app
