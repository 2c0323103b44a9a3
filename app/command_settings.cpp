// `poise settings`: what the two nodes of a pair have in common, and whose counts when they differ.
#include "admin/line_diff.hpp"
#include "app/commands.hpp"
#include "app/control_client.hpp"
#include "app/text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

namespace poise::app {

using nlohmann::json;

namespace {

// As `diff -u` would have it: "-" is here, "+" is on the other node.
std::string difference(const std::string& ours, const std::string& theirs) {
    std::string text = "--- this node\n+++ the other node\n";
    for (const auto& line : admin::line_diff(ours, theirs))
        text += line.kind == '~' ? std::string("...\n")
                                 : fmt::format("{}{}\n", line.kind, printable(line.text));
    return text;
}

std::string settings_text(const json& answer) {
    const auto version = answer.at("version").get<std::uint64_t>();
    const auto problem = answer.at("problem").get<std::string>();
    if (answer.at("settings").is_null())
        return fmt::format(
            "version {}; the other node has not said what it has: see "
            "`poise status`\n{}",
            version, problem.empty() ? "" : problem + "\n");
    const auto verdict = answer.at("settings").get<std::string>();
    if (verdict == "equal") return fmt::format("version {}, the same on both nodes\n", version);
    std::string text;
    if (verdict == "take_theirs") text = "the other node has newer settings, which are taken now\n";
    if (verdict == "give_ours") text = "this node has newer settings, which the other one takes\n";
    if (verdict == "diverged")
        text =
            "both nodes were changed, and neither follows from the other. Put into one of them "
            "what\nis missing, `poise reload` there, and on the other one "
            "`poise settings --take`.\n";
    if (!problem.empty()) text += problem + "\n";
    const auto theirs = answer.at("theirs").get<std::string>();
    const auto ours = answer.at("ours").get<std::string>();
    if (theirs.empty()) return text;
    if (ours == theirs) return text + "poise.yaml is the same; a file that it names differs\n";
    return text + difference(ours, theirs);
}

}  // namespace

int run_settings(const SettingsOptions& options, Terminal& terminal) {
    const auto verb = options.take ? ControlVerb::take_settings : ControlVerb::settings;
    const auto answer = ask(options.control, {.verb = verb});
    if (!answer) return terminal.fail(answer.error());
    if (options.json) {
        terminal.out << *answer << '\n';
    } else if (options.take) {
        terminal.out << "this node takes the other one's settings; `poise settings` tells when it "
                        "has\n";
    } else {
        const json object = json::parse(*answer, nullptr, false);
        if (!object.is_object()) return terminal.fail("the answer is not understood");
        terminal.out << settings_text(object);
    }
    return exit_good;
}

}  // namespace poise::app
