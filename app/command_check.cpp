// `poise check` and `poise schema`: the configuration without serving it.
#include "app/commands.hpp"
#include "app/layer4_checks.hpp"
#include "app/machine_checks.hpp"
#include "app/serving.hpp"
#include "tls/contexts.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>
#include <vector>

namespace poise::app {

using nlohmann::json;

namespace {

struct Checked {
    std::string file;
    config::Diagnostics diagnostics;
    std::string effective;  // when there are no diagnostics, as the next
    std::string summary;
    std::vector<tls::Problem> warnings;  // of what is good, but not for long, for all, or here
};

std::string counted(std::size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string summary_of(const config::Config& loaded) {
    std::size_t servers = 0;
    std::size_t addresses = 0;
    for (const auto& service : loaded.services) {
        servers += service.servers.size();
        addresses += service.listen.size();
    }
    return fmt::format("{}, {}, {}", counted(loaded.services.size(), "service"),
                       addresses == 1 ? "1 address" : fmt::format("{} addresses", addresses),
                       counted(servers, "server"));
}

template <typename Loaded>
Checked checked(const std::string& file, Loaded loaded, std::string summary) {
    if (!loaded) return {file, std::move(loaded.error()), "", ""};
    return {file, {}, config::effective_yaml(*loaded), std::move(summary)};
}

// Where a Poise that runs by these files answers; empty: the default place.
std::string control_of(const CheckOptions& options) {
    for (const std::string& file : options.node_files)
        if (const auto node = config::load_node(file); node && !node->control.empty())
            return node->control;
    return {};
}

std::vector<Checked> check_all(const CheckOptions& options) {
    const config::MachineChecks machine = machine_checks(control_of(options));
    std::vector<Checked> all;
    for (const std::string& file : options.files) {
        auto loaded = config::load_config(file, machine);
        std::string summary = loaded ? summary_of(*loaded) : "";
        std::vector<tls::Problem> warnings;
        if (loaded) {
            warnings = tls::certificate_warnings(*loaded, std::chrono::system_clock::now());
            for (tls::Problem& found : layer4_warnings(*loaded))
                warnings.push_back(std::move(found));
        }
        all.push_back(checked(file, std::move(loaded), std::move(summary)));
        all.back().warnings = std::move(warnings);
    }
    for (const std::string& file : options.node_files)
        all.push_back(checked(file, config::load_node(file, machine), "node"));
    return all;
}

// Not of one place: the file as a whole.
json number_or_null(int number) {
    return number == 0 ? json() : json(number);
}

void print_json(const std::vector<Checked>& all, Terminal& terminal) {
    json files = json::array();
    for (const Checked& each : all) {
        json diagnostics = json::array();
        for (const auto& found : each.diagnostics)
            diagnostics.push_back({{"file", found.at.file},
                                   {"line", number_or_null(found.at.line)},
                                   {"column", number_or_null(found.at.column)},
                                   {"message", found.message},
                                   {"hint", found.hint}});
        json warnings = json::array();
        for (const auto& found : each.warnings)
            warnings.push_back({{"message", found.message}, {"hint", found.hint}});
        files.push_back({{"file", each.file},
                         {"ok", each.diagnostics.empty()},
                         {"diagnostics", std::move(diagnostics)},
                         {"warnings", std::move(warnings)}});
    }
    terminal.out << files.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
}

void print_text(const Checked& checked, bool effective, Terminal& terminal) {
    if (!checked.diagnostics.empty()) {
        print_diagnostics(checked.diagnostics, terminal);
    } else if (effective) {
        terminal.out << checked.effective;
    } else {
        terminal.out << checked.file << ": ok, " << checked.summary << '\n';
    }
    for (const auto& found : checked.warnings) {
        terminal.err << checked.file << ": warning: " << found.message << '\n';
        if (!found.hint.empty()) terminal.err << "  hint: " << found.hint << '\n';
    }
}

}  // namespace

int run_check(const CheckOptions& options, Terminal& terminal) {
    if (options.files.empty() && options.node_files.empty()) {
        terminal.fail("check which FILE? such as: poise check poise.yaml");
        return exit_usage;
    }
    const std::vector<Checked> all = check_all(options);
    int code = exit_good;
    for (const Checked& each : all)
        if (!each.diagnostics.empty()) code = exit_failure;
    if (options.json) {
        print_json(all, terminal);
        return code;
    }
    for (const Checked& each : all)
        print_text(each, options.effective, terminal);
    return code;
}

int run_schema(bool node, Terminal& terminal) {
    std::string schema = node ? config::node_json_schema() : config::config_json_schema();
    if (!schema.ends_with('\n')) schema += '\n';
    terminal.out << schema;
    return exit_good;
}

}  // namespace poise::app
