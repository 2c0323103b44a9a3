// What is wrong with a command line, in words that help: names the command and the nearest word.
#pragma once

#include <string>

namespace CLI {  // NOLINT(readability-identifier-naming): not ours
class App;
class ParseError;
}  // namespace CLI

namespace poise::app {

/// For an error that `app` has thrown while it parsed. Two lines, each with its line feed:
/// `poise serve: there is no option "--confg"; did you mean --config?`, and where help is.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error);

/// The same when the first word is meant as an option of `app` and is none; else empty.
std::string unknown_first_option(const CLI::App& app, const std::string& word);

}  // namespace poise::app
