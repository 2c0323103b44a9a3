// The commands of the pair on the command line: pair, takeover, standby and settings.
#include "app/command_definition.hpp"
#include "app/commands.hpp"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

namespace poise::app {

namespace {

void define_pairing(const Definition& define, CLI::App& pair) {
    for (const bool offers : {true, false}) {
        auto options = std::make_shared<PairingOptions>();
        options->offers = offers;
        const Definition nested = define.within(pair);
        auto* command = nested.command(
            offers ? "offer" : "join",
            offers ? "Give the key to the other node: each node shows a code to type on the other"
                   : "Get the key from the node that says `poise pair offer`",
            offers ? "poise pair offer --node /etc/poise/node.yaml --config /etc/poise/poise.yaml"
                   : "poise pair join 10.0.0.2 --node /etc/poise/node.yaml "
                     "--config /etc/poise/poise.yaml",
            options, run_pairing);
        if (offers) {
            command->add_option("--listen", options->listen,
                                "Address, or ADDRESS:PORT (default: the first address of "
                                "cluster.bind, else all; port 9695)");
        } else {
            command->add_option("HOST", options->host, "The other node, or HOST:PORT (port 9695)")
                ->required();
        }
        command->add_option("--node", options->node, "The node.yaml that `poise serve` has");
        command->add_option("--config", options->config, "What is balanced: it is compared")
            ->capture_default_str();
        command->add_option("--key-file", options->key_file,
                            "The file (default: cluster.key_file of node.yaml, else cluster.key)");
        auto* code = command->add_option(
            "--code", options->code,
            "A file to wait for whose first line is the code that the other node shows; "
            "- for the standard input");
        command->add_flag("--yes", options->yes, "Ask nothing; for scripts, with --code")
            ->needs(code);
        command->add_option("--limit", options->limit, "Seconds for all of it")
            ->capture_default_str()
            ->check(whole_number(1, 86'400));
    }
}

void define_keys(const Definition& define) {
    auto pair = std::make_shared<PairOptions>();
    auto* keys = define.command("pair",
                                "Make or show the key that both nodes of a pair share, or give it "
                                "to the other node",
                                "poise pair --key-file /etc/poise/cluster.key", pair, run_pair);
    keys->callback([keys, pair, &to = define.chosen, &terminal = define.terminal] {
        if (keys->get_subcommands().empty()) {
            to = [pair, &terminal] { return run_pair(*pair, terminal); };
            return;
        }
        for (const char* own : {"--key-file", "--add-key", "--use-next", "--drop-old"})
            if (keys->count(own) > 0)
                throw CLI::ValidationError(own, "does not go before `offer` and `join`");
    });
    keys->add_option("--key-file", pair->key_file, "The file; made when it is missing")
        ->capture_default_str();
    keys->add_flag("--add-key", pair->add_key,
                   "To change keys, first: a second one that is only read; copy the file, reload");
    keys->add_flag("--use-next", pair->use_next,
                   "Then: the second one is used; copy the file, reload");
    keys->add_flag("--drop-old", pair->drop_old, "Last: the old one is forgotten");
    define_pairing(define, *keys);
}

}  // namespace

void define_pair(const Definition& define) {
    define_keys(define);
    struct Order {
        ControlVerb verb;
        const char* help;
        const char* example;
    };
    for (const Order& order :
         {Order{ControlVerb::takeover,
                "This node takes the floating addresses over, without a loss", "poise takeover"},
          Order{ControlVerb::standby, "The other node takes the floating addresses over",
                "poise standby"}}) {
        auto options = std::make_shared<OwnerOptions>();
        options->verb = order.verb;
        auto* command = define.command(std::string(word(order.verb)), order.help, order.example,
                                       options, run_owner_command);
        if (order.verb == ControlVerb::takeover)
            command->add_flag("--force", options->force,
                              "Also when settings differ or the other node cannot be heard");
        command->add_flag("--json", options->json, "As JSON");
        add_control(command, options->control);
    }
    auto settings = std::make_shared<SettingsOptions>();
    auto* command =
        define.command("settings", "Whether both nodes have the same poise.yaml, and what differs",
                       "poise settings", settings, run_settings);
    command->add_flag("--take", settings->take,
                      "Put the other node's poise.yaml and files in the place of this node's");
    command->add_flag("--json", settings->json, "As JSON");
    add_control(command, settings->control);
}

}  // namespace poise::app
