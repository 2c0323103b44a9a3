// `poise support`: what somebody who helps needs to know, in one file without secrets.
#include "admin/file.hpp"
#include "app/admin_door.hpp"
#include "app/commands.hpp"
#include "app/control_client.hpp"
#include "app/support_facts.hpp"
#include "app/tar_file.hpp"
#include "app/text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <ostream>
#include <utility>

namespace poise::app {

namespace {

// Collects the files and what each of them is.
class Bundle {
public:
    void add(const std::string& name, std::string text, const std::string& what) {
        manifest_ += fmt::format("{:<16} {}\n", name, what);
        entries_.push_back({"poise-support/" + name, without_private_keys(std::move(text))});
    }
    std::string manifest() const {
        return manifest_ +
               "\nNot in it: private keys, certificates, users, passwords, tokens, the audit log, "
               "the comments of the configuration.\nAddresses of clients and servers are in it.\n";
    }
    std::string made(std::int64_t now_s) {
        entries_.insert(entries_.begin(), {"poise-support/CONTENTS", manifest()});
        return make_tar_gz(entries_, now_s);
    }

private:
    std::string manifest_;
    std::vector<TarEntry> entries_;
};

std::string asked(const std::string& control, ControlVerb verb) {
    const auto answer = ask(control, {.verb = verb});
    return answer ? *answer : fmt::format("no answer: {}\n", answer.error());
}

void add_running(Bundle& bundle, const SupportOptions& options) {
    bundle.add("status.json", asked(options.control, ControlVerb::status),
               "services, servers and the pair, as `poise status --json`");
    bundle.add("why.json", asked(options.control, ControlVerb::why),
               "the last refused and failed requests, as `poise why --json`");
}

void add_logs(Bundle& bundle, const config::Node& node, const std::string& node_path) {
    if (!node.log_file.empty())
        bundle.add("poise.log", end_of(node.log_file, support_log_bytes), "the end of the log");
    const auto settings = admin_options(node, "", node_path);
    bundle.add("events.log", end_of(settings.state_folder + "/events.log", support_log_bytes),
               "the end of the event log");
}

}  // namespace

int run_support(const SupportOptions& options, Terminal& terminal) {
    const auto now = std::chrono::system_clock::now();
    Bundle bundle;
    config::Node node;
    node.admin = config::admin_defaults();
    add_running(bundle, options);
    if (std::filesystem::exists(options.config))
        bundle.add("poise.yaml", config_without_secrets(options.config),
                   "the configuration with every default, without secrets");
    if (!options.node.empty()) {
        bundle.add("node.yaml", node_without_secrets(options.node),
                   "the settings of this node with every default, without secrets");
        if (auto loaded = config::load_node(options.node)) node = std::move(*loaded);
    }
    add_logs(bundle, node, options.node);
    bundle.add("versions.txt", versions_text(), "of Poise and its libraries");
    bundle.add("kernel.txt", kernel_text(), "the machine: kernel, memory, limits, network");
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    const std::string path =
        options.out.empty() ? fmt::format("poise-support-{}.tar.gz", seconds) : options.out;
    const std::string contents = bundle.manifest();
    if (auto written = admin::write_whole(path, bundle.made(seconds)); !written)
        return terminal.fail(written.error());
    terminal.out << contents << "\nwritten to " << path << '\n';
    return exit_good;
}

}  // namespace poise::app
