// One exchange of the cluster key between this node and a person, and this node and the other one.
#pragma once

#include "app/operator_input.hpp"
#include "app/pairing_socket.hpp"
#include "app/terminal.hpp"
#include "ha/pairing.hpp"

#include <expected>
#include <functional>
#include <optional>
#include <string>

namespace poise::app {

struct PairingTalkSettings {
    ha::PairingIdentity own;
    bool gives = false;
    bool yes = false;       // nobody is asked to confirm
    std::string code_path;  // of a file with the other node's code; empty: it is typed
    PairingTime until;      // the end of all of it
    /// Puts the keys where they belong; the error is a sentence.
    std::function<std::expected<void, std::string>(const ha::ClusterKeys&)> write;
};

class PairingTalk {
public:
    /// All three outlive this. `socket` does not wait.
    PairingTalk(PairingTalkSettings settings, ha::Pairing& pairing, int socket,
                OperatorInput& input, Terminal& terminal)
        : settings_(std::move(settings)),
          pairing_(pairing),
          socket_(socket),
          input_(input),
          terminal_(terminal) {}

    /// Until there is a code to show, within five seconds. The error says what the other one does
    /// wrong: it may be anybody yet.
    std::expected<void, std::string> meet();
    /// From then on, with the operator. Returns the exit code.
    int run();

private:
    std::expected<void, std::string> turn(bool asks, PairingTime until);
    std::expected<void, std::string> send();
    std::expected<void, std::string> receive();
    void flush();
    /// What is due in the stage; the exit code when it was the end.
    std::optional<int> act();
    std::optional<int> compare();
    std::optional<int> confirm();
    std::optional<int> write();
    int tell_refusal();
    int end(ha::PairingRefusal refusal, const std::string& why);
    bool asks() const;
    std::optional<std::string> typed_code();
    void tell_once(ha::Pairing::Stage stage, const std::string& text);

    PairingTalkSettings settings_;
    ha::Pairing& pairing_;
    int socket_;
    OperatorInput& input_;
    Terminal& terminal_;
    std::optional<ha::Pairing::Stage> told_;
};

}  // namespace poise::app
