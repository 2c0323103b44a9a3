#include "app/command_line.hpp"

#include "app/command_definition.hpp"
#include "app/commands.hpp"
#include "app/runtime.hpp"
#include "app/usage.hpp"
#include "config/diagnostic.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <ostream>
#include <string_view>
#include <vector>

namespace poise::app {

namespace {

constexpr std::string_view examples =
    "Examples:\n"
    "  poise demo                                       see it work, without a file\n"
    "  poise proxy --listen :8080 --to localhost:3000   a sidecar, without a file\n"
    "  poise check poise.yaml                           is the file good?\n"
    "  poise serve --config poise.yaml                  run it\n"
    "  poise status                                     how are the servers?\n"
    "`poise COMMAND --help` tells more.";

void define_serving(const Definition& define) {
    auto serve = std::make_shared<ServeOptions>();
    auto* command = define.command(
        "serve", "Balance what the file says, in the foreground",
        "poise serve --config /etc/poise/poise.yaml --node /etc/poise/node.yaml", serve, run_serve);
    command->add_option("--config", serve->config, "What is balanced")->capture_default_str();
    command->add_option("--node", serve->node, "Who this machine is (default: the defaults)");
    add_control(command, serve->control);

    auto proxy = std::make_shared<ProxyOptions>();
    command = define.command("proxy", "A sidecar without a file",
                             "poise proxy --listen :8080 --to 10.0.0.11:80 --to 10.0.0.12:80",
                             proxy, run_proxy);
    command->add_option("--listen", proxy->listen, "Address to listen on, may be repeated")
        ->required();
    command->add_option("--to", proxy->to, "HOST:PORT of a server, may be repeated")->required();
    auto* tcp = command->add_flag("--tcp", proxy->tcp, "Pass bytes on instead of HTTP");
    command->add_flag("--udp", proxy->udp, "Pass datagrams on instead of HTTP")->excludes(tcp);
    command->add_option("--tls-cert", proxy->tls_cert,
                        "Speak TLS with clients by this certificate and its chain");
    command->add_option("--tls-key", proxy->tls_key, "Its key, unless that is in the same file");
    command->add_option("--workers", proxy->workers, "Threads (default: one a core)")
        ->check(whole_number(1, 64));
    command->add_flag("--access-log", proxy->access_log, "A line for each request");
    command->add_option("--control", proxy->control,
                        "Path of a control socket; without one `poise status` and the others "
                        "cannot reach this Poise");

    auto demo = std::make_shared<DemoOptions>();
    command = define.command("demo", "The balancer over three demo servers, and what to try",
                             "poise demo --listen :8080", demo, run_demo);
    command->add_option("--listen", demo->listen, "Address; the next port is used too")
        ->capture_default_str();
    command->add_option("--seconds", demo->seconds, "End after so many (default: never)")
        ->check(whole_number(1, 86'400));
    add_control(command, demo->control);
}

void define_checking(const Definition& define) {
    auto check = std::make_shared<CheckOptions>();
    auto* command =
        define.command("check", "Say whether files are good, and all that is wrong with them",
                       "poise check poise.yaml --node node.yaml", check, run_check);
    command->add_option("FILE", check->files, "Files such as poise.yaml");
    command->add_option("--node", check->node_files, "A file such as node.yaml");
    command->add_flag("--effective", check->effective, "Print it with every default written out");
    command->add_flag("--json", check->json, "Print what is wrong as JSON");

    auto node = std::make_shared<bool>(false);
    command = define.command("schema", "The JSON Schema of poise.yaml, for editors",
                             "poise schema > poise.schema.json", node, run_schema);
    command->add_flag("--node", *node, "That of node.yaml");
}

void define_asking(const Definition& define) {
    auto status = std::make_shared<StatusOptions>();
    auto* command =
        define.command("status", "Services and servers: state, load, why and since when",
                       "poise status web", status, run_status);
    command->add_option("SERVICE", status->service, "Only this one");
    command->add_flag("--json", status->json, "As JSON");
    command->add_flag("--watch", status->watch, "Again each second");
    add_control(command, status->control);

    auto top = std::make_shared<TopOptions>();
    command = define.command("top", "What services do right now, again each second", "poise top",
                             top, run_top);
    command->add_option("SERVICE", top->service, "Only this one");
    command->add_option("--interval", top->interval, "Seconds between two pictures")
        ->capture_default_str()
        ->check(whole_number(1, 3'600));
    command->add_flag("--once", top->once, "One picture, also without a terminal");
    add_control(command, top->control);

    auto why = std::make_shared<WhyOptions>();
    command = define.command("why",
                             "Explain a refused or failed request, or list the last ones and "
                             "the packets that were dropped",
                             "poise why 06f3k2v9x1m8q4t7r5z0y2w3e6", why, run_why);
    command->add_option(
        "REQUEST-ID|SERVICE", why->about,
        "A request by its id, from an error answer or the log; or all of a service");
    command->add_flag("--json", why->json, "As JSON");
    add_control(command, why->control);
}

void define_orders(const Definition& define) {
    struct Order {
        ControlVerb verb;
        const char* help;
        const char* example;
    };
    for (const Order& order :
         {Order{ControlVerb::drain, "Let a server end what it has", "poise drain web/web1"},
          Order{ControlVerb::halt, "Stop using a server at once", "poise halt web/web1"},
          Order{ControlVerb::online, "Use a server again", "poise online web/web1"},
          Order{ControlVerb::weight, "Change a server's weight while running",
                "poise weight web/web1 50"}}) {
        auto options = std::make_shared<ServerOptions>();
        options->verb = order.verb;
        auto* command = define.command(std::string(word(order.verb)), order.help, order.example,
                                       options, run_server_command);
        command->add_option("SERVICE/SERVER", options->target, "The server")->required();
        if (order.verb == ControlVerb::weight) {
            command->add_option("N", options->weight, "0 to 256; 0 drains")
                ->required()
                ->check(whole_number(0, 256));
        }
        command->add_flag("--json", options->json, "As JSON");
        add_control(command, options->control);
    }
    auto options = std::make_shared<ReloadOptions>();
    auto* reload = define.command("reload", "Load the file again; no connection is dropped",
                                  "poise reload", options, run_reload);
    reload->add_flag("--json", options->json, "As JSON");
    add_control(reload, options->control);
}

void define_users(const Definition& define) {
    struct Verb {
        const char* name;
        const char* help;
        const char* example;
    };
    CLI::App* user = define.app.add_subcommand("user", "Who may use the web page and the API");
    user->require_subcommand(1);
    user->footer("Example:\n  poise user add alice --node /etc/poise/node.yaml");
    for (const Verb& verb :
         {Verb{"add", "Add a user; asks for the password", "poise user add alice --role viewer"},
          Verb{"passwd", "Set a user's password", "poise user passwd alice"},
          Verb{"remove", "Remove a user", "poise user remove alice"},
          Verb{"token", "Make an API token and print it",
               "poise user token prometheus --role viewer --days 365"},
          Verb{"list", "List users and tokens", "poise user list"}}) {
        auto options = std::make_shared<UserOptions>();
        options->verb = verb.name;
        const Definition nested = define.within(*user);
        auto* command = nested.command(verb.name, verb.help, verb.example, options,
                                       [](const UserOptions& given, Terminal& terminal) {
                                           return run_user(given, terminal, std::cin);
                                       });
        const bool is_token = options->verb == "token";
        if (is_token) options->role = "viewer";
        if (options->verb != "list") command->add_option("NAME", options->name)->required();
        if (options->verb == "add" || is_token)
            command->add_option("--role", options->role, "viewer, operator or administrator")
                ->capture_default_str();
        if (is_token)
            command->add_option("--days", options->days, "Until it expires (default: never)")
                ->check(whole_number(1, 3'650));
        command->add_option("--node", options->node, "The node.yaml that `poise serve` has");
        command->add_option("--file", options->file, "users.yaml itself");
    }
}

void define_alerts(const Definition& define) {
    CLI::App* alert = define.app.add_subcommand("alert", "Who is told when something goes wrong");
    alert->require_subcommand(1);
    alert->footer("Example:\n  poise alert test --node /etc/poise/node.yaml");
    auto options = std::make_shared<AlertOptions>();
    const Definition nested = define.within(*alert);
    auto* command =
        nested.command("test", "Send a test message to everybody whom node.yaml names",
                       "poise alert test --node /etc/poise/node.yaml", options, run_alert_test);
    command->add_option("--node", options->node, "The file that names them")->capture_default_str();
}

void define_support(const Definition& define) {
    auto options = std::make_shared<SupportOptions>();
    auto* command = define.command(
        "support", "A file for whoever helps: status, settings without secrets, logs, versions",
        "poise support --config /etc/poise/poise.yaml --node /etc/poise/node.yaml", options,
        run_support);
    command->add_option("--config", options->config, "What is balanced")->capture_default_str();
    command->add_option("--node", options->node, "Who this machine is (default: the defaults)");
    command->add_option("--out", options->out, "Where to (default: poise-support-TIME.tar.gz)");
    add_control(command, options->control);
}

void define_rest(const Definition& define) {
    auto nothing = std::make_shared<bool>();
    define.command("help", "Print this help, or that of a command", "poise help serve", nothing,
                   [](bool, Terminal&) { return exit_good; });
    define.command("version", "Print the version", "poise version", nothing,
                   [](bool, Terminal& terminal) {
                       terminal.out << "poise " << version() << '\n';
                       return exit_good;
                   });
}

// A first word that is nothing of ours, before CLI11 sees it: it has no nearest word to offer.
bool is_unknown(const CLI::App& app, const std::string& word, Terminal& terminal) {
    if (word.starts_with('-')) {
        const std::string wrong = unknown_first_option(app, word);
        terminal.err << wrong;
        return !wrong.empty();
    }
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands(nullptr))
        names.push_back(command->get_name());
    if (std::ranges::find(names, word) != names.end()) return false;
    const std::vector<std::string_view> known(names.begin(), names.end());
    const auto found = config::unknown_word({}, "command", word, known);
    terminal.fail(found.message + "; " + found.hint);
    return true;
}

// `poise help serve` is `poise serve --help`.
std::vector<std::string> without_help_word(std::span<const std::string> arguments) {
    if (arguments.empty() || arguments.front() != "help")
        return {arguments.begin(), arguments.end()};
    if (arguments.size() == 1) return {"--help"};
    return {arguments[1], "--help"};
}

}  // namespace

int run_command_line(std::span<const std::string> given, Terminal& terminal) {
    CLI::App app("Poise, a redundant load balancer", "poise");
    app.footer(std::string(examples));
    app.set_version_flag("-v,--version", "poise " + std::string(version()));
    app.require_subcommand(1);
    std::function<int()> chosen;
    const Definition define{app, terminal, chosen};
    define_serving(define);
    define_checking(define);
    define_asking(define);
    define_orders(define);
    define_pair(define);
    define_users(define);
    define_alerts(define);
    define_support(define);
    define_rest(define);

    const std::vector<std::string> arguments = without_help_word(given);
    if (arguments.empty()) {
        terminal.err << app.help();
        return exit_usage;
    }
    if (is_unknown(app, arguments.front(), terminal)) return exit_usage;
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // as CLI11 wants it
    try {
        app.parse(reversed);
    } catch (const CLI::ParseError& error) {
        const bool is_help = error.get_exit_code() == 0;
        if (is_help) return app.exit(error, terminal.out, terminal.err);
        terminal.err << usage_error(app, error);
        return exit_usage;
    }
    return chosen();
}

}  // namespace poise::app
