// Three small web servers that differ visibly: what `poise demo` balances.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace poise::app {

/// What tells one demo server from the others.
struct DemoFace {
    std::string_view name;
    std::string_view colour;  // as CSS names it
};
constexpr std::array<DemoFace, 3> demo_faces{
    {{"red", "#b3261e"}, {"green", "#1e7b34"}, {"blue", "#1a56b0"}}};

/// The parts of a request head that a demo server looks at.
struct DemoRequest {
    std::string method, path;  // empty: not understood
    bool wants_html = false;
    bool close = false;
    std::size_t body_bytes = 0;  // that follow and are skipped
    std::string forwarded_for;
};
DemoRequest parse_demo_request(std::string_view head);

/// The whole answer to it. `number` counts this server's requests.
std::string demo_answer(const DemoFace& face, const DemoRequest& request, std::uint64_t number);

/// They listen on ports of 127.0.0.1 that the kernel chose, on a thread of their own. Any thread
/// may call.
class DemoServers {
public:
    static constexpr std::size_t count = demo_faces.size();

    /// Throws boost::system::system_error when there is no port.
    DemoServers();
    ~DemoServers();  // ends all connections and the thread
    DemoServers(const DemoServers&) = delete;
    DemoServers& operator=(const DemoServers&) = delete;

    std::uint16_t port(std::size_t index) const;
    bool alive(std::size_t index) const;
    /// Dies as a crashed process does, its connections reset; or listens on its port again.
    void kill_or_revive(std::size_t index);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace poise::app
