// Carries out what is asked over the control socket.
#pragma once

#include <string>
#include <string_view>

namespace poise::app {

class Runtime;

/// The answer line to a request line. On the control thread. Never waits.
std::string control_answer(Runtime& runtime, std::string_view line);

}  // namespace poise::app
