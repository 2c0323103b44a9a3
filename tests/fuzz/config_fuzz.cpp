// Feeds noise to the configuration's reader. What loads must survive being written out.
#include "config/load.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace poise::config;
    const std::string_view text(reinterpret_cast<const char*>(data), size);

    if (const auto config = parse_config(text, "fuzz.yaml", "/nonexistent")) {
        const auto again = parse_config(effective_yaml(*config), "effective.yaml", "/nonexistent");
        if (!again || *again != *config) std::abort();
    }
    if (const auto node = parse_node(text, "fuzz.yaml")) {
        const auto again = parse_node(effective_yaml(*node), "effective.yaml");
        if (!again || *again != *node) std::abort();
    }
    return 0;
}
