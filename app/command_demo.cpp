// `poise demo`: the balancer over three demo servers in one process, shown live.
#include "app/admin_door.hpp"
#include "app/commands.hpp"
#include "app/demo_config.hpp"
#include "app/demo_screen.hpp"
#include "app/demo_server.hpp"
#include "app/own_command.hpp"
#include "app/serving.hpp"
#include "app/text.hpp"
#include "app/unix_path.hpp"

#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>

namespace poise::app {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds key_interval{50};
constexpr unsigned keys_a_drawing = 8;
constexpr std::size_t events_shown = 4;

// Where the demo's administration keeps its certificate and users; gone with the demo.
class DemoState {
public:
    DemoState() {
        std::string made = (std::filesystem::temp_directory_path() / "poise-demo-XXXXXX").string();
        if (::mkdtemp(made.data()) != nullptr) folder_ = made;
    }
    ~DemoState() {
        std::error_code ignored;
        if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
    }
    DemoState(const DemoState&) = delete;
    DemoState& operator=(const DemoState&) = delete;

    const std::string& folder() const { return folder_; }

private:
    std::string folder_;
};

// Runs on the runtime's control thread.
class Demo {
public:
    Demo(DemoServers& servers, Terminal& terminal)
        : servers_(servers), terminal_(terminal), live_(terminal), keys_(terminal.in_is_terminal) {}

    bool has_keys() const { return keys_.any(); }
    void on_event(const pool::ServerEvent& event);
    void run(Runtime& runtime, std::chrono::seconds limit, const std::function<void()>& on_end);

private:
    void tick_later(Runtime& runtime, asio::steady_timer& timer);
    void obey_keys(Runtime& runtime);
    void draw(const Runtime& runtime);

    DemoServers& servers_;
    Terminal& terminal_;
    LiveText live_;
    Keys keys_;
    unsigned ticks_ = 0;
    std::deque<std::string> events_;
};

void Demo::on_event(const pool::ServerEvent& event) {
    std::string line = fmt::format("{}/{}: {}", event.service, event.server, event.text);
    if (!terminal_.out_is_terminal) {
        terminal_.out << line << '\n' << std::flush;
        return;
    }
    events_.push_back(std::move(line));
    if (events_.size() > events_shown) events_.pop_front();
}

void Demo::run(Runtime& runtime, std::chrono::seconds limit, const std::function<void()>& on_end) {
    asio::steady_timer tick(runtime.executor());
    asio::steady_timer end(runtime.executor());
    if (has_keys() || terminal_.out_is_terminal) tick_later(runtime, tick);
    if (limit.count() > 0) {
        end.expires_after(limit);
        end.async_wait([&runtime](const boost::system::error_code& error) {
            if (!error) runtime.stop_now();
        });
    }
    runtime.run([&] {
        on_end();
        tick.cancel();
        end.cancel();
    });
}

void Demo::tick_later(Runtime& runtime, asio::steady_timer& timer) {
    obey_keys(runtime);
    if (ticks_++ % keys_a_drawing == 0) draw(runtime);
    timer.expires_after(key_interval);
    timer.async_wait([this, &runtime, &timer](const boost::system::error_code& error) {
        if (!error) tick_later(runtime, timer);
    });
}

void Demo::obey_keys(Runtime& runtime) {
    while (const auto key = keys_.next()) {
        if (*key == 'q') return runtime.stop_now();
        if (*key >= '1' && *key < '1' + static_cast<char>(DemoServers::count))
            servers_.kill_or_revive(static_cast<std::size_t>(*key - '1'));
    }
}

void Demo::draw(const Runtime& runtime) {
    const TerminalSize size = terminal_size();
    const StatusStyle style{
        .colour = true, .now = std::chrono::system_clock::now(), .columns = size.columns};
    std::string text;
    for (const ServiceStatus& service : runtime.status().services)
        text += service_text(service, style) + '\n';
    for (const std::string& event : events_)
        text += clipped(event, size.columns) + '\n';
    live_.draw(text, size.rows);
}

}  // namespace

int run_demo(const DemoOptions& options, Terminal& terminal) {
    const auto places = demo_places(options.listen);
    if (!places) {
        terminal.fail(places.error());
        return exit_usage;
    }
    // Reads the environment while there is one thread.
    const char* search = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
    const std::string command = own_command(own_file(), search == nullptr ? "" : search);
    DemoServers servers;
    const std::string yaml =
        demo_yaml(*places, {servers.port(0), servers.port(1), servers.port(2)});
    auto parsed = config::parse_config(yaml, "demo");
    if (!parsed) return print_diagnostics(parsed.error(), terminal);
    config::Node node;
    node.log_level = config::LogLevel::error;  // changes of servers are shown in their own way
    auto log = open_log(node);
    if (!log) return terminal.fail(log.error());

    Demo demo(servers, terminal);
    const DemoState state;
    std::unique_ptr<AdminDoor> door;
    node.admin = config::admin_defaults();
    node.admin.state_dir = state.folder();
    const admin::AdminOptions administration = admin_options(node, "", "");
    Runtime runtime({.config = std::move(*parsed),
                     .node = std::move(node),
                     .config_path = "",
                     .control_path = control_path(options.control),
                     .control_required = !options.control.empty(),
                     .on_event =
                         [&](const pool::ServerEvent& event) {
                             demo.on_event(event);
                             if (door) door->tell(event);
                         }},
                    **log);
    if (auto started = runtime.start(); !started)
        return terminal.fail(started.error() + "; another place: poise demo --listen :9090");
    door = std::make_unique<AdminDoor>(administration, runtime, **log);
    std::string page;  // without it the demo is still one
    if (door->start()) page = door->admin().first_url();
    const std::string control = options.control.empty() ? "" : " --control " + options.control;
    terminal.out << demo_text(*places, {.poise = command,
                                        .control = control,
                                        .page = page,
                                        .has_control = runtime.has_control(),
                                        .has_keys = demo.has_keys()})
                 << std::flush;
    demo.run(runtime, std::chrono::seconds{options.seconds}, [&door] { door->stop(); });
    return exit_good;
}

}  // namespace poise::app
