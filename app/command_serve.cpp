// `poise serve`: what a service manager runs.
#include "app/commands.hpp"
#include "app/serving.hpp"
#include "app/unix_path.hpp"

#include <filesystem>
#include <ostream>
#include <system_error>
#include <utility>

namespace poise::app {

namespace {

constexpr const char* no_file_hint =
    "name the file with --config PATH; `poise demo` and `poise proxy` need none";

}  // namespace

int run_serve(const ServeOptions& options, Terminal& terminal) {
    std::expected<config::Node, config::Diagnostics> node;
    node->admin = config::admin_defaults();
    if (!options.node.empty()) node = config::load_node(options.node);
    if (!node) return print_diagnostics(node.error(), terminal);
    auto loaded = config::load_config(options.config);
    if (!loaded) {
        if (std::error_code ignored; !std::filesystem::exists(options.config, ignored))
            loaded.error().front().hint = no_file_hint;
        return print_diagnostics(loaded.error(), terminal);
    }
    const std::string control =
        control_path(options.control.empty() ? node->control : options.control);
    if (control.empty()) {
        terminal.err << "poise: no control socket, for XDG_RUNTIME_DIR is not set; "
                        "give one with --control PATH\n";
    }
    return serve_until_stopped({.config = std::move(*loaded),
                                .node = std::move(*node),
                                .config_path = options.config,
                                .node_path = options.node,
                                .control_path = control},
                               terminal);
}

}  // namespace poise::app
