#include "base/log.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

using namespace poise;
using namespace std::chrono_literals;

namespace {

struct TemporaryFolder {
    std::filesystem::path path;
    TemporaryFolder() {
        auto name = (std::filesystem::temp_directory_path() / "poise-log-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path); }
    std::string file(std::string_view name) const { return (path / name).string(); }
};

std::string content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

// A pipe with a name, whose reading end the test holds.
struct Pipe {
    explicit Pipe(std::string at) : path(std::move(at)) {
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        REQUIRE(fd >= 0);
    }
    ~Pipe() { ::close(fd); }
    // Takes what is there.
    void drain(std::string& text) const {
        char buffer[65'536];
        for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;)
            text.append(buffer, static_cast<std::size_t>(n));
    }
    std::string path;
    int fd;
};

}  // namespace

TEST_SUITE("base/log") {
    TEST_CASE("lines arrive in order, the less severe ones are left out") {
        const TemporaryFolder folder;
        auto log = Log::open({.path = folder.file("log")}).value();

        log->debug("hidden");
        log->info("first");
        log->error("second");

        CHECK(log->flush_within(10s));
        const std::string text = content(folder.file("log"));
        CHECK(text.find("hidden") == std::string::npos);
        CHECK(text.find("Z info  first\n") != std::string::npos);
        CHECK(text.ends_with("Z error second\n"));
        CHECK(log->lines_lost() == 0);
    }

    TEST_CASE("the end writes what is queued") {
        const TemporaryFolder folder;
        Log::open({.path = folder.file("log")}).value()->info("last words");
        CHECK(content(folder.file("log")).ends_with("last words\n"));
    }

    // The control thread hung here, and no signal could end the program.
    TEST_CASE("an output that nobody reads blocks nobody, and the loss is told") {
        const TemporaryFolder folder;
        const Pipe pipe(folder.file("pipe"));
        auto log = Log::open({.path = pipe.path}).value();
        const std::string line(1'000, 'x');
        std::size_t written = 0;
        for (; log->lines_lost() == 0 && written < 10'000; ++written)
            log->info(line);
        CHECK(log->lines_lost() == 1);
        CHECK_FALSE(log->flush_within(10ms));
        log->tell_losses();  // there is no room to say it

        std::string text;
        const auto until = std::chrono::steady_clock::now() + 10s;
        while (!log->flush_within(1ms) && std::chrono::steady_clock::now() < until)
            pipe.drain(text);
        pipe.drain(text);  // the last of it may fill the pipe
        log->tell_losses();
        log->tell_losses();
        CHECK(log->flush_within(10s));
        pipe.drain(text);
        const auto told = text.find("at least 1 lines of this log were lost");
        CHECK(told != std::string::npos);
        CHECK(text.find("at least", told + 1) == std::string::npos);
    }

    TEST_CASE("the end does not wait long for an output that nobody reads") {
        const TemporaryFolder folder;
        const Pipe pipe(folder.file("pipe"));
        auto log = Log::open({.path = pipe.path}).value();
        while (log->lines_lost() == 0)
            log->info(std::string(1'000, 'x'));
        const auto began = std::chrono::steady_clock::now();
        log.reset();
        CHECK(std::chrono::steady_clock::now() - began < 5s);
    }

    TEST_CASE("a log is opened anew for rotation, and says why it cannot be") {
        const TemporaryFolder folder;
        auto log = Log::open({.path = folder.file("log")}).value();
        std::filesystem::rename(folder.file("log"), folder.file("old"));
        CHECK_FALSE(log->reopen());
        log->info("after");
        CHECK(log->flush_within(10s));
        CHECK(content(folder.file("log")).ends_with("after\n"));

        std::filesystem::remove(folder.file("log"));
        std::filesystem::create_directory(folder.file("log"));
        CHECK(log->reopen() == std::errc::is_a_directory);
    }
}
