// `poise pair`, `takeover` and `standby`: the two nodes and who holds the floating addresses.
#include "app/commands.hpp"
#include "app/control_client.hpp"
#include "ha/cluster_key.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <ostream>
#include <system_error>

namespace poise::app {

namespace {

int print_keys(const std::string& path, const ha::ClusterKeys& keys, Terminal& terminal) {
    for (std::size_t i = 0; i < keys.size(); ++i)
        terminal.out << fmt::format("{} {:08x}\n",
                                    i == 0 ? "in use:   " : "also read:", ha::key_id(keys[i]));
    terminal.out << fmt::format(
        "Both nodes need this file. `poise pair offer --key-file {0}` here and `poise pair join`\n"
        "there bring it over; or copy it over a way that nobody else reads,\n"
        "  scp -p {0} OTHER:{0}\n"
        "and name it in both node.yaml as cluster.key_file. `poise pair --key-file {0}` there "
        "must\n"
        "show the same ids.\n",
        path);
    return exit_good;
}

// Nothing: the file is as it should be, and `keys` are what it holds.
int change_keys(const PairOptions& options, ha::ClusterKeys& keys, Terminal& terminal) {
    if (options.add_key) {
        if (keys.size() == ha::cluster_keys_max)
            return terminal.fail("there is a second key already; `--use-next` puts it into use");
        keys.push_back(ha::make_cluster_key());
    }
    if (options.use_next) {
        if (keys.size() < 2) return terminal.fail("there is no second key; `--add-key` makes one");
        std::swap(keys[0], keys[1]);
    }
    if (options.drop_old) {
        if (keys.size() < 2) return terminal.fail("there is only one key");
        keys.pop_back();
    }
    if (!options.add_key && !options.use_next && !options.drop_old) return exit_good;
    if (auto saved = ha::save_cluster_keys(options.key_file, keys); !saved)
        return terminal.fail(saved.error());
    return exit_good;
}

}  // namespace

int run_pair(const PairOptions& options, Terminal& terminal) {
    std::error_code ignored;
    if (!std::filesystem::exists(options.key_file, ignored)) {
        if (options.add_key || options.use_next || options.drop_old)
            return terminal.fail(fmt::format("there is no key file '{}'", options.key_file));
        const ha::ClusterKeys keys{ha::make_cluster_key()};
        if (auto saved = ha::save_cluster_keys(options.key_file, keys); !saved)
            return terminal.fail(saved.error());
        terminal.out << fmt::format("made {}\n", options.key_file);
        return print_keys(options.key_file, keys, terminal);
    }
    auto keys = ha::load_cluster_keys(options.key_file);
    if (!keys) return terminal.fail(keys.error());
    if (const int code = change_keys(options, *keys, terminal); code != exit_good) return code;
    return print_keys(options.key_file, *keys, terminal);
}

int run_owner_command(const OwnerOptions& options, Terminal& terminal) {
    const auto answer = ask(options.control, {.verb = options.verb, .force = options.force});
    if (!answer) return terminal.fail(answer.error());
    if (options.json) {
        terminal.out << *answer << '\n';
    } else {
        terminal.out << (options.verb == ControlVerb::takeover
                             ? "this node takes the floating addresses over\n"
                             : "the other node takes the floating addresses over\n");
    }
    return exit_good;
}

}  // namespace poise::app
