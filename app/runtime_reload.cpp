// How a Runtime takes a new configuration.
#include "app/listening.hpp"
#include "app/runtime_impl.hpp"
#include "app/runtime_text.hpp"
#include "app/text.hpp"
#include "config/diff.hpp"

#include <fmt/format.h>

#include <utility>

namespace poise::app {

ReloadOutcome Runtime::Impl::reload() {
    ReloadOutcome outcome;
    outcome.generation = in_force->generation().number;
    if (options.config_path.empty()) {
        outcome.error = "there is no file to load again: this Poise was started without one";
        return outcome;
    }
    if (stage != Stage::serving) {
        outcome.error = "Poise is stopping";
        return outcome;
    }
    auto loaded = config::load_config(options.config_path);
    if (!loaded) {
        outcome.error = fmt::format("{} has errors; nothing has changed", options.config_path);
        outcome.diagnostics = std::move(loaded.error());
        return outcome;
    }
    const auto held = listening_places(in_force->config());
    auto sockets = open_listening_sockets(listening_places(*loaded), workers->size(), held,
                                          in_force->places_ending());
    if (!sockets) {
        outcome.error = sockets.error() + "; nothing has changed";
        return outcome;
    }
    auto contexts = in_force->tls().prepare(*loaded, workers->size());
    if (!contexts) {
        outcome.error = contexts.error() + "; nothing has changed";
        return outcome;
    }
    if (auto opened = layer4->prepare(*loaded); !opened) {
        outcome.error = opened.error() + "; nothing has changed";
        return outcome;
    }
    outcome.changes = config::to_string(config::compare(in_force->config(), *loaded));
    if (const auto changes = node_changes(options.node_path, node_as_read); !changes.empty()) {
        if (!outcome.changes.ends_with('\n')) outcome.changes += '\n';
        outcome.changes += changes + '\n';
    }
    in_force->publish(std::move(*loaded), std::move(*sockets), std::move(*contexts));
    published();
    outcome.generation = in_force->generation().number;
    return outcome;
}

ReloadOutcome Runtime::Impl::reload_and_tell() {
    const bool serving = stage == Stage::serving;
    if (serving) systemd.reloading();
    ReloadOutcome outcome = reload();
    if (serving) systemd.ready();
    if (options.on_reload) options.on_reload(outcome);
    if (outcome.error.empty()) {
        log.info(fmt::format("reloaded: generation {} is in force", outcome.generation));
        for (const std::string& line : lines_of(outcome.changes))
            log.info("reloaded: " + line);
        return outcome;
    }
    log.error("reload refused: " + outcome.error);
    for (const auto& diagnostic : outcome.diagnostics)
        for (const std::string& line : lines_of(config::to_string(diagnostic)))
            log.error(line);
    return outcome;
}

ReloadOutcome Runtime::reload() {
    return impl_->reload_and_tell();
}

}  // namespace poise::app
