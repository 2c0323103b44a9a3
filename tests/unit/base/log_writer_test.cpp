#include "base/log_writer.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace poise;

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

std::vector<std::string> lines_of(const std::string& path) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);)
        lines.push_back(line);
    return lines;
}

}  // namespace

TEST_SUITE("base/log_writer") {
    TEST_CASE("lines arrive whole and in order, and flush waits for them") {
        const TemporaryFolder folder;
        auto writer = LogWriter::open(folder.file("access.log")).value();
        LogQueue& queue = writer->add_queue();

        CHECK(queue.push("first"));
        CHECK(queue.push(""));
        CHECK(queue.push("third"));
        writer->flush();

        CHECK(content(folder.file("access.log")) == "first\n\nthird\n");
        CHECK(writer->bytes_written() == 13);
        CHECK(writer->lines_dropped() == 0);
        CHECK(queue.pushed() == 3);
    }

    TEST_CASE("a line pushed while the writer sleeps wakes it") {
        // Method: without a flush, only the wake-up can bring the line to the file.
        const TemporaryFolder folder;
        auto writer = LogWriter::open(folder.file("access.log")).value();
        LogQueue& queue = writer->add_queue();
        for (std::uint64_t n = 1; n <= 20; ++n) {
            queue.push("x");
            const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
            while (writer->bytes_written() < 2 * n && std::chrono::steady_clock::now() < limit)
                std::this_thread::yield();
            REQUIRE(writer->bytes_written() == 2 * n);
        }
    }

    TEST_CASE("the destructor writes what is queued") {
        const TemporaryFolder folder;
        {
            auto writer = LogWriter::open(folder.file("access.log")).value();
            LogQueue& queue = writer->add_queue();
            for (int i = 0; i < 1'000; ++i)
                queue.push("line " + std::to_string(i));
        }
        const auto lines = lines_of(folder.file("access.log"));
        REQUIRE(lines.size() == 1'000);
        CHECK(lines.back() == "line 999");
    }

    TEST_CASE("a ring used for longer than its size keeps lines whole at its seam") {
        const TemporaryFolder folder;
        auto writer = LogWriter::open(folder.file("access.log")).value();
        LogQueue& queue = writer->add_queue(4'096);
        std::string expected;
        for (int i = 0; i < 500; ++i) {
            const std::string line(static_cast<std::size_t>(i * 7 % 301), 'a' + i % 26);
            if (!queue.push(line)) {
                writer->flush();
                REQUIRE(queue.push(line));
            }
            expected += line + '\n';
        }
        writer->flush();
        CHECK(content(folder.file("access.log")) == expected);
    }

    TEST_CASE("a line that finds no room is dropped whole and counted") {
        std::atomic<bool> sleeps{false};
        LogQueue queue(4'096, -1, sleeps);  // nobody reads it
        const std::string line(1'000, 'x');
        for (int i = 0; i < 4; ++i)
            CHECK(queue.push(line));
        CHECK_FALSE(queue.push(line));
        CHECK(queue.push(std::string(91, 'x')));  // 4 * 1001 + 92 fill it to the last byte
        CHECK_FALSE(queue.push(""));
        CHECK_FALSE(queue.push(std::string(100'000, 'x')));
        CHECK(queue.dropped() == 3);
        CHECK(queue.pushed() == 5);
    }

    TEST_CASE("each thread's lines keep their order, and none is torn") {
        const TemporaryFolder folder;
        constexpr int threads_count = 4;
        constexpr int lines_count = 5'000;
        {
            auto writer = LogWriter::open(folder.file("access.log")).value();
            std::vector<std::thread> threads;
            for (int t = 0; t < threads_count; ++t) {
                LogQueue& queue = writer->add_queue();
                threads.emplace_back([t, &queue] {
                    for (int i = 0; i < lines_count; ++i)
                        queue.push(std::to_string(t) + ' ' + std::to_string(i));
                });
            }
            for (auto& thread : threads)
                thread.join();
            CHECK(writer->lines_dropped() == 0);
        }
        std::vector<int> next(threads_count, 0);
        for (const std::string& line : lines_of(folder.file("access.log"))) {
            std::istringstream words(line);
            int thread = -1, number = -1;
            words >> thread >> number;
            REQUIRE(thread >= 0);
            REQUIRE(thread < threads_count);
            REQUIRE(number == next[static_cast<std::size_t>(thread)]++);
        }
        for (const int count : next)
            CHECK(count == lines_count);
    }

    TEST_CASE("reopening after a rename writes to a new file") {
        const TemporaryFolder folder;
        auto writer = LogWriter::open(folder.file("access.log")).value();
        LogQueue& queue = writer->add_queue();
        queue.push("old");
        writer->flush();

        std::filesystem::rename(folder.file("access.log"), folder.file("access.log.1"));
        queue.push("still old");
        writer->flush();
        writer->reopen();
        writer->flush();
        queue.push("new");
        writer->flush();

        CHECK(content(folder.file("access.log.1")) == "old\nstill old\n");
        CHECK(content(folder.file("access.log")) == "new\n");
        CHECK(writer->reopen_failures() == 0);
    }

    TEST_CASE("when reopening fails the old file goes on, and the failure is counted") {
        const TemporaryFolder folder;
        std::filesystem::create_directory(folder.file("sub"));
        auto writer = LogWriter::open(folder.file("sub/access.log")).value();
        LogQueue& queue = writer->add_queue();
        std::filesystem::rename(folder.file("sub"), folder.file("moved"));

        writer->reopen();
        queue.push("line");
        writer->flush();

        CHECK(writer->reopen_failures() == 1);
        CHECK(content(folder.file("moved/access.log")) == "line\n");
    }

    TEST_CASE("an existing file is appended to; a new one is not for everybody to read") {
        const TemporaryFolder folder;
        const std::string path = folder.file("access.log");
        for (const std::string_view line : {"one", "two"}) {
            auto writer = LogWriter::open(path).value();
            writer->add_queue().push(line);
        }
        CHECK(content(path) == "one\ntwo\n");
        using std::filesystem::perms;
        CHECK((std::filesystem::status(path).permissions() & perms::others_all) == perms::none);
    }

    TEST_CASE("a path that cannot be opened is an error") {
        const auto writer = LogWriter::open("/nonexistent/poise/access.log");
        REQUIRE_FALSE(writer.has_value());
        CHECK(writer.error() == std::errc::no_such_file_or_directory);
    }

    TEST_CASE("a full disk is counted and holds nobody up") {
        auto writer = LogWriter::open("/dev/full").value();
        LogQueue& queue = writer->add_queue(4'096);
        queue.push("line");
        writer->flush();
        CHECK(writer->write_failures() == 1);
        CHECK(queue.push(std::string(4'000, 'x')));
    }

    TEST_CASE("an output that nobody reads holds up neither the workers nor the end") {
        const TemporaryFolder folder;
        const std::string path = folder.file("pipe");
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
        REQUIRE(reader >= 0);
        {
            auto writer = LogWriter::open(path).value();
            LogQueue& queue = writer->add_queue(std::size_t{1} << 18);
            const std::string line(1'000, 'x');
            while (queue.push(line)) {
            }
            CHECK(queue.dropped() == 1);
            CHECK(writer->lines_dropped() == 1);
        }
        ::close(reader);
    }
}
