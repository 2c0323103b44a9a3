// What is wrong with a certificate, a key or a setting, in the operator's words.
#pragma once

#include <string>

namespace poise::tls {

struct Problem {
    std::string message;  // names the file
    std::string hint;     // what to do; may be empty
};

}  // namespace poise::tls
