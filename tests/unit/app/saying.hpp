// Runs the command line inside a test and keeps what it says.
#pragma once

#include "app/command_line.hpp"

#include <sstream>
#include <string>
#include <vector>

namespace poise::app::test {

struct Said {
    int code = 0;
    std::string out, err;
};

inline Said said(const std::vector<std::string>& arguments) {
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{.out = out, .err = err};
    const int code = run_command_line(arguments, terminal);
    return {code, out.str(), err.str()};
}

inline bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace poise::app::test
